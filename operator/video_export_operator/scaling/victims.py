"""Which pods a smaller size takes, and the smallest size that takes idle ones only."""

from collections.abc import Collection

from video_export_operator.controllers import OwnedPods, OwnedSet, Shrink, plan_shrink
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy
from video_export_operator.scaling.observation import Observation

ONE_SET = Strategy(max_surge="25%", max_unavailable=0)


def find_shrink(seen: Observation, idle: Collection[str], size: int) -> Shrink | None:
    """Return the smallest size, not below this one, that takes idle pods only; None where there is none.

    Kubernetes gives each ReplicaSet its part of a new size, and takes pods of a ReplicaSet in an order in which the
    deletion cost comes late.
    """
    owned = seen.owned if seen.owned is not None else _in_one_set(seen)
    return plan_shrink(owned, size, seen.current, idle, seen.now)


def _in_one_set(seen: Observation) -> OwnedPods:
    """Return the pods as those of one ReplicaSet."""
    live = tuple(pod for pod in seen.pods if not pod.terminating)
    ready = sum(pod.ready for pod in live)
    only = ReplicaSetState(len(live), ready, desired=seen.current, most=seen.current)
    return OwnedPods((OwnedSet(only, live),), 0, ONE_SET, len(live))
