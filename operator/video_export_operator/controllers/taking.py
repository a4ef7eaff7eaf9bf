"""Which pods go when a Deployment gets a smaller size, while no pod changes by itself.

The Deployment controller and the ReplicaSet controller act side by side, each on what it has seen of the other, and the
outcome may depend on which of them is first. All orders are tried: a pod that goes in some of them may go.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from video_export_operator.controllers.ranking import Tiers, rank_pods
from video_export_operator.controllers.rollouts import ReplicaSetState, Sets, Strategy, Target, sync_deployment
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.resource.replica_sets import LiveReplicaSet

VICTIM_COST = -100
"""Deletion cost of a pod that is to go first."""
MOST_STATES = 5000
"""Orders of acting are many only where many ReplicaSets have pods; past this number every pod may go."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Names of pods: those that go for sure, and all that may go."""

    certain: frozenset[str]
    possible: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shrink:
    """A smaller size that takes no pod but these, once they have `VICTIM_COST`."""

    size: int
    victims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnedSet:
    """A ReplicaSet with its active pods; its name is empty before it exists.

    Attributes:
        min_ready: for how many seconds a pod has to be ready until it counts as available.
    """

    state: ReplicaSetState
    pods: tuple[LivePod, ...] = ()
    name: str = ""
    min_ready: int = 0


@dataclass(frozen=True, slots=True)
class OwnedPods:
    """A Deployment with its ReplicaSets and their pods.

    Attributes:
        sets: oldest first.
        current: index of the set with the Deployment's present template.
        replicas: pods that the Deployment's status counts.
        paused: the rollout does not go on.
    """

    sets: tuple[OwnedSet, ...]
    current: int
    strategy: Strategy
    replicas: int
    paused: bool = False

    @property
    def pods(self) -> tuple[LivePod, ...]:
        """All pods."""
        return tuple(pod for each in self.sets for pod in each.pods)


@dataclass(frozen=True, slots=True)
class _Loss:
    """Pods that one ReplicaSet loses: at least, at most, and whether all at once."""

    least: int
    most: int
    at_once: bool


@dataclass(frozen=True, slots=True)
class _Count:
    """Pods of one ReplicaSet: of those that were there in the beginning, and of those made since."""

    old: int
    new: int = 0


T = TypeVar("T")
_State = tuple[Sets, tuple[_Count, ...]]


def own_pods(deployment: LiveDeployment, sets: Iterable[LiveReplicaSet], pods: Iterable[LivePod]) -> OwnedPods:
    """Bring a Deployment, its ReplicaSets and its pods together.

    Args:
        deployment: as it is.
        sets: all its ReplicaSets.
        pods: that have not ended; those that are terminating are left out.
    """
    mine = (each for each in sets if each.owner == deployment.uid)
    ordered = sorted(mine, key=lambda each: (each.created, each.name))
    active = [pod for pod in pods if not pod.terminating]
    owned = [_own(each, active) for each in ordered]
    current = next((index for index, each in enumerate(ordered) if each.template == deployment.template), len(owned))
    if current == len(owned):  # it is made when the controller has seen the template
        owned.append(OwnedSet(ReplicaSetState(0)))
    strategy = Strategy(deployment.max_surge, deployment.max_unavailable)
    return OwnedPods(tuple(owned), current, strategy, deployment.replicas, deployment.paused)


def _own(live: LiveReplicaSet, pods: Iterable[LivePod]) -> OwnedSet:
    """Bring a ReplicaSet and its pods together."""
    state = ReplicaSetState(live.replicas, live.available, live.desired, live.most)
    return OwnedSet(state, tuple(pod for pod in pods if pod.replica_set == live.name), live.name, live.min_ready)


def pods_taken(owned: OwnedPods, size: int, now: float) -> Taken:
    """Return which pods go when the Deployment gets this size; with its present one, which go anyway.

    Args:
        owned: the pods, with their deletion costs as they will be then.
        size: of the Deployment.
        now: in seconds since the epoch.
    """
    neighbours = Counter(pod.node for pod in owned.pods)
    tiers = tuple(rank_pods(each.pods, now, neighbours) for each in owned.sets)
    losses = _lose(owned, size, tiers, now)
    if sum(loss.most > 0 for loss in losses) > 1 or not all(loss.at_once for loss in losses):
        tiers = tuple(rank_pods(each.pods, now) for each in owned.sets)
    pairs = tuple(zip(tiers, losses, strict=True))
    return Taken(
        certain=frozenset(name for each, loss in pairs for name in _first(each, loss.least, whole=True)),
        possible=frozenset(name for each, loss in pairs for name in _first(each, loss.most, whole=False)),
    )


