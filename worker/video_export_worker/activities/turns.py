"""Work on many objects, some of them at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

SIDE_BY_SIDE: Final = 8  # requests of one attempt at once, each of a few MiB at most

Item = TypeVar("Item")


async def in_turns(work: Callable[[Item], Awaitable[None]], items: Iterable[Item]) -> None:
    """Do the work of all items, some side by side; the first failure ends the others, and is what is raised."""
    waiting = iter(items)

    async def take_turns() -> None:
        for item in waiting:
            await work(item)

    with first_failure():
        async with asyncio.TaskGroup() as group:
            for _ in range(SIDE_BY_SIDE):
                group.create_task(take_turns())


@contextmanager
def first_failure() -> Iterator[None]:
    """Raise what failed first instead of the groups around it."""
    try:
        yield
    except BaseExceptionGroup as failures:
        error: BaseException = failures
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
