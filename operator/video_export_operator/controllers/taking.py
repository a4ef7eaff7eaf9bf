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
class OwnedPods:
    """A Deployment with its ReplicaSets and their active pods.

    Attributes:
        sets: oldest first.
        pods: of each set.
        current: index of the set with the Deployment's present template.
    """

    sets: tuple[ReplicaSetState, ...]
    pods: tuple[tuple[LivePod, ...], ...]
    current: int
    strategy: Strategy
    replicas: int
    paused: bool


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
    ordered = sorted(
        (each for each in sets if each.owner == deployment.uid), key=lambda each: (each.created, each.name)
    )
    states = [ReplicaSetState(each.replicas, each.available, each.desired, each.most) for each in ordered]
    current = next((index for index, each in enumerate(ordered) if each.template == deployment.template), len(ordered))
    if current == len(ordered):  # it is made when the controller has seen the template
        states.append(ReplicaSetState(0))
    by_set: dict[str, list[LivePod]] = {each.name: [] for each in ordered}
    for pod in pods:
        if not pod.terminating and pod.replica_set in by_set:
            by_set[pod.replica_set].append(pod)
    groups = [tuple(by_set[each.name]) for each in ordered] + [()] * (len(states) - len(ordered))
    strategy = Strategy(deployment.max_surge, deployment.max_unavailable)
    return OwnedPods(tuple(states), tuple(groups), current, strategy, deployment.replicas, deployment.paused)


def pods_taken(owned: OwnedPods, size: int, now: float) -> Taken:
    """Return which pods go when the Deployment gets this size; with its present one, which go anyway.

    Args:
        owned: the pods, with their deletion costs as they will be then.
        size: of the Deployment.
        now: in seconds since the epoch.
    """
    neighbours = Counter(pod.node for group in owned.pods for pod in group)
    tiers = tuple(rank_pods(group, now, neighbours) for group in owned.pods)
    losses = _lose(owned, size, tiers)
    if sum(loss.most > 0 for loss in losses) > 1 or not all(loss.at_once for loss in losses):
        tiers = tuple(rank_pods(group, now) for group in owned.pods)
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
    tiers = tuple(rank_pods(group, now) for group in marked.pods)
    safe = [_idle_first(each, idle) for each in tiers]
    total = sum(len(group) for group in owned.pods)
    for size in range(wanted, present):
        if total - size - owned.strategy.surge(size) > sum(safe):
            continue  # so many pods go whatever the order is
        losses = _lose(marked, size, tiers)
        if all(loss.most <= room for loss, room in zip(losses, safe, strict=True)):
            return Shrink(size, tuple(chain.from_iterable(map(_names, tiers, (loss.most for loss in losses)))))
    return None


def mark(owned: OwnedPods, victims: Collection[str]) -> OwnedPods:
    """Return the pods with the costs that steer a shrink: the victims go first, nobody else is marked as one."""

    def cost(pod: LivePod) -> int:
        return VICTIM_COST if pod.name in victims else max(0, pod.deletion_cost)

    return replace(
        owned, pods=tuple(tuple(replace(pod, deletion_cost=cost(pod)) for pod in group) for group in owned.pods)
    )


def _idle_first(tiers: Tiers, idle: Collection[str]) -> int:
    """Return how many pods may go until one may be among them that is not idle."""
    count = 0
    for tier in tiers:
        if not all(pod.name in idle for pod in tier):
            break
        count += len(tier)
    return count


def _names(tiers: Tiers, count: int) -> list[str]:
    """Return the names of the first pods."""
    return [pod.name for tier in tiers for pod in tier][:count]


def _first(tiers: Tiers, count: int, *, whole: bool) -> Iterator[str]:
    """Yield the first pods; of a tier that goes in part none where it has to be whole, else all."""
    for tier in tiers:
        if count < (len(tier) if whole else 1):
            return
        yield from (pod.name for pod in tier)
        count -= len(tier)


def _lose(owned: OwnedPods, size: int, tiers: Sequence[Tiers]) -> tuple[_Loss, ...]:
    """Return what each ReplicaSet loses, over all orders in which the controllers may act."""
    target = Target(size, owned.current, owned.strategy, owned.replicas, owned.paused)
    ready = tuple(_ready_left(each) for each in tiers)
    begin: _State = (owned.sets, tuple(_Count(len(group)) for group in owned.pods))
    seen, open_states, final = {begin}, [begin], []
    while open_states:
        state = open_states.pop()
        following = [each for each in _next_states(target, state, ready) if each != state]
        if not following:
            final.append(state)
        open_states += (each for each in set(following) if each not in seen)
        seen.update(following)
        if len(seen) > MOST_STATES:
            return tuple(_Loss(0, len(group), at_once=False) for group in owned.pods)
    return tuple(_loss(index, len(group), seen, final) for index, group in enumerate(owned.pods))


def _loss(index: int, pods: int, seen: Iterable[_State], final: Iterable[_State]) -> _Loss:
    """Return what one ReplicaSet loses."""
    left = {state[1][index].old for state in seen}
    kept = max(state[1][index].old for state in final)
    return _Loss(pods - kept, pods - min(left), at_once=len(left) <= 2)


def _next_states(target: Target, state: _State, ready: Sequence[Sequence[int]]) -> Iterator[_State]:
    """Yield what may be next: the Deployment controller acts, or the ReplicaSet controller for one of its sets."""
    sets, counts = state
    yield sync_deployment(target, sets), counts
    for index, each in enumerate(sets):
        for count in _sync_replica_set(each.replicas, counts[index]):
            told = replace(each, available=ready[index][count.old])
            yield _put(sets, index, told), _put(counts, index, count)


def _sync_replica_set(replicas: int, count: _Count) -> Iterator[_Count]:
    """Yield what a ReplicaSet may have after it was brought to its size; new pods may go before old ones or after."""
    surplus = count.old + count.new - replicas
    if surplus <= 0:
        yield _Count(count.old, count.new - surplus)
        return
    for new in {min(count.new, surplus), max(0, surplus - count.old)}:
        yield _Count(count.old - surplus + new, count.new - new)


def _ready_left(tiers: Tiers) -> list[int]:
    """Return how many pods are ready when so many are left, from none to all."""
    left = [0]
    for pod in reversed([pod for tier in tiers for pod in tier]):
        left.append(left[-1] + pod.ready)
    return left


def _put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    """Return the items with one replaced."""
    return (*items[:index], item, *items[index + 1 :])
