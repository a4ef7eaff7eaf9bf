"""Laws of the pods that go when a Deployment gets a smaller size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.slowness import slowness
from video_export_operator.controllers import OwnedPods, OwnedSet, mark, plan_shrink, pods_taken
from video_export_operator.controllers.ranking import rank_pods
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy, Target, sync_deployment
from video_export_operator.resource.live import LivePod

NOW = 1_800_000_000.0
SURGES: list[int | str] = [0, 1, 3, "25%", "50%"]
MISSING: list[int | str] = [0, 1, "25%"]
ages = st.sampled_from([0.0, 1.0, 2.0, 40.0, 41.0, 500.0, 501.0, 6000.0])


def pod(name: str, **more: object) -> LivePod:
    plain = LivePod(
        name=name,
        uid=name,
        worker="exports",
        assigned=True,
        phase=2,
        ready=True,
        started=True,
        terminating=False,
        deletion_cost=0,
        trouble=None,
        node="node-1",
        ready_since=NOW - 100,
        created=NOW - 200,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@st.composite
def pods(draw: st.DrawFn, name: str) -> LivePod:
    node, ready = draw(st.sampled_from(["", "node-1", "node-2", "node-3"])), draw(st.booleans())
    return pod(
        name,
        node=node,
        assigned=bool(node),
        phase=draw(st.sampled_from([0, 2, 2, 2])),
        ready=ready,
        ready_since=NOW - draw(ages) if ready else None,
        created=NOW - draw(ages),
        restarts=(draw(st.integers(0, 2)), 0),
        deletion_cost=draw(st.sampled_from([0, 0, 0, -100, 5])),
    )


def own(group: Sequence[LivePod], size: int, most: int) -> OwnedSet:
    return OwnedSet(ReplicaSetState(len(group), sum(each.ready for each in group), size, most), tuple(group))


@st.composite
def rollouts(draw: st.DrawFn) -> tuple[OwnedPods, int]:
    """A Deployment as a rollout may leave it, and its size."""
    size = draw(st.integers(1, 10))
    surge = draw(st.sampled_from(SURGES))
    strategy = Strategy(surge, draw(st.sampled_from(MISSING)) if surge else 1)
    counts = draw(st.lists(st.integers(0, 8), min_size=1, max_size=3))
    groups = tuple(
        tuple(draw(pods(f"{index}-{number}")) for number in range(count)) for index, count in enumerate(counts)
    )
    most = size + strategy.surge(size)
    sets = tuple(own(group, size, most) for group in groups)
    return OwnedPods(sets, draw(st.integers(0, len(sets) - 1)), strategy, sum(counts), draw(st.booleans())), size


@given(rollouts(), st.integers(0, 10))
def test_what_goes_for_sure_is_among_what_may_go(rollout: tuple[OwnedPods, int], wanted: int) -> None:
    taken = pods_taken(rollout[0], wanted, NOW)
    assert taken.certain <= taken.possible <= {each.name for each in rollout[0].pods}


@given(rollouts(), st.integers(0, 10))
def test_as_many_go_as_there_are_too_many(rollout: tuple[OwnedPods, int], wanted: int) -> None:
    """A rollout leaves no more pods than the surge allows; of more the largest ReplicaSet may have too few to give."""
    owned, size = rollout
    if wanted < size and len(owned.pods) <= size + owned.strategy.surge(size):
        least = len(owned.pods) - wanted - owned.strategy.surge(wanted)
        assert len(pods_taken(owned, wanted, NOW).possible) >= least


@given(st.lists(st.integers(), max_size=8, unique=True), st.data())
def test_of_one_replica_set_exactly_the_difference_goes(numbers: list[int], data: st.DataObject) -> None:
    group = tuple(data.draw(pods(str(number))) for number in numbers)
    wanted = data.draw(st.integers(0, len(group)))
    owned = OwnedPods((own(group, len(group), len(group)),), 0, Strategy(), len(group))
    taken = pods_taken(owned, wanted, NOW)
    assert len(taken.certain) <= len(group) - wanted <= len(taken.possible)
    if taken.certain == taken.possible:
        assert len(taken.certain) == len(group) - wanted


@given(rollouts(), st.integers(0, 10), st.randoms())
def test_the_order_in_which_pods_are_listed_does_not_matter(
    rollout: tuple[OwnedPods, int], wanted: int, chance: object
) -> None:
    owned, _ = rollout
    turned = replace(owned, sets=tuple(replace(each, pods=each.pods[::-1]) for each in owned.sets))
    assert pods_taken(owned, wanted, NOW) == pods_taken(turned, wanted, NOW)


@given(rollouts(), st.integers(0, 10), st.data())
def test_a_planned_shrink_takes_its_victims_only(
    rollout: tuple[OwnedPods, int], wanted: int, data: st.DataObject
) -> None:
    owned, size = rollout
    idle = data.draw(st.sets(st.sampled_from([each.name for each in owned.pods] or ["none"])))
    plan = plan_shrink(owned, wanted, size, idle, NOW)
    if plan is None:
        return
    assert wanted <= plan.size < size
    assert set(plan.victims) <= idle
    assert pods_taken(mark(owned, plan.victims), plan.size, NOW).possible <= set(plan.victims)


@given(rollouts(), st.integers(0, 10), st.data())
def test_no_smaller_size_would_be_safe(rollout: tuple[OwnedPods, int], wanted: int, data: st.DataObject) -> None:
    """Whatever smaller size is set, with every idle pod marked, a pod that is not idle may go."""
    owned, size = rollout
    idle = data.draw(st.sets(st.sampled_from([each.name for each in owned.pods] or ["none"])))
    plan = plan_shrink(owned, wanted, size, idle, NOW)
    for smaller in range(wanted, plan.size if plan is not None else size):
        assert not pods_taken(mark(owned, idle), smaller, NOW).possible <= idle


@given(rollouts())
def test_the_deployment_controller_comes_to_rest_within_its_bounds(rollout: tuple[OwnedPods, int]) -> None:
    owned, size = rollout
    target = Target(size, owned.current, owned.strategy, owned.replicas, owned.paused)
    begin = tuple(each.state for each in owned.sets)
    states, sets = [begin], sync_deployment(target, begin)
    while sets != states[-1]:
        states.append(sets)
        assert len(states) < 20, states
        assert all(each.replicas >= 0 for each in sets)
        sets = sync_deployment(target, sets)
    total = [sum(each.replicas for each in state) for state in states]
    assert max(total) <= max(total[0], target.most)


@settings(max_examples=30)
@given(st.data())
def test_a_ranking_has_every_pod_once(data: st.DataObject) -> None:
    group = [data.draw(pods(str(number))) for number in range(data.draw(st.integers(0, 8)))]
    for neighbours in (None, {"node-1": 2, "node-2": 1}):
        tiers = rank_pods(group, NOW, neighbours)
        assert sorted(each.name for tier in tiers for each in tier) == sorted(each.name for each in group)


def order(group: Sequence[LivePod], neighbours: dict[str, int] | None = None) -> list[list[str]]:
    return [sorted(each.name for each in tier) for tier in rank_pods(group, NOW, neighbours or {})]


def test_each_criterion_decides_where_those_before_it_are_equal() -> None:
    begin = NOW - 100
    assert order(
        [
            pod("stays"),
            pod("younger", ready_since=NOW - 12),
            pod("restarted", restarts=(1, 0)),
            pod("sidecar-restarted", restarts=(0, 1)),
            pod("newly-created", created=NOW - 30),
            pod("crowded", node="node-2"),
            pod("cheap", deletion_cost=-1, ready_since=begin),
            pod("unready", ready=False, ready_since=None, deletion_cost=5),
            pod("pending", phase=0, ready=False, ready_since=None),
            pod("unassigned", assigned=False, node="", phase=0, ready=False, ready_since=None),
            pod("dear", deletion_cost=1),
        ],
        {"node-1": 1, "node-2": 2},
    ) == [
        ["unassigned"],
        ["pending"],
        ["unready"],
        ["cheap"],
        ["crowded"],
        ["younger"],
        ["restarted"],
        ["sidecar-restarted"],
        ["newly-created"],
        ["stays"],
        ["dear"],
    ]


def test_ages_of_one_power_of_two_are_ordered_by_uid() -> None:
    group = [pod(name, uid=uid, ready_since=NOW - age) for name, uid, age in (("old", "1", 101), ("young", "2", 100))]
    assert order(group) == [["old"], ["young"]]


def test_pods_that_began_together_beside_another_one_may_go_in_any_order() -> None:
    """The controller's comparison is no order then: a before b by restarts, b before c and c before a by uid."""
    group = [pod("a", uid="3", restarts=(1, 0)), pod("b", uid="1"), pod("c", uid="2", ready_since=NOW - 101)]
    assert order(group) == [["a", "b", "c"]]


def test_a_thousand_pods_are_planned_in_no_time() -> None:
    group = tuple(pod(f"pod-{number:04}") for number in range(1000))
    busy, idle = group[:700], {each.name for each in group[700:]}
    sets = (own(group[:500], 1000, 1250), own(group[500:], 1000, 1250))
    owned = OwnedPods(sets, 1, Strategy("25%", 0), 1000)
    begin = time.process_time()
    plan = plan_shrink(owned, 0, 1000, idle, NOW)
    taken = time.process_time() - begin
    assert taken < 3.0 * slowness()
    assert plan is None or not {each.name for each in busy} & set(plan.victims)
