"""What Kubernetes' own controllers do with a Deployment, its ReplicaSets and their pods, as pure functions."""

from video_export_operator.controllers.replacing import Replacement, plan_replacement
from video_export_operator.controllers.taking import (
    VICTIM_COST,
    OwnedPods,
    OwnedSet,
    Shrink,
    Taken,
    mark,
    own_pods,
    plan_shrink,
    pods_taken,
)

__all__ = [
    "VICTIM_COST",
    "OwnedPods",
    "OwnedSet",
    "Replacement",
    "Shrink",
    "Taken",
    "mark",
    "own_pods",
    "plan_replacement",
    "plan_shrink",
    "pods_taken",
]
