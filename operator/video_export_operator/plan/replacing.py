"""Plans a rollout that waits for pods to become idle (`spec.rollout.mode: WhenIdle`)."""

from collections.abc import Collection, Mapping

from video_export_operator.controllers import OwnedPods, plan_replacement
from video_export_operator.manifests import Ref
from video_export_operator.plan.actions import Action, Replace
from video_export_operator.plan.converged import Due
from video_export_operator.resource import Spec
from video_export_operator.resource.spec import RolloutMode


def rollout_ref(name: str) -> Ref:
    """Return what stands for the pods of older templates."""
    return Ref("apps/v1", "ReplicaSet", name)


def find_replaceable(
    spec: Spec, owned: OwnedPods | None, size: int, idle: Collection[str], now: float
) -> Replace | None:
    """Return which idle pods of an older template go next; None where none may.

    Args:
        spec: of the resource.
        owned: the Deployment's pods, None where they are not known.
        size: of the Deployment.
        idle: names of pods that may go.
        now: in seconds since the epoch.
    """
    if spec.rollout.mode is not RolloutMode.WHEN_IDLE or owned is None:
        return None
    found = plan_replacement(owned, size, idle, now)
    return Replace(found.victims) if found is not None else None


def wanted_of_rollout(name: str, replace: Replace | None) -> tuple[dict[Ref, str], dict[Ref, str]]:
    """Return what is wanted of older pods and what is there; nothing where none of them may go."""
    if replace is None:
        return {}, {}
    return {rollout_ref(name): str(replace)}, {rollout_ref(name): "another"}


def plan_rollout(name: str, replace: Replace | None, due: Mapping[Ref, Due]) -> tuple[tuple[Ref, Action], ...]:
    """Return what takes the idle pods of an older template."""
    ref = rollout_ref(name)
    return ((ref, replace),) if replace is not None and ref in due else ()
