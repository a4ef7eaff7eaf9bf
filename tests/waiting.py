"""Waiting for an event that sends no notice: ask again until a deadline, then say what never came."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

INTERVAL = 0.05  # seconds between two looks
PATIENCE = 60.0
"""Seconds for what will come, however slow the machine is: only a wait that fails takes as long."""
AT_ONCE = 15.0
"""Seconds in which is over what ends at once: many times what it takes, and far below every time limit of ours."""


@overload
async def wait_for(look: Callable[[], Awaitable[T | None]], what: str, timeout: float = PATIENCE) -> T: ...


@overload
async def wait_for(look: Callable[[], T | None], what: str, timeout: float = PATIENCE) -> T: ...


async def wait_for(look: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Ask `look` until it answers something true.

    Args:
        look: plain or async; an answer that is false means "not yet". What it raises ends the wait.
        what: what is waited for, as the error says it.
        timeout: seconds until the wait fails.

    Returns:
        The first true answer.
    """
    deadline = time.monotonic() + timeout
    while True:
        answer = look()
        answer = await answer if inspect.isawaitable(answer) else answer
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s (last answer: {answer!r})")
        await asyncio.sleep(INTERVAL)


def wait_until(look: Callable[[], T | None], what: str, timeout: float = PATIENCE, *, interval: float = INTERVAL) -> T:
    """Do what `wait_for` does, where no event loop runs; a look that costs much has a longer interval, in seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s (last answer: {answer!r})")
        time.sleep(interval)
    return answer
