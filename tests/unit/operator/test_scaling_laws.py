"""Laws that hold for whatever is observed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import count, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.operator.generated import observations, specs
from video_export_operator.controllers import mark, pods_taken
from video_export_operator.resource import Mode, Spec
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import (
    Backlog,
    Decision,
    Limit,
    Memory,
    Observation,
    QueueState,
    Rule,
    WorkerReport,
    decide,
)


def walk(spec: Spec, sequence: list[Observation]) -> list[tuple[Observation, Decision]]:
    memory, found = Memory(), []
    for each in sequence:
        decision, memory = decide(spec, each, memory)
        found.append((each, decision))
    return found


@given(specs(), observations())
def test_never_below_the_pods_that_are_busy_or_unknown(spec: Spec, sequence: list[Observation]) -> None:
    for each, decision in walk(spec, sequence):
        assert most_pods(each, decision.replicas) >= min(each.present, decision.workload.protected)


def most_pods(seen: Observation, replicas: int) -> int:
    """Return how many pods a size leaves: in a rollout, which has pods of two templates, the surge comes on top."""
    rolls = seen.owned is not None and sum(bool(each.pods) for each in seen.owned.sets) > 1
    return replicas + (seen.owned.strategy.surge(replicas) if seen.owned is not None and rolls else 0)


def set_of(seen: Observation, pod: Pod) -> int | None:
    """Return which ReplicaSet a pod is of; None where nobody knows."""
    if seen.owned is None:
        return None
    return next((number for number, each in enumerate(seen.owned.sets) if pod in each.pods), None)


@given(specs(), observations())
def test_victims_are_idle_and_go_before_every_pod_that_must_stay(spec: Spec, sequence: list[Observation]) -> None:
    """Before those of the same ReplicaSet: each of them gets a size of its own, and takes its pods in its own order."""
    for each, decision in walk(spec, sequence):
        kept = {pod.name: pod for pod in each.pods if not pod.terminating and pod.name not in decision.victims}
        taken = [pod for pod in each.pods if pod.name in decision.victims]
        must_stay = decision.workload.busy | decision.workload.unknown | decision.workload.serving
        assert must_stay.isdisjoint(decision.victims)
        for victim in taken:
            for name in must_stay & kept.keys():
                other = kept[name]
                if set_of(each, victim) != set_of(each, other):
                    continue
                assert (victim.assigned, victim.phase, victim.ready) <= (other.assigned, other.phase, other.ready)


@given(specs(), observations())
def test_a_smaller_size_takes_the_victims_alone_whatever_set_they_are_of(
    spec: Spec, sequence: list[Observation]
) -> None:
    """As the controllers of Kubernetes choose them: in Manual, under a lowered maximum, past a deadline alike."""
    for each, decision in walk(spec, sequence):
        if each.owned is not None and decision.replicas < each.current:
            taken = pods_taken(mark(each.owned, decision.victims), decision.replicas, each.now)
            assert taken.possible <= decision.workload.idle
            must_stay = decision.workload.busy | decision.workload.unknown | decision.workload.serving
            assert taken.possible.isdisjoint(must_stay)


@given(specs(), observations())
def test_in_auto_within_the_bounds_unless_the_floor_or_an_outage_holds_it(
    spec: Spec, sequence: list[Observation]
) -> None:
    scaling = spec.scaling
    if scaling.mode is Mode.MANUAL or scaling.paused:
        return
    for each, decision in walk(spec, sequence):
        floor = max((bound.replicas for bound in decision.bounds if bound.limit is Limit.BUSY_FLOOR), default=0)
        assert floor <= each.current, "the floor keeps pods, it never adds any"
        # Of a size that nothing is known about only so much is sure that it is not lowered.
        kept = each.present if decision.proposal.rule is Rule.UNREACHABLE or scaling.pause_scale_down else floor
        assert scaling.min_replicas <= decision.replicas <= max(scaling.max_replicas, floor, kept)


@given(specs(), observations())
def test_what_is_unknown_never_scales_down(spec: Spec, sequence: list[Observation]) -> None:
    if spec.scaling.mode is Mode.MANUAL:
        return
    for each, decision in walk(spec, sequence):
        if each.stale:
            assert decision.replicas >= each.present


@given(specs(), observations(), st.integers(1, 4))
def test_starting_pods_are_never_a_reason_for_more(spec: Spec, sequence: list[Observation], starting: int) -> None:
    """Whatever was seen, with pods that start beside it the size is what it was, or room for them at most."""
    memory = Memory()
    for each in sequence:
        begun = tuple(Pod(f"new-{number}", started=False, ready=False, phase=0) for number in range(starting))
        more = replace(each, present=each.present + starting, pods=(*each.pods, *begun))
        without, _ = decide(spec, each, memory)
        with_them, _ = decide(spec, more, memory)
        assert with_them.workload.needed <= without.workload.needed
        if each.present:  # at zero the other one has to begin anew, with a few pods
            assert with_them.workload.needed == without.workload.needed
            # Where a pod that nobody knows would go, they stay as well, and whatever size somebody else has asked for.
            is_kept = any(bound.limit is Limit.BUSY_FLOOR for bound in with_them.bounds)
            assert with_them.replicas <= (more.current if is_kept else max(without.replicas, more.present))
        _, memory = decide(spec, each, memory)


@given(specs(), st.integers(0, 40), st.integers(0, 3))
def test_pods_that_never_start_stay_as_many_as_they_are(spec: Spec, tasks: int, exports: int) -> None:
    memory, sizes, present = Memory(), [], 0
    for step in range(40):
        state = QueueState(step * 10.0, Backlog(tasks), Backlog(exports))
        pods = tuple(Pod(f"new-{number}", started=False, ready=False, phase=0) for number in range(present))
        decision, memory = decide(spec, Observation(step * 10.0, present, pods, state, open_executions=0), memory)
        present = decision.replicas
        sizes.append(present)
    assert len(set(sizes)) == 1, sizes


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


@dataclass
class Queue:
    """A number of tasks that never changes: as soon as one ends another one comes.

    Pods take some looks to start, and one more until their worker reports.
    """

    spec: Spec
    tasks: int
    starts_in: int
    ages: dict[str, int] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=count)

    def look(self, at: float, present: int, gone: Collection[str]) -> Observation:
        """The pods after the last decision, and what their workers do."""
        for name in gone:
            self.ages.pop(name, None)
        self.ages = {name: age + 1 for name, age in list(self.ages.items())[:present]}
        while len(self.ages) < present:
            self.ages[f"later-{next(self.names)}"] = 0
        left, workers = self.tasks, {}
        for name, age in self.ages.items():
            used = min(left, self.spec.slots) if age >= self.starts_in else 0
            left -= used
            if age > self.starts_in:
                workers[name] = WorkerReport(used, 0, at)
        pods = tuple(
            Pod(name, started=age >= self.starts_in, ready=age >= self.starts_in) for name, age in self.ages.items()
        )
        return Observation(at, present, pods, QueueState(at, Backlog(left), Backlog(), workers), open_executions=0)


@settings(max_examples=60)
@given(specs(), observations(), st.integers(0, 12), st.integers(0, 2))
def test_every_sequence_that_ends_in_a_constant_backlog_settles(
    spec: Spec, before: list[Observation], tasks: int, starts_in: int
) -> None:
    """Whatever was before: the size finds one value, enough for the work, and never changes again."""
    memory, sizes = Memory(), []
    for each in before:
        decision, memory = decide(spec, each, memory)
    queue, present, begin = Queue(spec, tasks, starts_in), before[-1].present, before[-1].at
    for step in range(1, 61):
        decision, memory = decide(spec, queue.look(begin + step * 10.0, present, decision.victims), memory)
        present = decision.replicas
        sizes.append(present)
    assert len(set(sizes[-30:])) == 1, sizes
    # Up to what the work needs and down to it again, once: a size that swings does both more often.
    turns = [later > earlier for earlier, later in pairwise(sizes) if later != earlier]
    assert sum(one != other for one, other in pairwise(turns)) <= 1, sizes
    # Their oldest task is always new: it is taken as soon as it comes.
    if spec.scaling.mode is Mode.AUTO and not spec.scaling.paused:
        assert sizes[-1] >= min(spec.scaling.max_replicas, math.ceil(tasks / spec.slots)), sizes


@given(specs(), observations())
def test_pods_that_were_not_heard_lately_are_never_taken(spec: Spec, sequence: list[Observation]) -> None:
    """Temporal says what waits and not what the workers do, for longer than any word is believed."""
    memory = Memory()
    for each in sequence:
        _, memory = decide(spec, each, memory)
    last = sequence[-1]
    at = last.at + 16.0
    mute = QueueState(at, Backlog(3), Backlog(), {}, workers_refused="RateLimited: too many")
    decision, _ = decide(spec, replace(last, at=at, queue=mute, failures=0), memory)
    assert {pod.name for pod in last.pods if pod.started}.isdisjoint(decision.victims)


@given(specs(), st.integers(1, 60), st.integers(0, 3), st.integers(1, 8))
def test_what_nobody_takes_adds_nothing_and_keeps_nothing(
    spec: Spec, activities: int, workflows: int, present: int
) -> None:
    """Tasks wait for ever beside workers that have nothing to do: in the end as many pods as without them, or one."""
    sizes = []
    for waiting in ((activities, workflows), (0, 0)):
        memory, size, names = Memory(), present, [f"pod-{number}" for number in range(present)]
        fresh = count(present)
        for step in range(90):
            at = step * 10.0
            first, second = (Backlog(tasks, at if tasks else 0.0) for tasks in waiting)
            state = QueueState(at, first, second, {name: WorkerReport(0, 0, at) for name in names}, last_poll=at)
            pods = tuple(Pod(name) for name in names)
            decision, memory = decide(spec, Observation(at, size, pods, state, open_executions=1), memory)
            size = decision.replicas
            names = [name for name in names if name not in decision.victims]
            names = [*names, *(f"pod-{next(fresh)}" for _ in range(size - len(names)))][:size]
        sizes.append(size)
    if spec.scaling.mode is Mode.MANUAL or spec.scaling.paused or spec.scaling.pause_scale_down:
        return
    assert sizes[0] == max(1, sizes[1])


@given(specs(), observations(), st.sampled_from([0.0, 0.5, 3.0]))
def test_a_rate_limit_never_asks_for_more(spec: Spec, sequence: list[Observation], limit: float) -> None:
    memory = Memory()
    for each in sequence:
        if each.queue is not None:
            free = replace(each.queue, activities=replace(each.queue.activities, rate_limit=None))
            limited = replace(each.queue, activities=replace(each.queue.activities, rate_limit=limit))
            without, _ = decide(spec, replace(each, queue=free), memory)
            within, _ = decide(spec, replace(each, queue=limited), memory)
            stalled = without.workload.stalled_tasks > within.workload.stalled_tasks
            assert within.workload.needed <= without.workload.needed or stalled
        _, memory = decide(spec, each, memory)


@given(specs(), observations())
def test_scale_down_that_is_paused_takes_no_pod(spec: Spec, sequence: list[Observation]) -> None:
    scaling = spec.scaling.model_copy(update={"pause_scale_down": True, "mode": Mode.AUTO})
    for each, decision in walk(spec.model_copy(update={"scaling": scaling}), sequence):
        assert decision.replicas >= each.present


@given(specs(), observations())
def test_the_size_is_never_lowered_below_what_was_needed_in_the_window(spec: Spec, sequence: list[Observation]) -> None:
    """Each answer counts until the next one, however far apart they are."""
    if spec.scaling.mode is Mode.MANUAL:
        return
    needs: list[tuple[float, int]] = []
    for each, decision in walk(spec, sequence):
        if not each.stale:
            needs.append((each.at, decision.workload.needed))
        if decision.proposal.rule is not Rule.SCALE_DOWN:
            continue
        begin = each.at - spec.scaling.scale_down.stabilization_window
        ends = [at for at, _ in needs[1:]] + [math.inf]
        needed = [need for (_, need), end in zip(needs, ends, strict=True) if end > begin]
        assert decision.proposal.replicas >= max(needed)
