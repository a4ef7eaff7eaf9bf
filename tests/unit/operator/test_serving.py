"""Pods of an older template stay for the open work of their Worker Deployment Version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.unit.operator.bodies import spec_of
from tests.unit.operator.test_pods_taken import NOW, own, pod
from video_export_operator.controllers import OwnedPods, OwnedSet
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy
from video_export_operator.plan import change_rollout
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import (
    Backlog,
    Decision,
    Memory,
    Observation,
    QueueState,
    VersionWork,
    WorkerReport,
    decide,
)

SPEC = spec_of({"scaleDown": {"stabilizationWindow": "20s", "minIdle": "10s"}}, rollout={"mode": "WhenIdle"})
MANUAL = spec_of({"mode": "Manual", "scaleDown": {"minIdle": "10s"}}, replicas=0, rollout={"mode": "WhenIdle"})
OLD, NEW = ("old-0", "old-1", "old-2"), ("new-0",)
DRAINING = VersionWork("exports.old", is_draining=True)
CURRENT = VersionWork("exports.old", is_current=True)
SUCCESSOR = VersionWork("exports.new", is_current=True)


def rollout() -> tuple[OwnedPods, tuple[LivePod, ...]]:
    """Return three older pods, and one of the present template that is ready and does not count as available."""
    old, new = [pod(name) for name in OLD], [pod(name, ready_since=NOW) for name in NEW]
    sets = (
        replace(own(old, 3, 4), name="set-old"),
        OwnedSet(ReplicaSetState(1, 0, 3, 4), tuple(new), "set-new", min_ready=86400),
    )
    return OwnedPods(sets, 1, Strategy("25%", 0), 4), (*old, *new)


def follow(
    *versions: VersionWork,
    busy: Mapping[str, int] | None = None,
    manual: bool = False,
    open_executions: int | None = None,
) -> Decision:
    """Decide on a rollout whose pods have reported that they are idle, except for those that are busy."""
    owned, pods = rollout()
    memory = Memory()
    for at in (0.0, 10.0, 20.0, 30.0, 40.0):
        workers = {
            each.name: WorkerReport((busy or {}).get(each.name, 0), 0, at, version=f"exports.{each.name[:3]}")
            for each in pods
        }
        state = QueueState(at, Backlog(), Backlog(), workers, last_poll=at, versions=versions)
        seen = Observation(at, 3, pods, state, rolling=True, owned=owned, now=NOW, open_executions=open_executions)
        decision, memory = decide(MANUAL if manual else SPEC, seen, memory)
    return decision


def replaced(decision: Decision) -> bool:
    """Return whether the rollout goes on: an older pod is taken, of which only idle ones may be."""
    return change_rollout(SPEC, "exports", rollout()[0], 3, decision.workload.idle, NOW) is not None


def test_the_last_pod_of_a_version_with_open_workflows_stays() -> None:
    decision = follow(DRAINING, SUCCESSOR)
    assert decision.workload.serving == {"old-0"}
    assert decision.workload.idle == {"old-1", "old-2", "new-0"}
    assert replaced(decision), "the others are replaced"


def test_a_busy_pod_serves_its_version_as_well() -> None:
    decision = follow(DRAINING, SUCCESSOR, busy={"old-2": 1})
    assert decision.workload.busy == {"old-2"}
    assert not decision.workload.serving


def test_a_version_on_which_workflows_begin_keeps_all_of_its_pods() -> None:
    decision = follow(CURRENT)
    assert decision.workload.serving == set(OLD)
    assert not replaced(decision), "the new version takes nothing yet"


@pytest.mark.parametrize("versions", [(SUCCESSOR,), ()], ids=["drained", "not versioned"])
def test_without_open_work_nothing_stays(versions: tuple[VersionWork, ...]) -> None:
    decision = follow(*versions)
    assert decision.workload.serving == frozenset()
    assert replaced(decision)


def test_a_smaller_size_takes_no_pod_that_serves_a_version_and_says_why() -> None:
    decision = follow(DRAINING, SUCCESSOR, manual=True)
    assert decision.replicas > 0
    assert "old-0" not in decision.victims
    assert "0 busy and 0 unknown pods, 1 for the open work of their version" in decision.reason


def test_where_no_workflow_is_open_there_is_nothing_to_serve() -> None:
    assert follow(DRAINING, SUCCESSOR, open_executions=0).workload.serving == frozenset()
