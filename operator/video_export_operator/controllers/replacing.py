"""A rollout that waits for pods to become idle: which pod of an older template may go next.

While pods of the present template do not count as available (`minReadySeconds`), the Deployment controller makes as
many of them as it may, takes none of the older ones, and makes another one for each older pod that goes. So an older
ReplicaSet is shrunk by itself, by its own `/scale`: there the deletion cost alone decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

from video_export_operator.controllers.ranking import rank_pods
from video_export_operator.controllers.taking import OwnedPods, leading_idle, mark, names_of


@dataclass(frozen=True, slots=True)
class Replacement:
    """A smaller size of one older ReplicaSet that takes no pod but these, once they have `VICTIM_COST`."""

    replica_set: str
    size: int
    victims: tuple[str, ...]


def plan_replacement(owned: OwnedPods, size: int, idle: Collection[str], now: float) -> Replacement | None:
    """Return which idle pods of the oldest template go next; None where none may.

    As many may go as pods of the present template are ready to work in their place.

    Args:
        owned: the Deployment's pods.
        size: of the Deployment.
        idle: names of pods that may go.
        now: in seconds since the epoch.
    """
    older = [each for index, each in enumerate(mark(owned, idle).sets) if index != owned.current and each.pods]
    ready = sum(pod.ready for pod in owned.sets[owned.current].pods)
    room = sum(len(each.pods) for each in older) + ready - size
    for each in older:
        tiers = rank_pods(each.pods, now)
        surplus = len(each.pods) - each.state.replicas  # the controller takes these already
        count = min(room, leading_idle(tiers, idle)) - surplus
        if surplus >= 0 and count > 0:
            return Replacement(each.name, each.state.replicas - count, names_of(tiers, count + surplus))
    return None
