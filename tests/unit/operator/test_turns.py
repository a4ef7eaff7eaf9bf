"""Whose turn it is: only so many resources are acted on at once, and who waits is not given up for it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.reconcile.acting import Actor
from video_export_operator.reconcile.reconciler import LONGEST, Reconciler
from video_export_operator.reconcile.record import Record
from video_export_operator.resource import VideoExportWorker
from video_export_operator.scaling import Decision


async def test_the_wait_for_a_turn_is_no_part_of_what_a_reconciliation_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[float] = []
    nothing: Any = None
    actor = Actor(nothing, nothing, nothing, asyncio.Semaphore(0))
    reconciler = Reconciler(nothing, nothing, nothing, nothing, actor, nothing, lambda: 0.0)
    waits = asyncio.Event()

    async def decide(*_: object) -> tuple[Decision, None]:
        return cast(Decision, None), None

    def has_work(*_: object) -> bool:
        waits.set()
        return True

    async def act(_: Reconciler, __: VideoExportWorker, ___: Record, ____: Decision) -> None:
        when = limit.when()
        assert when is not None, "what is done in turn has no limit"
        left.append(when - asyncio.get_running_loop().time())

    monkeypatch.setattr(Reconciler, "_decide", decide)
    monkeypatch.setattr(Reconciler, "_has_work", has_work)
    monkeypatch.setattr(Reconciler, "_act", act)
    async with asyncio.timeout(LONGEST) as limit, asyncio.TaskGroup() as group:
        following = group.create_task(reconciler._follow(resource(), Record("uid"), limit))
        await waits.wait()
        assert not following.done()
        assert limit.when() is None, "the wait would end the reconciliation"
        actor.places.release()
    assert left == [pytest.approx(LONGEST, abs=10)]
