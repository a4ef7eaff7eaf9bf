"""Plans a rollout that waits for pods to become idle (`spec.rollout.mode: WhenIdle`)."""

from collections.abc import Collection

from video_export_operator.controllers import OwnedPods, plan_replacement
from video_export_operator.manifests import Ref
from video_export_operator.plan.actions import Change, Replace
from video_export_operator.resource import Spec
from video_export_operator.resource.spec import RolloutMode


def rollout_ref(name: str) -> Ref:
    """Return what stands for the pods of older templates."""
    return Ref("apps/v1", "ReplicaSet", name)


def change_rollout(
    spec: Spec, name: str, owned: OwnedPods, size: int, idle: Collection[str], now: float
) -> Change | None:
    """Return which idle pods of an older template go next; None where none may.

    Args:
        spec: of the resource.
        name: of the resource.
        owned: the Deployment's pods.
        size: of the Deployment.
        idle: names of pods that may go.
        now: in seconds since the epoch.
    """
    if spec.rollout.mode is not RolloutMode.WHEN_IDLE:
        return None
    found = plan_replacement(owned, size, idle, now)
    action = Replace(found.victims) if found is not None else None
    return Change(rollout_ref(name), str(action), "another", action) if action is not None else None
