"""Laws that hold for whatever is observed."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.operator.bodies import spec_of
from video_export_operator.resource import Mode, Spec
from video_export_operator.scaling import (
    Backlog,
    Decision,
    Limit,
    Memory,
    Observation,
    Pod,
    QueueState,
    Rule,
    WorkerReport,
    decide,
)

NAMES = [f"pod-{number}" for number in range(6)]
counts = st.integers(0, 30)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    least, more = draw(st.integers(0, 4)), draw(st.integers(0, 8))
    scaling: dict[str, Any] = {
        "mode": draw(st.sampled_from(["Auto", "Auto", "Auto", "Manual"])),
        "minReplicas": least,
        "maxReplicas": max(1, least + more),
        "coldStartStep": draw(st.integers(1, 3)),
        "paused": draw(st.sampled_from([False, False, False, True])),
        "scaleDown": {
            "stabilizationWindow": draw(st.sampled_from(["0s", "20s", "1m"])),
            "minIdle": draw(st.sampled_from(["0s", "10s", "30s"])),
        },
        "whenUnreachable": {"after": "30s", "replicas": draw(st.integers(0, max(1, least + more)))},
    }
    if draw(st.booleans()):
        scaling["targetWait"] = "30s"
    return spec_of(scaling, slots=draw(st.integers(1, 4)), replicas=draw(st.integers(0, 8)))


@st.composite
def pods(draw: st.DrawFn) -> tuple[Pod, ...]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return tuple(
        Pod(
            name,
            started=draw(st.booleans()),
            ready=draw(st.booleans()),
            assigned=draw(st.booleans()),
            phase=draw(st.integers(0, 2)),
            terminating=draw(st.sampled_from([False, False, True])),
        )
        for name in names
    )


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """A sequence in which time goes on; the size is free, as if anybody had changed it in between."""
    at, sequence, failures, state = 0.0, [], 0, None
    for _ in range(draw(st.integers(1, 8))):
        at += draw(st.sampled_from([0.5, 1.0, 10.0, 30.0, 90.0]))
        if draw(st.sampled_from([True, True, True, False])):
            workers = draw(
                st.dictionaries(st.sampled_from(NAMES), st.builds(WorkerReport, st.integers(0, 3), counts, st.just(at)))
            )
            backlog = Backlog(draw(st.sampled_from([0, 0, 1, 7, 40])))
            state, failures = QueueState(at, backlog, Backlog(draw(st.integers(0, 1))), workers), 0
        else:
            failures += 1
        sequence.append(
            Observation(
                at=at,
                present=draw(st.integers(0, 8)),
                pods=draw(pods()),
                queue=state,
                failures=failures,
                rolling=draw(st.booleans()),
                open_executions=draw(st.sampled_from([None, 0, 2])),
            )
        )
    return sequence


def walk(spec: Spec, sequence: list[Observation]) -> list[tuple[Observation, Decision]]:
    memory, found = Memory(), []
    for each in sequence:
        decision, memory = decide(spec, each, memory)
        found.append((each, decision))
    return found


@given(specs(), observations())
def test_never_below_the_pods_that_are_busy_or_unknown(spec: Spec, sequence: list[Observation]) -> None:
    for each, decision in walk(spec, sequence):
        assert decision.replicas >= min(each.present, decision.workload.protected)


@given(specs(), observations())
def test_victims_are_idle_and_go_before_every_pod_that_must_stay(spec: Spec, sequence: list[Observation]) -> None:
    for each, decision in walk(spec, sequence):
        kept = {pod.name: pod for pod in each.pods if not pod.terminating and pod.name not in decision.victims}
        taken = [pod for pod in each.pods if pod.name in decision.victims]
        must_stay = decision.workload.busy | decision.workload.unknown
        assert must_stay.isdisjoint(decision.victims)
        for victim in taken:
            for name in must_stay & kept.keys():
                other = kept[name]
                assert (victim.assigned, victim.phase, victim.ready) <= (other.assigned, other.phase, other.ready)


@given(specs(), observations())
def test_within_the_bounds_unless_a_floor_or_an_outage_holds_it(spec: Spec, sequence: list[Observation]) -> None:
    scaling = spec.scaling
    for _, decision in walk(spec, sequence):
        if scaling.mode is Mode.MANUAL or scaling.paused or decision.proposal.rule is Rule.UNREACHABLE:
            continue
        floored = any(bound.limit is Limit.BUSY_FLOOR for bound in decision.bounds)
        assert decision.replicas >= scaling.min_replicas
        assert decision.replicas <= scaling.max_replicas or floored


@given(specs(), observations())
def test_what_is_unknown_never_scales_down(spec: Spec, sequence: list[Observation]) -> None:
    if spec.scaling.mode is Mode.MANUAL:
        return
    for each, decision in walk(spec, sequence):
        if each.stale:
            assert decision.replicas >= each.present


@given(specs(), observations())
def test_the_same_observations_give_the_same_decisions(spec: Spec, sequence: list[Observation]) -> None:
    assert walk(spec, sequence) == walk(spec, sequence)


@given(specs(), observations())
def test_looking_twice_at_the_same_changes_nothing(spec: Spec, sequence: list[Observation]) -> None:
    memory = Memory()
    for each in sequence:
        first, memory = decide(spec, each, memory)
        second, memory = decide(spec, each, memory)
        assert second.replicas == first.replicas


@settings(max_examples=60)
@given(specs(), st.integers(0, 12), st.integers(0, 8))
def test_a_constant_backlog_settles(spec: Spec, tasks: int, present: int) -> None:
    """Pods appear at once and take what they can: after a while the size never changes again."""
    memory, sizes = Memory(), []
    for step in range(60):
        at = step * 10.0
        names = [f"pod-{number}" for number in range(present)]
        in_flight = [max(0, min(spec.slots, tasks - number * spec.slots)) for number in range(present)]
        workers = {name: WorkerReport(used, 0, at) for name, used in zip(names, in_flight, strict=True)}
        state = QueueState(at, Backlog(tasks - sum(in_flight)), Backlog(), workers)
        each = Observation(at, present, tuple(Pod(name) for name in names), state, open_executions=0)
        decision, memory = decide(spec, each, memory)
        present = decision.replicas
        sizes.append(present)
    assert len(set(sizes[-30:])) == 1, sizes
