"""Plans which pods node autoscalers leave alone: those that work, and those of which nobody knows what they do."""

from collections.abc import Iterable

from video_export_operator.manifests import Ref
from video_export_operator.plan.actions import Change, Protect
from video_export_operator.resource import Spec
from video_export_operator.resource.identity import PROTECTED
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import Workload


def protection_ref(name: str) -> Ref:
    """Return what stands for the annotations that protect the pods."""
    return Ref("v1", "Pod", f"protection of {name}")


def change_protection(spec: Spec, name: str, pods: Iterable[LivePod], workload: Workload) -> Change | None:
    """Return which pods have become busy or idle; None where there are none, or where the resource says it itself.

    A pod that starts is as its template made it, protected.
    """
    metadata = (spec.template or {}).get("metadata") or {}
    if not spec.protect_from_eviction or PROTECTED.keys() & (metadata.get("annotations") or {}).keys():
        return None
    working = workload.busy | workload.unknown | workload.serving
    there = sorted((pod for pod in pods if not pod.terminating), key=lambda pod: pod.name)
    keep = tuple(pod.name for pod in there if pod.name in working and pod.protected is not True)
    idle = [pod for pod in there if pod.started and pod.name in workload.idle]
    release = tuple(pod.name for pod in idle if pod.protected is not False)
    action = Protect(keep, release)
    return Change(protection_ref(name), str(action), "another", action) if keep or release else None
