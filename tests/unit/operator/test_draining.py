"""Backlog that these workers cannot drain: nothing is added for it, and it keeps no pods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tests.unit.operator.bodies import running, spec_of
from video_export_operator.scaling import (
    Backlog,
    Decision,
    Memory,
    Observation,
    QueueState,
    Rule,
    TaskType,
    VersionWork,
    WorkerReport,
    decide,
)

QUICK = {"maxReplicas": 50, "scaleDown": {"stabilizationWindow": "20s", "minIdle": "10s"}}

NOTHING = Backlog()


def look(
    at: float, activities: Backlog, workflows: Backlog = NOTHING, *, pods: int, used: int = 0, slots: int | None = 2
) -> Observation:
    """Ten seconds apart, each pod reports that it runs so much."""
    names = [f"pod-{number}" for number in range(pods)]
    workers = {name: WorkerReport(used, 0, beat=at, slots=slots) for name in names}
    return Observation(at, pods, running(*names), QueueState(at, activities, workflows, workers, last_poll=at))


def follow(looks: Iterable[Observation], memory: Memory | None = None) -> tuple[Decision, Memory]:
    """Decide over observations and return the last decision."""
    decision, memory = None, memory or Memory()
    for each in looks:
        decision, memory = decide(spec_of(QUICK), each, memory)
    assert decision is not None
    return decision, memory


def waiting(tasks: int, at: float, since: float = 0.0, **more: float) -> Backlog:
    """What has waited since then."""
    return Backlog(tasks, at - since, **more)


def test_nothing_is_added_for_activities_that_nobody_takes_beside_free_slots() -> None:
    seen = [look(at, waiting(100, at), pods=1) for at in (0.0, 10.0, 20.0)]
    early, memory = follow(seen)
    assert early.replicas == 50, "nobody knows yet whether they are taken"
    late, _ = follow([look(at, waiting(100, at), pods=10) for at in (30.0, 40.0, 50.0, 60.0, 70.0, 80.0)], memory)
    assert late.workload.stalled == {TaskType.ACTIVITY: 100}
    assert (late.proposal.rule, late.replicas) == (Rule.SCALE_DOWN, 1), late.reason
    assert "100 of the tasks are taken by no worker" in late.reason


def test_a_workflow_task_that_nobody_takes_keeps_one_pod_not_ten() -> None:
    decision, _ = follow(look(float(at), Backlog(), waiting(1, at), pods=10) for at in range(0, 90, 10))
    assert decision.workload.stalled == {TaskType.WORKFLOW: 1}
    assert (decision.proposal.rule, decision.replicas) == (Rule.SCALE_DOWN, 1), decision.reason


def test_the_last_pod_stays_while_anything_waits() -> None:
    """Only a worker that polls finds out that the tasks can be taken after all."""
    decision, _ = follow(look(float(at), Backlog(), waiting(1, at), pods=1) for at in range(0, 300, 10))
    assert decision.replicas == 1
    assert not decision.count_wanted


def test_what_comes_beside_a_stalled_backlog_counts_as_always() -> None:
    _, memory = follow(look(float(at), waiting(40, at), pods=1) for at in range(0, 80, 10))
    full = look(80.0, waiting(44, 80.0), pods=1, used=2)
    decision, memory = follow([full], memory)
    assert decision.replicas == 3, "four more wait and two run"
    decision, _ = follow([look(at, waiting(40, at), pods=3, used=2) for at in (90.0, 100.0)], memory)
    assert decision.workload.stalled == {TaskType.ACTIVITY: 40}, "busy slots do not make a stalled backlog taken"


def test_a_backlog_whose_oldest_task_goes_is_taken() -> None:
    decision, _ = follow(look(float(at), waiting(40, at, since=at - 35.0), pods=1) for at in range(0, 200, 10))
    assert decision.workload.stalled == {}
    assert decision.replicas == 20


def test_a_backlog_that_becomes_less_is_taken() -> None:
    decision, _ = follow(look(float(at), waiting(400 - at, at), pods=1) for at in range(0, 200, 10))
    assert decision.workload.stalled == {}


def test_full_slots_are_no_stall() -> None:
    decision, _ = follow(look(float(at), waiting(40, at), pods=1, used=2) for at in range(0, 200, 10))
    assert decision.workload.stalled == {}
    assert decision.replicas == 21


def test_heartbeats_from_before_prove_no_free_slots() -> None:
    """A worker that speaks each minute has said that it is free before the tasks came."""
    observed = [look(float(at), waiting(40, at), pods=1) for at in range(0, 60, 10)]
    same = [
        replace(each, queue=replace(each.queue, workers={"pod-0": WorkerReport(0, beat=0.0, slots=2)}))
        for each in observed
        if each.queue is not None
    ]
    decision, _ = follow(same)
    assert decision.workload.stalled == {}


def test_a_stall_ends_when_its_tasks_go() -> None:
    _, memory = follow(look(float(at), waiting(40, at), pods=1) for at in range(0, 80, 10))
    decision, _ = follow([look(80.0, waiting(40, 80.0, since=75.0), pods=1)], memory)
    assert decision.workload.stalled == {}
    assert decision.replicas == 20


def limited(tasks: int, at: float, rate: float, limit: float) -> Backlog:
    return waiting(tasks, at, dispatch_rate=rate, rate_limit=limit)


def test_a_rate_limit_is_worth_only_the_slots_that_it_fills() -> None:
    """One activity in two seconds, each of ten seconds: five slots, three pods, however many wait."""
    memory, decision = Memory(), None
    for step in range(30):
        at = step * 10.0
        names = [f"pod-{number}" for number in range(3)]
        workers = {name: WorkerReport(2 if name != "pod-2" else 1, step * 2, at, slots=2) for name in names}
        state = QueueState(at, limited(1000, at, 0.5, 0.5), Backlog(), workers, last_poll=at)
        decision, memory = decide(spec_of(QUICK, slots=2), Observation(at, 3, running(*names), state), memory)
    assert decision is not None
    assert decision.workload.rate_limited
    assert decision.replicas == 3, decision.reason
    assert decision.reason.endswith("the queue's rate limit keeps activities waiting")


def test_a_queue_that_is_limited_to_nothing_gets_one_pod() -> None:
    decision, _ = follow([look(0.0, limited(1000, 0.0, 0.0, 0.0), pods=1)])
    assert decision.replicas == 1


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    decision, _ = follow([look(0.0, limited(40, 0.0, 1.0, 100.0), pods=1, used=2)])
    assert (decision.replicas, decision.workload.rate_limited) == (21, False)


def test_what_nobody_says_is_no_free_slot() -> None:
    """Tasks wait and nobody hears the workers: more are added, as far as the backlog asks for them."""
    observed = [look(float(at), waiting(40, at), pods=1) for at in range(0, 100, 10)]
    mute = [replace(each, queue=replace(each.queue, workers={})) for each in observed if each.queue is not None]
    decision, _ = follow([observed[0], *mute[1:]])
    assert (decision.workload.stalled, decision.replicas) == ({}, 20)


def test_a_pod_of_the_version_for_which_tasks_wait_stays() -> None:
    """In a rollout: only the old pod can take what is pinned to its version."""
    memory = Memory()
    for at in range(0, 90, 10):
        workers = {f"pod-{build}": WorkerReport(0, 0, at, version=f"exports.{build}") for build in ("old", "new")}
        versions = (VersionWork("exports.old", 3),)
        state = QueueState(at, Backlog(), waiting(3, at), workers, last_poll=at, versions=versions)
        observed = Observation(at, 2, running("pod-new", "pod-old"), state)
        decision, memory = decide(spec_of(QUICK), observed, memory)
    assert decision.workload.stalled == {TaskType.WORKFLOW: 3}
    assert (decision.replicas, decision.victims) == (1, ("pod-new",))
