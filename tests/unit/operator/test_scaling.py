"""Each rule and each limit, and that the order between them holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.operator.bodies import queue, running, seen, spec_of
from tests.unit.operator.workers import QUICK, busy, down, idle
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import Backlog, Decision, Limit, Memory, QueueState, Rule, WorkerReport, decide


def test_a_first_workflow_task_brings_one_pod() -> None:
    decision, _ = decide(spec_of(), seen(0, 0, queue(0, workflows=1)), Memory())
    assert (decision.replicas, decision.proposal.rule) == (1, Rule.SCALE_UP)
    assert decision.reason == ("ScaleUp: 0 activities and 1 workflow tasks wait, 0 run, 2 slots a pod: 1 needed")


def test_until_a_worker_polls_each_workflow_task_is_an_export_that_wants_a_slot() -> None:
    def first(step: int) -> tuple[int, int]:
        decision, _ = decide(spec_of({"coldStartStep": step}), seen(0, 0, queue(0, workflows=12)), Memory())
        return decision.workload.needed, decision.replicas

    assert (first(step=2), first(step=10)) == ((6, 2), (6, 6))


def test_workflow_tasks_take_no_slots_of_workers_that_poll() -> None:
    state = queue(0, activities=2, workflows=12, workers={"a": busy(0, 2)})
    decision, _ = decide(spec_of(), seen(0, 1, state, running("a")), Memory())
    assert decision.workload.needed == 2
    state = queue(0, workflows=12, workers={"a": idle(0)})
    decision, _ = decide(spec_of(), seen(0, 1, state, running("a")), Memory())
    assert decision.workload.needed == 1


def test_needed_is_backlog_and_in_flight_by_slots() -> None:
    state = queue(0, activities=5, workers={"a": busy(0, 2)})
    decision, _ = decide(spec_of(), seen(0, 1, state, running("a")), Memory())
    assert decision.workload.needed == 4
    assert decision.replicas == 4


def test_from_zero_only_a_few_until_a_worker_polls() -> None:
    decision, memory = decide(spec_of(), seen(0, 0, queue(0, activities=50)), Memory())
    assert decision.replicas == 2
    assert [bound.limit for bound in decision.bounds] == [Limit.COLD_START]
    starting = (Pod("a", started=False), Pod("b", started=False))
    decision, memory = decide(spec_of(), seen(10, 2, queue(10, activities=50), starting), memory)
    assert decision.replicas == 2, "starting pods are no reason for more"
    state = queue(20, activities=50, workers={"a": idle(20)})
    decision, _ = decide(spec_of(), seen(20, 2, state, running("a", "b")), memory)
    assert decision.replicas == 10
    assert [bound.limit for bound in decision.bounds] == [Limit.MAX_REPLICAS]


def test_a_poll_without_heartbeats_ends_the_cold_start_too() -> None:
    _, memory = decide(spec_of(), seen(0, 0, queue(0, activities=50)), Memory())
    _, memory = decide(spec_of(), seen(5, 2, queue(5, activities=50, last_poll=-100.0), running("a")), memory)
    assert not memory.polled, "a poll from before is of an older worker"
    decision, _ = decide(spec_of(), seen(10, 2, queue(10, activities=50, last_poll=8.0), running("a")), memory)
    assert decision.replicas == 10


def test_starting_pods_are_capacity_and_never_cause_more() -> None:
    spec, memory = spec_of(), Memory(polled=True, left_zero=0.0)
    pods = (Pod("a"), Pod("b", started=False), Pod("c"))
    for at in range(0, 100, 10):
        decision, memory = decide(spec, seen(at, 3, queue(at, activities=6), pods), memory)
        assert decision.replicas == 3


def test_a_silent_worker_keeps_its_last_slots() -> None:
    spec = spec_of(QUICK)
    _, memory = decide(spec, seen(0, 1, queue(0, workers={"a": busy(0, 2)}), running("a")), Memory())
    decision, _ = decide(spec, seen(100, 1, queue(100), running("a")), memory)
    assert decision.workload.in_flight == 2
    assert decision.workload.busy == {"a"}


def test_scale_down_takes_idle_pods_after_the_window_and_marks_them() -> None:
    steps = [(float(at), {"a": busy(at), "b": idle(at), "c": idle(at)}) for at in range(0, 30, 10)]
    decision = down(QUICK, *steps, present=3)
    assert (decision.replicas, decision.proposal.rule) == (1, Rule.SCALE_DOWN)
    assert decision.victims == ("b", "c")


def test_no_scale_down_before_the_window_was_seen() -> None:
    steps = [(float(at), {"a": busy(at), "b": idle(at)}) for at in range(0, 20, 10)]
    assert down(QUICK, *steps, present=2).replicas == 2


def test_the_windows_maximum_counts() -> None:
    steps = [
        (0.0, {"a": busy(0, 2), "b": busy(0, 2), "c": idle(0)}),
        (10.0, {"a": busy(10, 2), "b": idle(10), "c": idle(10)}),
        (20.0, {"a": busy(20, 2), "b": idle(20), "c": idle(20)}),
    ]
    decision = down(QUICK, *steps, present=3)
    assert (decision.replicas, decision.victims) == (2, ("b",))


def test_steady_says_how_long_it_waits_for_the_window() -> None:
    busy_first = {"a": busy(0, 2), "b": busy(0, 2)}
    assert "waits" not in down(QUICK, (0.0, busy_first), present=2).reason, "all of them are needed"
    idle_next = (10.0, {"a": busy(10, 2), "b": idle(10)})
    reason = down(QUICK, (0.0, busy_first), idle_next, present=2).reason
    assert reason.endswith("1 needed; ScaleDown waits for the stabilization window of 20s, another 20s"), reason
    at_last = (20.0, {"a": idle(20), "b": idle(20)})
    reason = down(QUICK, (0.0, {"a": idle(0), "b": idle(0)}), at_last, present=1).reason
    assert "waits" not in reason, reason


def test_steady_says_what_else_a_smaller_size_waits_for() -> None:
    def why(state: QueueState, present: int, pods: tuple[Pod, ...], **more: Any) -> str:
        decision, _ = decide(spec_of(QUICK), seen(0, present, state, pods, **more), Memory(polled=True))
        assert decision.proposal.rule is Rule.STEADY
        return decision.reason.rpartition("; ")[2]

    both = running("a", "b")
    assert why(queue(0, workflows=1), 2, both) == "ScaleDown waits until no task waits"
    assert why(queue(0, workers={"a": busy(0)}), 2, both, rolling=True) == "ScaleDown waits for the rollout"
    assert why(queue(0), 1, (Pod("a", terminating=True),)) == "ToZero waits for 1 terminating pods"
    assert why(queue(0), 1, running("a")) == "ToZero waits until 1 pods say what they do"
    silent = why(queue(0, workers={"a": idle(0)}), 1, running("a"))
    assert silent == "ToZero waits for the stabilization window of 20s, another 20s"


def test_a_minimum_that_holds_the_size_waits_for_nothing() -> None:
    spec = spec_of({**QUICK, "minReplicas": 1})
    decision, _ = decide(spec, seen(0, 1, queue(0, workers={"a": idle(0)}), running("a")), Memory())
    assert "waits" not in decision.reason


def test_an_activity_between_two_heartbeats_ends_the_idleness() -> None:
    steps = [(float(at), {"a": busy(at), "b": idle(at, processed=at)}) for at in range(0, 40, 10)]
    decision = down(QUICK, *steps, present=2)
    assert decision.replicas == 2
    assert decision.bounds[-1].limit is Limit.BUSY_FLOOR
    assert "1 busy and 0 unknown pods, 1 idle for less than" in decision.reason


def test_an_older_heartbeat_does_not_undo_what_the_pod_said_after_it() -> None:
    asked = WorkerReport(1, beat=120)  # by its metrics, since the heartbeat of 120 s
    found = down(
        {}, (0, {"a": idle(0)}), (120, {"a": idle(120)}), (121, {"a": asked}), (126, {"a": idle(120)}), present=1
    )
    assert found.workload.busy == {"a"}


def test_idleness_must_be_confirmed_by_newer_heartbeats() -> None:
    steps = [(float(at), {"a": busy(at), "b": idle(0)}) for at in range(0, 60, 10)]
    assert down(QUICK, *steps, present=2).replicas == 2


def test_unready_busy_pods_block_a_scale_down() -> None:
    """Kubernetes would take the unready one first, whatever its cost."""
    spec, memory = spec_of(QUICK), Memory()
    pods = (Pod("a", ready=False), Pod("b"))
    for at in range(0, 40, 10):
        state = queue(at, workers={"a": busy(at), "b": idle(at)})
        decision, memory = decide(spec, seen(at, 2, state, pods), memory)
    assert decision.proposal.replicas == 1
    assert (decision.replicas, decision.victims) == (2, ())


def test_pods_that_never_started_are_taken_first() -> None:
    spec, memory = spec_of(QUICK), Memory()
    pods = (Pod("a"), Pod("b", started=False, ready=False, phase=0, assigned=False))
    for at in range(0, 40, 10):
        decision, memory = decide(spec, seen(at, 2, queue(at, workers={"a": busy(at)}), pods), memory)
    assert (decision.replicas, decision.victims) == (1, ("b",))


def test_no_scale_down_in_a_rollout() -> None:
    spec, memory = spec_of(QUICK), Memory()
    for at in range(0, 40, 10):
        state = queue(at, workers={"a": busy(at), "b": idle(at)})
        decision, memory = decide(spec, seen(at, 2, state, running("a", "b"), rolling=True), memory)
    assert decision.replicas == 2


def to_zero(open_executions: int, scaling: Mapping[str, Any] | None = None) -> tuple[Decision, list[float]]:
    """Keep one idle pod for 100 s, count when asked, and return the last decision and when it asked."""
    spec, memory, asked = spec_of({**QUICK, **(scaling or {})}), Memory(), []
    for at in range(0, 100, 10):
        observed = seen(at, 1, queue(at, workers={"a": idle(at)}), running("a"))
        decision, memory = decide(spec, observed, memory)
        if decision.count_wanted:
            asked.append(float(at))
            decision, memory = decide(spec, replace(observed, open_executions=open_executions), memory)
        if decision.replicas == 0:
            break
    return decision, asked


def test_to_zero_after_a_quiet_window_without_open_executions() -> None:
    decision, asked = to_zero(open_executions=0)
    assert (decision.replicas, decision.proposal.rule, asked) == (0, Rule.TO_ZERO, [20.0])
    assert decision.victims == ("a",)


def test_open_executions_keep_one_worker_and_are_counted_once_a_window() -> None:
    decision, asked = to_zero(open_executions=3)
    assert decision.replicas == 1
    assert decision.bounds[-1].limit is Limit.OPEN_EXECUTIONS
    assert asked == [20.0, 40.0, 60.0, 80.0]


def test_with_a_minimum_nothing_is_counted() -> None:
    decision, asked = to_zero(open_executions=0, scaling={"minReplicas": 1})
    assert (decision.replicas, asked) == (1, [])


@pytest.mark.parametrize(
    "pod", [Pod("a", terminating=True), Pod("a")], ids=["a terminating pod", "a pod that has not reported"]
)
def test_to_zero_waits_for(pod: Pod) -> None:
    spec, memory = spec_of(QUICK), Memory()
    for at in range(0, 100, 10):
        decision, memory = decide(spec, seen(at, 1, queue(at), (pod,)), memory)
        assert decision.replicas == 1
        assert not decision.count_wanted


def test_manual_follows_replicas_but_keeps_busy_pods() -> None:
    spec = spec_of({**QUICK, "mode": "Manual"}, replicas=1)
    memory = Memory()
    pods = running("a", "b", "c")
    for at in (0, 10, 20):
        state = queue(at, workers={"a": busy(at), "b": busy(at), "c": idle(at)})
        decision, memory = decide(spec, seen(at, 3, state, pods), memory)
    assert decision.proposal.rule is Rule.MANUAL
    assert (decision.replicas, decision.victims) == (2, ("c",))
    assert decision.bounds[-1].limit is Limit.BUSY_FLOOR


def test_manual_may_exceed_the_bounds_of_auto() -> None:
    decision, _ = decide(spec_of({"mode": "Manual", "maxReplicas": 2}, replicas=7), seen(0, 0, queue(0)), Memory())
    assert decision.replicas == 7


def test_a_lowered_maximum_keeps_busy_pods() -> None:
    spec = spec_of({**QUICK, "maxReplicas": 1})
    state = queue(0, workers={"a": busy(0), "b": busy(0)})
    decision, _ = decide(spec, seen(0, 2, state, running("a", "b")), Memory())
    assert decision.replicas == 2


def test_paused_keeps_the_size_whatever_waits() -> None:
    decision, _ = decide(spec_of({"paused": True}), seen(0, 3, queue(0, activities=99)), Memory())
    assert (decision.replicas, decision.proposal.rule) == (3, Rule.PAUSED)


def test_minimum_holds_from_the_first_decision() -> None:
    decision, _ = decide(spec_of({"minReplicas": 3}), seen(0, 0, queue(0)), Memory())
    assert decision.replicas == 3


def test_unreachable_keeps_the_size_then_its_floor() -> None:
    spec = spec_of({"whenUnreachable": {"after": "1m", "replicas": 4}})
    _, memory = decide(spec, seen(0, 1, queue(0)), Memory())
    sizes = []
    for at in range(10, 80, 10):
        decision, memory = decide(spec, seen(at, 1, queue(0), failures=at // 10), memory)
        sizes.append(decision.replicas)
    assert sizes == [1, 1, 1, 1, 1, 1, 4]
    assert decision.proposal.rule is Rule.UNREACHABLE


def test_no_scale_down_for_a_window_after_an_outage() -> None:
    spec, memory = spec_of(QUICK), Memory()
    pods = running("a", "b")

    def look(at: float, failures: int = 0) -> Decision:
        nonlocal memory
        state = queue(at if not failures else 0, workers={"a": busy(at), "b": idle(at)})
        decision, memory = decide(spec, seen(at, 2, state, pods, failures=failures), memory)
        return decision

    for at in (0.0, 10.0):
        look(at)
    look(20.0, failures=1)
    assert look(30.0).replicas == 1, "one failure in between is no outage"
    memory = Memory()
    for at in (0.0, 10.0):
        look(at)
    look(20.0, failures=1)
    look(30.0, failures=2)
    assert [look(at).replicas for at in (40.0, 50.0, 60.0)] == [2, 2, 1]


def test_target_wait_makes_only_as_many_pods_as_start_everything_in_time() -> None:
    """40 tasks; one slot ends one in 10 s, so within 30 s each slot starts 1 + 3."""
    memory, decision = Memory(), None
    spec = spec_of({"targetWait": "30s", "maxReplicas": 100}, slots=1)
    for at in range(0, 60, 10):
        state = QueueState(at, Backlog(39), Backlog(), {"a": WorkerReport(1, at // 10, at)})
        decision, memory = decide(spec, seen(at, 1, state, running("a")), memory)
        if at == 0:
            assert decision.workload.needed == 40, "without a measured rate every task gets a slot"
    assert decision is not None
    assert decision.workload.needed == 10
