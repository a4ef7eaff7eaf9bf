"""Whose turn it is: only so many resources are acted on at once, and who waits is not given up for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.plan import NOTHING, Grow, Plan, size_ref
from video_export_operator.reconcile import reconciler as reconciler_module
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.reconciler import LONGEST, Reconciler
from video_export_operator.reconcile.step import Step


async def test_the_wait_for_a_turn_is_no_part_of_what_a_reconciliation_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[float] = []
    nothing: Any = None
    turns, waits, memory = asyncio.Semaphore(0), asyncio.Event(), Memory("uid")
    store: Any = SimpleNamespace(resources={}, snapshot=lambda _: None)
    reconciler = Reconciler(store, nothing, nothing, nothing, nothing, nothing, turns, lambda: 0.0)

    def take_step(*_: object) -> Step:
        waits.set()
        return Step(nothing, nothing, memory, {}, Plan(others=((size_ref("exports"), Grow(2)),)))

    async def act(_: Reconciler, step: Step) -> Step:
        when = limit.when()
        assert when is not None, "what is done in turn has no limit"
        left.append(when - asyncio.get_running_loop().time())
        return replace(step, plan=NOTHING)

    monkeypatch.setattr(reconciler_module, "take_step", take_step)
    monkeypatch.setattr(Reconciler, "_act", act)
    async with asyncio.timeout(LONGEST) as limit, asyncio.TaskGroup() as group:
        following = group.create_task(reconciler._follow(resource(), memory, limit))
        await waits.wait()
        assert not following.done()
        assert limit.when() is None, "the wait would end the reconciliation"
        turns.release()
    assert left == [pytest.approx(LONGEST, abs=10)]
