"""Whose turn it is, and when it comes again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.plan import NOTHING, RESYNC, Grow, Outcome, Plan, Shrink, remember_outcome, size_ref
from video_export_operator.reconcile import Store
from video_export_operator.reconcile import reconciler as reconciler_module
from video_export_operator.reconcile.caches import Caches
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.reconciler import LONGEST, Reconciler, next_due
from video_export_operator.reconcile.step import Step, take_step


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


def deployment(size: int) -> dict[str, Any]:
    owner = {"controller": True, "uid": "uid-1", "kind": "VideoExportWorker"}
    labels = {"videoexport.dev/worker": "exports"}
    metadata = {"name": "exports", "namespace": "media", "uid": "d-1", "labels": labels, "ownerReferences": [owner]}
    return {"metadata": metadata, "spec": {"replicas": size, "template": {}}, "status": {}}


def test_who_begins_to_lead_lowers_a_size_at_once() -> None:
    """It does not know how the template was left and applies it first; the size does not wait for the next tick."""
    store, caches = Store(lambda _: None), Caches()
    store.put_deployment(deployment(2))
    snapshot = store.snapshot(resource(replicas=0, scaling={"mode": "Manual"}))
    before = Memory("uid-1")
    first = take_step(snapshot, before, caches)
    assert size_ref("exports") not in dict(first.plan.others)
    assert next_due(before, first.memory) <= time.monotonic()
    left = {ref: state.found for ref, state in first.due.items() if ref != size_ref("exports")}
    objects = remember_outcome(first.memory.objects, first.due, Outcome(left), snapshot.at, 0.0, RESYNC)
    second = take_step(snapshot, replace(first.memory, objects=objects), caches)
    assert dict(second.plan.others) == {size_ref("exports"): Shrink(0, ())}
    assert not second.memory.size_waits
