"""Plans what brings the cluster to a decision."""

from collections.abc import Iterable, Mapping

from video_export_operator.controllers import VICTIM_COST
from video_export_operator.errors import Rejected
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.plan.actions import Action, Apply, Change, Grow, Plan, Remove, Shrink, Unmark
from video_export_operator.plan.converged import NEW, Due, Left
from video_export_operator.plan.wanted import Wanted
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.scaling import Decision

NOTHING = Plan()


def deployment_ref(name: str) -> Ref:
    """Return which object the workers' Deployment is."""
    return Ref("apps/v1", "Deployment", name)


def size_ref(name: str) -> Ref:
    """Return what stands for the size of the Deployment, which has a way of its own."""
    return Ref("autoscaling/v1", "Scale", name)


def marks_ref(name: str) -> Ref:
    """Return what stands for the marks on its pods."""
    return Ref("v1", "Pod", name)


def plan_objects(wanted: Wanted, due: Mapping[Ref, Due], left: Left, replicas: int, is_new: bool) -> Plan:
    """Return what brings the objects that are due to what is wanted.

    Children come first: pods need their ServiceAccount.

    Args:
        wanted: what should be there.
        due: what of it has not converged.
        left: the objects as they were left.
        replicas: size of a Deployment that is not there yet.
        is_new: the spec was not acted on before, so the API server is asked before anything is changed.
    """
    if due.keys().isdisjoint(wanted.digests):
        return NOTHING
    objects = wanted.build()
    actions: list[tuple[Ref, Action]] = [
        (child.ref, _apply(child, due, left)) for child in objects.children if child.ref in due
    ]
    actions += [(ref, Remove(ref)) for ref in objects.absent if ref in due]
    ref = objects.workload.ref
    if ref in due:
        actions.append((ref, _apply(objects.workload, due, left, replicas)))
    return Plan(tuple(actions), check=objects.workload if is_new or _is_changed(ref, due, left) else None)


def change_size(name: str, decision: Decision, live: LiveDeployment | None) -> Change | None:
    """Return how the Deployment gets the decided size; None where it has it, or is made with it."""
    if live is None or live.size == decision.replicas:
        return None
    replicas = decision.replicas
    action = Grow(replicas) if replicas >= live.size else Shrink(replicas, decision.victims)
    return Change(size_ref(name), str(replicas), str(live.size), action)


def change_marks(name: str, live: LiveDeployment | None, pods: Iterable[LivePod]) -> Change | None:
    """Return which marks are not needed any more; None where there are none.

    A mark that a shrink has left on a pod that stays would let that pod go first when somebody else takes one. While
    there are more pods than the size asks for, the marks still say which of them go.
    """
    there = tuple(pod for pod in pods if not pod.terminating)
    marked = tuple(sorted(pod.name for pod in there if pod.deletion_cost == VICTIM_COST))
    if live is None or not marked or len(there) > live.size:
        return None
    return Change(marks_ref(name), "none", " ".join(marked), Unmark(marked))


def dry_run_digests(wanted: Wanted, name: str) -> Mapping[Ref, str]:
    """Return what is wanted of a resource that must not be acted on: the API server's opinion of its Deployment."""
    ref = deployment_ref(name)
    return {ref: f"dry run of {wanted.digests[ref]}"}


def marks_of(pods: Iterable[LivePod], victims: Iterable[str]) -> dict[str, int]:
    """Return the deletion costs to set so that exactly the victims are marked; other people's costs are kept."""
    chosen = frozenset(victims)
    there = [pod for pod in pods if not pod.terminating]
    marks = {pod.name: VICTIM_COST for pod in there if pod.name in chosen and pod.deletion_cost != VICTIM_COST}
    return marks | {pod.name: 0 for pod in there if pod.name not in chosen and pod.deletion_cost < 0}


def _apply(manifest: Manifest, due: Mapping[Ref, Due], left: Left, replicas: int | None = None) -> Apply:
    """Return how to bring an object to what is wanted; one that is as this very manifest left it is left alone."""
    before = left.get(manifest.ref, NEW)
    return Apply(manifest, before.left if before.wanted == due[manifest.ref].wanted else "", replicas)


def _is_changed(ref: Ref, due: Mapping[Ref, Due], left: Left) -> bool:
    """Return whether an object is not what the API server last accepted."""
    before = left.get(ref, NEW)
    refused = before.failure is not None and isinstance(before.failure.problem, Rejected)
    return refused or (ref in due and before.wanted not in (None, due[ref].wanted))
