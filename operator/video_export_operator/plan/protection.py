"""Plans which pods node autoscalers leave alone: those that work, and those of which nobody knows what they do."""

from collections.abc import Iterable, Mapping

from video_export_operator.manifests import Ref
from video_export_operator.plan.actions import Action, Protect
from video_export_operator.plan.converged import Due
from video_export_operator.resource import Spec
from video_export_operator.resource.identity import PROTECTED
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import Workload


def protection_ref(name: str) -> Ref:
    """Return what stands for the annotations that protect the pods."""
    return Ref("v1", "Pod", f"protection of {name}")


def find_unprotected(spec: Spec, pods: Iterable[LivePod], workload: Workload) -> Protect | None:
    """Return which pods have become busy or idle; None where there are none, or where the resource says it itself.

    A pod that starts is as its template made it, protected.
    """
    metadata = (spec.template or {}).get("metadata") or {}
    if not spec.protect_from_eviction or PROTECTED.keys() & (metadata.get("annotations") or {}).keys():
        return None
    working = workload.busy | workload.unknown
    there = sorted((pod for pod in pods if not pod.terminating), key=lambda pod: pod.name)
    keep = tuple(pod.name for pod in there if pod.name in working and pod.protected is not True)
    idle = [pod for pod in there if pod.started and pod.name in workload.idle]
    release = tuple(pod.name for pod in idle if pod.protected is not False)
    return Protect(keep, release) if keep or release else None


def wanted_of_protection(name: str, protect: Protect | None) -> tuple[dict[Ref, str], dict[Ref, str]]:
    """Return what is wanted of the annotations and what is there; nothing where they are right."""
    if protect is None:
        return {}, {}
    return {protection_ref(name): str(protect)}, {protection_ref(name): "another"}


def plan_protection(name: str, protect: Protect | None, due: Mapping[Ref, Due]) -> tuple[tuple[Ref, Action], ...]:
    """Return what protects the pods that work."""
    ref = protection_ref(name)
    return ((ref, protect),) if protect is not None and ref in due else ()
