"""The simulator models what was measured and documented; a benchmark that is wrong proves nothing."""

from __future__ import annotations

from itertools import groupby
from random import Random

import pytest

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.cluster import STOP, Deployment
from benchmarks.scaling.keda import Keda, Settings
from benchmarks.scaling.policies import World, fixed
from benchmarks.scaling.simulation import percentile, simulate
from benchmarks.scaling.temporal import HEARTBEAT_TIMEOUT, TaskQueue, Unreachable
from benchmarks.scaling.traces import TRACES, Export, Step, Trace
from benchmarks.scaling.verdict import judge


def one(seconds: float, at: float = 0.0, tenant: str = "one") -> Export:
    """An export of a single activity."""
    return Export(at, ((Step(seconds),),), tenant)


def build_world(outages: tuple[tuple[float, float], ...] = (), grace: float = 300.0, slots: int = 1) -> World:
    clock = Clock()
    queue = TaskQueue(clock, Random(1), outages)
    return World(clock, Random(1), queue, Deployment(clock, "test", queue, slots, grace))


def sizes(world: World, begin: int, until: int, step: int = 1) -> list[int]:
    """The size after each step."""
    found = []
    for at in range(begin, until, step):
        world.clock.run(at)
        found.append(world.deployment.size)
    return found


def test_events_come_in_the_order_of_their_times() -> None:
    clock, seen = Clock(), []
    clock.at(2, lambda: seen.append("second"))
    clock.at(1, lambda: clock.after(0, lambda: seen.append("first")))
    clock.every(3, lambda: seen.append("again"), first=3)
    clock.run(7)
    assert (seen, clock.now) == (["first", "second", "again", "again"], 7)


# Temporal


def test_statistics_are_five_seconds_old_and_running_work_is_no_backlog() -> None:
    world = build_world()
    assert world.queue.describe("workflow") == 0
    world.queue.start(one(100))
    world.clock.run(5)
    assert world.queue.describe("workflow") == 0
    world.clock.run(6)
    assert world.queue.describe("workflow") == 1
    world.deployment.scale(1)
    world.clock.run(30)
    assert (world.queue.describe("workflow"), world.queue.describe("activity")) == (0, 0)
    assert world.queue.list_workers()["pod-1"].used == 1


def test_what_was_terminated_counts_until_somebody_polls() -> None:
    world = build_world()
    world.queue.start(Export(0, ((Step(5),),), terminated_at=1))
    world.clock.run(60)
    assert (world.queue.describe("workflow"), world.queue.count_open()) == (1, 0)
    world.deployment.scale(1)
    world.clock.run(120)
    assert world.queue.describe("workflow") == 0
    assert world.queue.waits == []


def test_an_attempt_that_waits_for_its_retry_is_invisible() -> None:
    world = build_world()
    world.deployment.scale(1)
    world.queue.start(Export(0, ((Step(5, retries=(100,)),),)))
    world.clock.run(60)
    assert (world.queue.describe("activity"), world.queue.list_workers()["pod-1"].used) == (0, 0)
    assert world.queue.count_open() == 1
    world.clock.run(150)
    assert world.queue.runs[0].closed
    assert len(world.queue.waits) == 2


def test_tenants_take_turns() -> None:
    world = build_world()
    for _ in range(10):
        world.queue.start(one(10, tenant="big"))
    world.queue.start(one(10, tenant="small"))
    world.deployment.scale(1)
    world.clock.run(45)
    assert world.queue.runs[-1].closed, "the small tenant's one did not come among the first"


def test_workers_reach_a_temporal_that_scalers_do_not() -> None:
    world = build_world(outages=((0, 100),))
    world.queue.start(one(5))
    world.deployment.scale(1)
    world.clock.run(50)
    assert world.queue.runs[0].closed
    with pytest.raises(Unreachable):
        world.queue.describe("activity")


# Kubernetes


def test_a_stopped_pod_finishes_what_it_runs_within_its_grace() -> None:
    world = build_world(grace=30)
    world.deployment.scale(1)
    world.clock.run(20)
    world.queue.start(one(25))
    world.deployment.scale(0)
    world.clock.run(20 + STOP)
    world.queue.start(one(25))
    world.clock.run(40)
    assert len(world.deployment.pods) == 1
    world.clock.run(60)
    assert (world.deployment.pods, world.queue.interrupted) == ({}, 0)
    assert [run.stage for run in world.queue.runs] == [0, -1], "a stopping worker took another task"
    assert world.queue.runs[0].left == 0


def test_a_pod_that_was_taken_polls_until_it_hears_of_it() -> None:
    world = build_world()
    world.deployment.scale(1)
    world.clock.run(20)
    world.deployment.scale(0)
    world.queue.start(one(5))
    assert world.queue.ask_workers() == {"pod-1": 1}


def test_what_runs_longer_than_the_grace_is_interrupted_and_begins_again() -> None:
    world = build_world(grace=30)
    world.deployment.scale(1)
    world.clock.run(20)
    world.queue.start(one(60))
    world.deployment.scale(0)
    world.deployment.scale(1)
    world.clock.run(50 + HEARTBEAT_TIMEOUT + 59)
    assert (world.queue.interrupted, world.queue.runs[0].closed) == (1, False)
    world.clock.run(50 + HEARTBEAT_TIMEOUT + 61)
    assert world.queue.runs[0].closed