def plan_shrink(owned: OwnedPods, wanted: int, present: int, idle: Collection[str], now: float) -> Shrink | None:
    """Return the smallest size, not below the wanted one, that takes idle pods only; None where there is none.

    Args:
        owned: the pods.
        wanted: a size.
        present: the size that the Deployment has.
        idle: names of pods that may go.
        now: in seconds since the epoch.
    """
    marked = mark(owned, idle)
    tiers = tuple(rank_pods(each.pods, now) for each in marked.sets)
    safe = [leading_idle(each, idle) for each in tiers]
    total = len(owned.pods)
    for size in range(wanted, present):
        if total - size - owned.strategy.surge(size) > sum(safe):
            continue  # so many pods go whatever the order is
        losses = _lose(marked, size, tiers, now)
        if all(loss.most <= room for loss, room in zip(losses, safe, strict=True)):
            return Shrink(size, tuple(chain.from_iterable(map(names_of, tiers, (loss.most for loss in losses)))))
    return None


def mark(owned: OwnedPods, victims: Collection[str]) -> OwnedPods:
    """Return the pods with the costs that steer a shrink: the victims go first, nobody else is marked as one."""

    def cost(pod: LivePod) -> int:
        return VICTIM_COST if pod.name in victims else max(0, pod.deletion_cost)

    def mark_one(each: OwnedSet) -> OwnedSet:
        return replace(each, pods=tuple(replace(pod, deletion_cost=cost(pod)) for pod in each.pods))

    return replace(owned, sets=tuple(map(mark_one, owned.sets)))


def leading_idle(tiers: Tiers, idle: Collection[str]) -> int:
    """Return how many pods may go until one may be among them that is not idle."""
    count = 0
    for tier in tiers:
        if not all(pod.name in idle for pod in tier):
            break
        count += len(tier)
    return count


def names_of(tiers: Tiers, count: int) -> tuple[str, ...]:
    """Return the names of the first pods."""
    return tuple(pod.name for tier in tiers for pod in tier)[:count]


def _first(tiers: Tiers, count: int, *, whole: bool) -> Iterator[str]:
    """Yield the first pods; of a tier that goes in part none where it has to be whole, else all."""
    for tier in tiers:
        if count < (len(tier) if whole else 1):
            return
        yield from (pod.name for pod in tier)
        count -= len(tier)


def _lose(owned: OwnedPods, size: int, tiers: Sequence[Tiers], now: float) -> tuple[_Loss, ...]:
    """Return what each ReplicaSet loses, over all orders in which the controllers may act."""
    target = Target(size, owned.current, owned.strategy, owned.replicas, owned.paused)
    available = tuple(
        _available_left(tier, now - each.min_ready if each.min_ready else None)
        for tier, each in zip(tiers, owned.sets, strict=True)
    )
    begin: _State = (
        tuple(each.state for each in owned.sets),
        tuple(_Count(len(each.pods)) for each in owned.sets),
    )
    seen, open_states, final = {begin}, [begin], []
    while open_states:
        state = open_states.pop()
        following = [each for each in _next_states(target, state, available) if each != state]
        if not following:
            final.append(state)
        open_states += (each for each in set(following) if each not in seen)
        seen.update(following)
        if len(seen) > MOST_STATES:
            return tuple(_Loss(0, len(each.pods), at_once=False) for each in owned.sets)
    return tuple(_loss(index, len(each.pods), seen, final) for index, each in enumerate(owned.sets))


def _loss(index: int, pods: int, seen: Iterable[_State], final: Iterable[_State]) -> _Loss:
    """Return what one ReplicaSet loses."""
    left = {state[1][index].old for state in seen}
    kept = max(state[1][index].old for state in final)
    return _Loss(pods - kept, pods - min(left), at_once=len(left) <= 2)


def _next_states(target: Target, state: _State, available: Sequence[Sequence[int]]) -> Iterator[_State]:
    """Yield what may be next: the Deployment controller acts, or the ReplicaSet controller for one of its sets."""
    sets, counts = state
    yield sync_deployment(target, sets), counts
    for index, each in enumerate(sets):
        for count in _sync_replica_set(each.replicas, counts[index]):
            told = replace(each, available=available[index][count.old])
            yield _put(sets, index, told), _put(counts, index, count)


def _sync_replica_set(replicas: int, count: _Count) -> Iterator[_Count]:
    """Yield what a ReplicaSet may have after it was brought to its size; new pods may go before old ones or after."""
    surplus = count.old + count.new - replicas
    if surplus <= 0:
        yield _Count(count.old, count.new - surplus)
        return
    for new in {min(count.new, surplus), max(0, surplus - count.old)}:
        yield _Count(count.old - surplus + new, count.new - new)


def _available_left(tiers: Tiers, since: float | None) -> list[int]:
    """Return how many pods are available when so many are left, from none to all.

    Args:
        tiers: the pods.
        since: when a pod has to have been ready, in seconds since the epoch; None where ready is enough.
    """
    left = [0]
    for pod in reversed([pod for tier in tiers for pod in tier]):
        long_enough = since is None or (pod.ready_since is not None and pod.ready_since <= since)
        left.append(left[-1] + (pod.ready and long_enough))
    return left


def _put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    """Return the items with one replaced."""
    return (*items[:index], item, *items[index + 1 :])
