"""What survives is set aside, and what dies there is freed all the same."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from tests.waiting import wait_for
from video_export_operator import garbage


class Cycle:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(garbage, "TEND", 0.02)
    monkeypatch.setattr(garbage, "WHOLE", 3)
    yield
    gc.unfreeze()


async def test_what_survives_is_set_aside_and_freed_when_it_has_died() -> None:
    object_ = Cycle()
    gone = weakref.ref(object_)
    tending = asyncio.create_task(garbage.keep_pauses_short())
    try:
        await wait_for(gc.get_freeze_count, "something is set aside")
        del object_
        gc.collect()
        assert gone() is not None, "the collector did look through what was set aside"
        await wait_for(lambda: gone() is None, "it is freed by a look at everything")
        assert not tending.done()
    finally:
        tending.cancel()
        await asyncio.gather(tending, return_exceptions=True)