def test_a_replica_set_takes_what_has_not_started_then_the_cheapest_then_the_newest() -> None:
    world = build_world()
    world.deployment.scale(2)
    world.clock.run(20)
    world.deployment.scale(3)
    world.clock.run(40)
    world.deployment.scale(4)
    world.deployment.pods["pod-2"].cost = -100
    gone: list[str] = []
    for size in (3, 2, 1):
        before = {pod.name for pod in world.deployment.live}
        world.deployment.scale(size)
        gone += before - {pod.name for pod in world.deployment.live}
    assert gone == ["pod-4", "pod-2", "pod-3"]


def test_pod_minutes_count_from_creation_until_the_end_of_termination() -> None:
    world = build_world()
    world.deployment.scale(2)
    world.clock.run(60)
    world.queue.start(one(30))
    world.deployment.scale(0)
    world.clock.run(200)
    assert world.deployment.finish() == pytest.approx(60 + 90, abs=1)


# KEDA


def constant_backlog(world: World, tasks: int) -> None:
    world.queue.describe = lambda kind: tasks if kind == "activity" else 0  # type: ignore[method-assign]


def test_keda_lifts_from_zero_to_one_and_the_hpa_goes_on_by_its_policies() -> None:
    world = build_world()
    constant_backlog(world, 100)
    Keda(world, Settings(target=2, polling=1, maximum=40))
    assert list(dict.fromkeys(sizes(world, 0, 90))) == [0, 1, 5, 10, 20, 40], "1, 4 more, then twice as many in 15 s"


def test_the_hpa_does_nothing_within_its_tolerance() -> None:
    world = build_world()
    world.deployment.size = 10
    Keda(world, Settings(target=2, maximum=40))
    constant_backlog(world, 21)
    assert set(sizes(world, 1, 40)) == {10}
    constant_backlog(world, 23)
    assert sizes(world, 40, 60)[-1] == 12


def test_the_hpa_forgets_running_work_after_its_window_and_keda_after_its_cooldown() -> None:
    world = build_world(slots=2, grace=300)
    Keda(world, Settings(target=1, window=100, cooldown=200))
    for _ in range(5):
        world.queue.start(one(2000))
    seen = sizes(world, 1, 400)
    most = max(seen)
    assert [size for size, _ in groupby(seen)] == [0, 1, most, 1, 0]
    assert most >= 3, "five activities want three pods of two slots"
    assert 100 <= seen.count(most) < 200
    world.clock.run(800)
    assert world.queue.interrupted == 5


def test_running_workflows_keep_keda_from_zero_if_it_is_asked_to() -> None:
    def last(running: bool) -> int:
        world = build_world(slots=2)
        world.deployment.scale(1)
        world.clock.run(20)
        world.queue.start(one(2000))
        Keda(world, Settings(cooldown=60, running=running))
        return sizes(world, 21, 200)[-1]

    assert (last(running=False), last(running=True)) == (0, 1)


def test_without_its_metric_the_hpa_keeps_the_size_or_falls_back_and_zero_stays_zero() -> None:
    def last(size: int, fallback: int | None) -> int:
        world = build_world(outages=((0, 1000),))
        world.deployment.scale(size)
        Keda(world, Settings(fallback=fallback))
        return sizes(world, 1, 300)[-1]

    assert (last(3, None), last(3, 5), last(6, 5), last(0, 5)) == (3, 5, 6, 0)


# Sums


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile([3.0], 99)) == (50, 99, 3)


@pytest.mark.parametrize(
    ("p50", "p99", "minutes", "said"),
    [
        (5, 50, 100, "faster, cheaper"),
        (10.5, 100, 101, "as fast, as dear"),
        (10, 110, 80, "slower, dearer"),
        (5, 110, 100, "faster and slower, cheaper"),
    ],
)
def test_the_verdict_looks_at_both_percentiles_and_at_the_cost(p50: float, p99: float, minutes: int, said: str) -> None:
    ours = {"wait_p50_s": p50, "wait_p99_s": p99, "pod_minutes": 100}
    theirs = {"wait_p50_s": 10, "wait_p99_s": 100, "pod_minutes": minutes * 1.5 if minutes == 100 else minutes}
    assert judge(ours, theirs) == said


def test_the_same_seed_gives_the_same_run_and_all_policies_the_same_arrivals() -> None:
    trace = Trace("test", "", lambda random: [one(5, at=random.uniform(0, 50)) for _ in range(20)], 200, runs=2)
    first, second, other = (simulate(trace, fixed(size)) for size in (1, 1, 3))
    assert first == second
    assert len(first.turnarounds) == len(other.turnarounds) == 40
    assert first.waits != other.waits


def test_traces_have_names_of_their_own_and_end_after_their_exports() -> None:
    assert len({trace.name for trace in TRACES}) == len(TRACES)
    for trace in TRACES:
        exports = trace.exports(Random(0))
        assert exports == trace.exports(Random(0))
        assert max(each.at for each in exports) < trace.until
