"""The order in which the ReplicaSet controller deletes pods, as `ActivePodsWithRanks.Less` of Kubernetes 1.34 has it.

That order has gaps: equal pods are deleted in any order, and an age counts only by its power of two. So a ranking is a
sequence of tiers: every pod of a tier goes before every pod of the next one, and within a tier any pod may go first.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby

from video_export_operator.resource.live import LivePod

Tier = tuple[LivePod, ...]
Tiers = tuple[Tier, ...]

PROMPT = 10.0
"""Seconds within which the controllers have acted; ages are compared by how old a pod may be by then."""


def rank_pods(pods: Iterable[LivePod], now: float, neighbours: Mapping[str, int] | None = None) -> Tiers:
    """Return the pods in the order in which they are deleted.

    Args:
        pods: the active pods of one ReplicaSet.
        now: in seconds since the epoch.
        neighbours: active pods of the whole Deployment by node; None where they change while pods are deleted, so that
            they may order the pods in any way.
    """

    def order(pod: LivePod) -> tuple[bool, int, bool, int]:
        return (pod.assigned, pod.phase, pod.ready, pod.deletion_cost)

    return _split(pods, order, lambda group: _by_neighbours(group, now, neighbours))


def _by_neighbours(pods: Tier, now: float, neighbours: Mapping[str, int] | None) -> Tiers:
    """Pods whose node has more pods of the Deployment go first."""
    if neighbours is None:
        return (pods,) if len({pod.node for pod in pods}) > 1 else _by_readiness(pods, now)
    return _split(pods, lambda pod: -neighbours.get(pod.node, 0), lambda group: _by_readiness(group, now))


def _by_readiness(pods: Tier, now: float) -> Tiers:
    """Pods that have been ready for less time go first."""
    if not pods[0].ready:
        return _by_restarts(pods, now)
    return _by_age(pods, lambda pod: pod.ready_since, now, lambda group: _by_restarts(group, now))


def _by_restarts(pods: Tier, now: float) -> Tiers:
    """Pods whose containers restarted more often go first, then younger ones."""
    return _split(
        pods,
        lambda pod: tuple(-count for count in pod.restarts),
        lambda group: _by_age(group, lambda pod: pod.created, now, lambda equal: (equal,)),
    )


def _by_age(pods: Tier, begin: Callable[[LivePod], float | None], now: float, rest: Callable[[Tier], Tiers]) -> Tiers:
    """Order by age: equal ages by what comes next, others by their power of two, and within one by uid.

    An age that reaches the next power of two before the controllers have acted may be on either side of it. Where two
    pods of one power of two began together and a third did not, the controller's own order contradicts itself.
    """
    if len({begin(pod) for pod in pods}) == 1:
        return rest(pods)
    tiers: list[Tier] = []
    unknown = tuple(pod for pod in pods if begin(pod) is None)
    tiers += rest(unknown) if unknown else ()
    for group in _overlapping([(pod, since) for pod in pods if (since := begin(pod)) is not None], now):
        times = {since for _, since in group}
        same = tuple(pod for pod, _ in group)
        if len(times) == 1:
            tiers += rest(same)
        elif len(times) == len(same) and len({power for _, since in group for power in _powers(since, now)}) == 1:
            tiers += ((pod,) for pod in sorted(same, key=lambda pod: pod.uid))
        else:
            tiers.append(same)
    return tuple(tiers)


def _overlapping(pods: Sequence[tuple[LivePod, float]], now: float) -> list[list[tuple[LivePod, float]]]:
    """Group pods whose ages may be of one power of two, youngest first."""
    groups: list[list[tuple[LivePod, float]]] = []
    highest = -2
    for pod, since in sorted(pods, key=lambda each: (_powers(each[1], now), each[0].uid)):
        low, high = _powers(since, now)
        if not groups or low > highest:
            groups.append([])
        groups[-1].append((pod, since))
        highest = max(highest, high)
    return groups


def _powers(since: float, now: float) -> tuple[int, int]:
    """Return the power of two of an age in nanoseconds, now and when the controllers have acted."""
    return _power(now - since), _power(now + PROMPT - since)


def _power(age: float) -> int:
    """Return the power of two of an age in seconds, counted in nanoseconds; -1 for the future."""
    return int(math.log2(age * 1e9)) if age > 0 else -1


def _split(pods: Iterable[LivePod], key: Callable[[LivePod], object], rest: Callable[[Tier], Tiers]) -> Tiers:
    """Order by a key, and pods with equal ones by what comes next."""
    ordered = sorted(pods, key=lambda pod: (key(pod), pod.uid))
    groups = (tuple(group) for _, group in groupby(ordered, key))
    return tuple(tier for group in groups for tier in rest(group))
