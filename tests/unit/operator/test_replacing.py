"""Laws of a rollout that waits for pods to become idle, with the Deployment controller's own arithmetic beside it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.test_pods_taken import NOW, own, pod
from video_export_operator.controllers import OwnedPods, OwnedSet, plan_replacement, pods_taken
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy, Target, sync_deployment
from video_export_operator.resource.live import LivePod

STRATEGY = Strategy("25%", 0)


@dataclass
class Rollout:
    """A Deployment of a size that just got another template, with pods of some older ones."""

    size: int
    old: list[list[LivePod]]
    new: list[LivePod] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.sizes = [*map(len, self.old), 0]

    def owned(self) -> OwnedPods:
        most = self.size + STRATEGY.surge(self.size)
        # What is ready of the present template does not count as available for as long as the rollout waits.
        sets = [replace(own(each, self.size, most), name=f"set-{index}") for index, each in enumerate(self.old)]
        state = ReplicaSetState(self.sizes[-1], 0, self.size, most)
        sets.append(OwnedSet(state, tuple(self.new), "set-new", min_ready=86400))
        return OwnedPods(tuple(sets), len(self.old), STRATEGY, sum(self.sizes))

    def let_controllers_act(self) -> None:
        """The Deployment controller acts until it rests; pods of the present template begin."""
        target = Target(self.size, len(self.old), STRATEGY)
        sets = tuple(each.state for each in self.owned().sets)
        while (after := sync_deployment(target, sets)) != sets:
            sets = after
        assert [each.replicas for each in sets[:-1]] == self.sizes[:-1], "it takes none of the older ones"
        self.sizes[-1] = sets[-1].replicas
        while len(self.new) < self.sizes[-1]:
            self.new.append(pod(f"new-{next(self.numbers)}", ready=False, ready_since=None))

    def start_new(self) -> None:
        self.new = [replace(each, ready=True, ready_since=NOW) for each in self.new]

    def replace_idle(self, idle: set[str]) -> int:
        """Carry out what is planned; return how many pods went."""
        plan = plan_replacement(self.owned(), self.size, idle, NOW)
        if plan is None:
            return 0
        index = int(plan.replica_set.removeprefix("set-"))
        assert set(plan.victims) <= idle
        assert len(plan.victims) == len(self.old[index]) - plan.size
        self.old[index] = [each for each in self.old[index] if each.name not in plan.victims]
        self.sizes[index] = plan.size
        return len(plan.victims)

    @property
    def working(self) -> int:
        return sum(each.ready for group in (*self.old, self.new) for each in group)


@st.composite
def rollouts(draw: st.DrawFn) -> Rollout:
    counts = draw(st.lists(st.integers(1, 5), min_size=1, max_size=2))
    old = [[pod(f"old-{index}-{number}") for number in range(some)] for index, some in enumerate(counts)]
    return Rollout(sum(counts), old)


@given(rollouts(), st.data())
def test_no_busy_pod_goes_and_as_many_as_the_size_can_work(rollout: Rollout, data: st.DataObject) -> None:
    for _ in range(12):
        rollout.let_controllers_act()
        if data.draw(st.booleans()):
            rollout.start_new()
        names = [each.name for group in rollout.old for each in group]
        rollout.replace_idle(data.draw(st.sets(st.sampled_from(names))) if names else set())
        assert rollout.working >= rollout.size


@given(rollouts())
def test_when_all_are_idle_every_pod_is_replaced(rollout: Rollout) -> None:
    idle = {each.name for group in rollout.old for each in group}
    for _ in range(3 * rollout.size + 3):
        rollout.let_controllers_act()
        rollout.start_new()
        rollout.replace_idle(idle)
    assert [len(group) for group in rollout.old] == [0] * len(rollout.old)
    assert len(rollout.new) == rollout.size


@given(rollouts())
def test_while_it_waits_the_controllers_take_nothing(rollout: Rollout) -> None:
    rollout.let_controllers_act()
    rollout.start_new()
    assert not pods_taken(rollout.owned(), rollout.size, NOW).possible


def test_nothing_goes_before_its_successor_is_ready() -> None:
    rollout = Rollout(4, [[pod(f"old-{number}") for number in range(4)]])
    rollout.let_controllers_act()
    assert rollout.replace_idle({"old-0", "old-1"}) == 0
    rollout.start_new()
    assert rollout.replace_idle({"old-0", "old-1"}) == 1  # a quarter more than the size: one at a time
