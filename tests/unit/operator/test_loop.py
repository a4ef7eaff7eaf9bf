"""The loop goes on with a resource whatever ends one of its reconciliations, and ends when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from video_export_operator.errors import ApiUnavailable, NotLeading
from video_export_operator.metrics import Metrics
from video_export_operator.reconcile import Loop, Reconciler, loop
from video_export_operator.reconcile.memory import Memory
from video_export_operator.resource import Key

KEY = Key("tenant", "exports")


class Failing:
    """Reconciles by raising an error once, then by waiting until it is cancelled."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        body = {"metadata": {"uid": "uid"}}
        self.store = SimpleNamespace(resources={KEY: body})
        self.again = asyncio.Event()
        self.was_cancelled = False
        self._error: Callable[[], BaseException] | None = error

    async def reconcile(self, _: Key, memory: Memory) -> tuple[Memory, float | None]:
        error, self._error = self._error, None
        if error is not None:
            raise error()
        self.again.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return memory, None


@pytest.mark.parametrize(
    "error",
    [
        lambda: ApiUnavailable("away"),
        lambda: NotLeading("another replica leads"),
        lambda: KeyError("a defect"),
        lambda: TimeoutError(),
        # What awaiting a future raises that a library has cancelled.
        lambda: asyncio.CancelledError(),
    ],
    ids=["passing", "not-leading", "defect", "time-out", "cancelled-by-nobody"],
)
async def test_a_resource_is_due_again_whatever_ended_its_reconciliation(
    error: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "BACKOFF", (0.0, 0.0))
    monkeypatch.setattr(loop, "SETTLE", 0.0)
    reconciler = Failing(error)
    running = asyncio.create_task(
        Loop(Metrics(), lambda: True, lambda: 1, lambda: 0.0).run(cast(Reconciler, cast(Any, reconciler)))
    )
    try:
        async with asyncio.timeout(10):
            await reconciler.again.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert reconciler.was_cancelled, "a reconciliation outlived the loop"
