"""What one reconciliation of the Deployment controller does to ReplicaSets, as Kubernetes 1.34 has it.

`sync_deployment` follows `syncDeployment` of `pkg/controller/deployment` (sync.go, rolling.go) for the strategy
RollingUpdate: a new size is spread over all ReplicaSets that have pods, in proportion; after that the rollout goes on,
and takes unhealthy pods of older ReplicaSets first.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a Deployment replaces pods: numbers of pods, or percentages of its size such as "25%"."""

    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"

    def surge(self, size: int) -> int:
        """Return how many pods there may be more than the size."""
        return _scaled(self.max_surge, size, math.ceil)

    def unavailable(self, size: int) -> int:
        """Return how many pods of the size may be missing."""
        missing = _scaled(self.max_unavailable, size, math.floor)
        if missing == 0 and self.surge(size) == 0:
            missing = 1
        return min(missing, size)


@dataclass(frozen=True, slots=True)
class ReplicaSetState:
    """What the Deployment controller knows of a ReplicaSet.

    Attributes:
        replicas: its size.
        available: pods that are available, as its status says.
        desired: size of the Deployment when it was last scaled, of the annotation `desired-replicas`.
        most: pods of the Deployment at most when it was last scaled, of the annotation `max-replicas`.
    """

    replicas: int
    available: int = 0
    desired: int | None = None
    most: int | None = None


Sets = tuple[ReplicaSetState, ...]
"""The ReplicaSets of one Deployment, oldest first."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a Deployment asks for.

    Attributes:
        size: `spec.replicas`.
        current: index of the ReplicaSet with the Deployment's present template.
        pods: `status.replicas`, which stands for a missing annotation.
        paused: the rollout does not go on.
    """

    size: int
    current: int
    strategy: Strategy = Strategy()
    pods: int = 0
    paused: bool = False

    @property
    def most(self) -> int:
        """Pods that there may be while a rollout goes on."""
        return self.size + self.strategy.surge(self.size)

    @property
    def least_available(self) -> int:
        """Pods that have to be available while a rollout goes on."""
        return self.size - self.strategy.unavailable(self.size)


def sync_deployment(target: Target, sets: Sets) -> Sets:
    """Return the ReplicaSets after one reconciliation; the same where there is nothing to do."""
    if target.paused or any(each.replicas and each.desired not in (None, target.size) for each in sets):
        return _scale(target, sets)
    return _roll(target, sets)


def _scale(target: Target, sets: Sets) -> Sets:
    """Bring the ReplicaSets to a new size without changing the proportion between them."""
    active = [index for index, each in enumerate(sets) if each.replicas]
    if len(active) <= 1:
        return _resize(target, sets, active[0] if active else target.current, target.size)
    if _is_saturated(target, sets[target.current]):
        return _resize_all(target, sets, ((index, 0) for index in active if index != target.current))
    return _scale_in_proportion(target, sets, active)


def _scale_in_proportion(target: Target, sets: Sets, active: list[int]) -> Sets:
    """Spread the difference over the active ReplicaSets, from the largest to the smallest.

    Of equal ones the newest grow and the oldest shrink first. What is left over goes to the first.
    """
    allowed = target.most if target.size else 0
    missing = allowed - sum(sets[index].replicas for index in active)
    newest_first = -1 if missing > 0 else 1
    ordered = sorted(active, key=lambda index: (-sets[index].replicas, newest_first * index))
    sizes, added = {}, 0
    for index in ordered:
        share = _share(target, sets[index], missing, missing - added)
        sizes[index] = sets[index].replicas + share
        added += share
    sizes[ordered[0]] = max(0, sizes[ordered[0]] + missing - added)
    return tuple(_resized(target, each, sizes[index]) if index in sizes else each for index, each in enumerate(sets))


def _share(target: Target, each: ReplicaSetState, missing: int, left: int) -> int:
    """Return what a ReplicaSet takes of the pods that are missing (or too many, if negative)."""
    if missing == 0 or left == 0:
        return 0
    if target.size == 0:
        fraction = -each.replicas
    else:
        before = each.most or target.pods
        fraction = math.floor(each.replicas * target.most / before + 0.5) - each.replicas if before else 0
    return min(fraction, left) if missing > 0 else max(fraction, left)


def _roll(target: Target, sets: Sets) -> Sets:
    """Let the rollout go on by one step: the present ReplicaSet first, then the older ones."""
    current = sets[target.current]
    if current.replicas > target.size:
        return _resize(target, sets, target.current, target.size)
    room = target.most - sum(each.replicas for each in sets)
    more = min(room, target.size - current.replicas)
    if more > 0:
        return _resize(target, sets, target.current, current.replicas + more)
    return _shrink_older(target, sets)


def _shrink_older(target: Target, sets: Sets) -> Sets:
    """Take pods of older ReplicaSets: unhealthy ones first, then as many as may be missing."""
    current = sets[target.current]
    older = [index for index, each in enumerate(sets) if each.replicas and index != target.current]
    total = sum(each.replicas for each in sets)
    room = total - target.least_available - (current.replicas - current.available)
    if not older or room <= 0:
        return sets
    cleaned, failed = _clean_up(target, sets, older, room)
    if failed:
        return cleaned
    available = sum(cleaned[index].available for index in (*older, target.current))
    return _take_available(target, cleaned, older, available - target.least_available)


def _clean_up(target: Target, sets: Sets, older: Iterable[int], room: int) -> tuple[Sets, bool]:
    """Take at most `room` unhealthy pods of older ReplicaSets.

    Returns:
        the ReplicaSets, and whether the controller stopped there: it does at a ReplicaSet whose status still counts
        pods that it has to delete.
    """
    for index in older:
        unhealthy = min(room, sets[index].replicas - sets[index].available)
        if room <= 0:
            break
        if unhealthy < 0:
            return sets, True
        sets = _resize(target, sets, index, sets[index].replicas - unhealthy)
        room -= unhealthy
    return sets, False


def _take_available(target: Target, sets: Sets, older: Iterable[int], room: int) -> Sets:
    """Take at most `room` pods of older ReplicaSets, of the oldest first."""
    for index in older:
        taken = min(max(room, 0), sets[index].replicas)
        sets = _resize(target, sets, index, sets[index].replicas - taken)
        room -= taken
    return sets


def _is_saturated(target: Target, current: ReplicaSetState) -> bool:
    """Return whether the present ReplicaSet alone has all pods of the Deployment."""
    return current.replicas == current.desired == current.available == target.size


def _resize_all(target: Target, sets: Sets, sizes: Iterable[tuple[int, int]]) -> Sets:
    """Give several ReplicaSets a size."""
    for index, size in sizes:
        sets = _resize(target, sets, index, size)
    return sets


def _resize(target: Target, sets: Sets, index: int, size: int) -> Sets:
    """Give one ReplicaSet a size; one that has it stays as it is, with its annotations."""
    if sets[index].replicas == size:
        return sets
    return (*sets[:index], _resized(target, sets[index], size), *sets[index + 1 :])


def _resized(target: Target, each: ReplicaSetState, size: int) -> ReplicaSetState:
    """Return a ReplicaSet of this size, with what the controller notes on it."""
    return replace(each, replicas=size, desired=target.size, most=target.most)


def _scaled(amount: int | str, size: int, rounding: Callable[[float], int]) -> int:
    """Return a number of pods from one, or from a percentage of the size."""
    if isinstance(amount, int):
        return amount
    return rounding(int(amount.removesuffix("%")) * size / 100)
