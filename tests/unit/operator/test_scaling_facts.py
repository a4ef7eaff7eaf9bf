"""What decisions rest on: the past, what workers say of themselves, and the fields that are not rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.operator.bodies import queue, running, seen, spec_of
from tests.unit.operator.workers import QUICK, busy, down, idle
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import Limit, Memory, Rule, WorkerReport, decide


def test_a_sample_stands_for_the_stretch_until_the_next_one() -> None:
    """Asked every 130 s with a window of 20 s: what was needed at the last look but one was needed until the last."""
    steps = [(0.0, {"a": busy(0, 2), "b": busy(0, 2)}), (130.0, {"a": busy(130, 2), "b": idle(130)})]
    assert down(QUICK, *steps, present=2).replicas == 2
    assert down(QUICK, *steps, (260.0, {"a": busy(260, 2), "b": idle(260)}), present=2).replicas == 1


def test_between_two_polls_the_window_is_never_empty() -> None:
    """A pod that changes is a reason to decide again, long after the last answer."""
    spec, memory, pods = spec_of(QUICK), Memory(), running("a", "b")
    both = queue(0, workers={"a": busy(0, 2), "b": busy(0, 2)})
    for at in (0.0, 60.0, 120.0):
        decision, memory = decide(spec, seen(at, 3, both, (*pods, Pod("c"))), memory)
        assert (decision.proposal.rule, decision.proposal.replicas) == (
            Rule.SCALE_DOWN if at else Rule.STEADY,
            2 if at else 3,
        )


@pytest.mark.parametrize(
    "report",
    [
        WorkerReport(0, beat=0, others=1),
        WorkerReport(1, beat=0),
    ],
    ids=["a local activity, a Nexus operation or a workflow task", "an activity"],
)
def test_whatever_runs_makes_a_pod_busy(report: WorkerReport) -> None:
    steps = [(float(at), {"a": replace(report, beat=at), "b": idle(at)}) for at in range(0, 60, 10)]
    decision = down(QUICK, *steps, present=2)
    assert decision.workload.busy == {"a"}
    assert decision.victims == ("b",)


def test_a_local_activity_between_two_heartbeats_ends_the_idleness() -> None:
    steps = [
        (float(at), {"a": busy(at), "b": WorkerReport(0, beat=at, others_processed=at)}) for at in range(0, 40, 10)
    ]
    assert down(QUICK, *steps, present=2).replicas == 2


def test_slots_are_what_the_workers_say() -> None:
    state = queue(0, activities=40, workers={"a": WorkerReport(4, slots=20), "b": WorkerReport(0, slots=None)})
    decision, _ = decide(spec_of({"maxReplicas": 50}), seen(0, 2, state, running("a", "b")), Memory(polled=True))
    assert (decision.workload.slots, decision.workload.needed) == (20, 3)
    decision, _ = decide(spec_of({"maxReplicas": 50}), seen(0, 2, queue(0, activities=40)), Memory(polled=True))
    assert decision.workload.needed == 20, "spec.slots, where no worker says anything"


def test_a_pod_that_was_not_heard_lately_is_unknown_and_stays() -> None:
    """Temporal says what waits and refuses to list the workers: more may be added, none may be taken."""
    spec, memory = spec_of(QUICK), Memory()
    pods = running("a", "b")
    for at in range(0, 30, 10):
        decision, memory = decide(spec, seen(at, 2, queue(at, workers={"a": busy(at), "b": idle(at)}), pods), memory)
    assert decision.victims == ("b",)
    for at in range(30, 100, 10):
        refused = replace(queue(at), workers_refused="RateLimited: too many")
        decision, memory = decide(spec, seen(at, 2, refused, pods), memory)
    assert decision.workload.unknown == {"b"}
    assert decision.replicas == 2
    more = replace(queue(100, activities=9), workers_refused="RateLimited: too many")
    decision, _ = decide(spec, seen(100, 2, more, pods), memory)
    assert (decision.proposal.rule, decision.replicas) == (Rule.SCALE_UP, 5)


def test_a_count_that_is_refused_is_told_and_tried_once_a_window() -> None:
    spec, memory, asked = spec_of(QUICK), Memory(), []
    for at in range(0, 100, 10):
        observed = seen(at, 1, queue(at, workers={"a": idle(at)}), running("a"))
        decision, memory = decide(spec, observed, memory)
        if decision.count_wanted:
            asked.append(at)
            decision, memory = decide(spec, replace(observed, count_refused="RateLimited: too many"), memory)
    assert asked == [20, 40, 60, 80]
    assert decision.replicas == 1
    bound = decision.bounds[-1]
    assert bound.limit is Limit.OPEN_EXECUTIONS_UNKNOWN
    assert bound.why == "open executions cannot be counted (RateLimited: too many), one worker stays for them"


def test_spare_slots_come_on_top_and_keep_pods_at_rest() -> None:
    def size(tasks: int, spare: int) -> int:
        decision, _ = decide(spec_of({"spareSlots": spare}), seen(0, 1, queue(0, tasks)), Memory(polled=True))
        return decision.workload.needed

    assert [size(4, 0), size(4, 1), size(4, 2), size(0, 0), size(0, 3)] == [2, 3, 3, 0, 2]


def test_a_schedule_raises_the_minimum_up_to_the_maximum() -> None:
    spec = spec_of({"minReplicas": 1, "maxReplicas": 4})
    sizes = [decide(spec, seen(0, 0, queue(0), scheduled=asked), Memory())[0] for asked in (0, 3, 9)]
    assert [decision.replicas for decision in sizes] == [1, 3, 4]
    assert sizes[1].bounds[-1].why == "the schedule asks for 3, not 0"


def test_scale_down_that_is_paused_still_adds_pods() -> None:
    paused = {**QUICK, "pauseScaleDown": True}
    steps = [(float(at), {"a": idle(at), "b": idle(at)}) for at in range(0, 60, 10)]
    decision = down(paused, *steps, present=2)
    assert (decision.replicas, decision.victims, decision.bounds[-1].limit) == (2, (), Limit.SCALE_DOWN_PAUSED)
    assert not decision.count_wanted
    decision, _ = decide(spec_of(paused), seen(0, 2, queue(0, activities=9)), Memory(polled=True))
    assert decision.replicas == 5


def test_pod_seconds_are_counted_busy_and_idle() -> None:
    spec, memory = spec_of(), Memory()
    for at in (0.0, 10.0, 25.0):
        pods = (*running("a", "b"), Pod("c", started=False))
        state = queue(at, workers={"a": busy(at, 2), "b": idle(at)})
        _, memory = decide(spec, seen(at, 3, state, pods), memory)
        _, memory = decide(spec, seen(at, 3, state, pods), memory)
    assert (memory.usage.busy, memory.usage.idle) == (25.0, 50.0)


def test_a_pod_that_is_lost_keeps_nothing_from_zero() -> None:
    """Its node is dead, so that it stays terminating until somebody removes the node."""
    memory, ended = Memory(), Pod("lost", terminating=True, ends_at=100.0)
    state = queue(0, workers={"a": idle(0)})
    for at in (0.0, 30.0):
        looked = seen(at, 1, replace(state, at=at, workers={"a": idle(at)}), (Pod("a"), ended), now=161.0 + at)
        decision, memory = decide(spec_of(QUICK), replace(looked, open_executions=0), memory)
    assert decision.proposal.rule is Rule.TO_ZERO
    early = replace(looked, open_executions=0, now=159.0)
    decision, _ = decide(spec_of(QUICK), early, memory)
    assert "waits for 1 terminating pods" in decision.reason
