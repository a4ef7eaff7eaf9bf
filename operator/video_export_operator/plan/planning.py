"""Plans what brings the cluster to a decision."""

from collections.abc import Iterable, Mapping

from video_export_operator.errors import Rejected
from video_export_operator.manifests import Manifest, Ref
from video_export_operator.plan.actions import Action, Apply, Plan, Remove, Resize, SetDeletionCost
from video_export_operator.plan.converged import NEW, Due, Left
from video_export_operator.plan.wanted import Wanted
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import Decision

VICTIM_COST = -100
NOTHING = Plan()


def deployment_ref(name: str) -> Ref:
    """Return which object the workers' Deployment is."""
    return Ref("apps/v1", "Deployment", name)


def plan_objects(
    wanted: Wanted,
    due: Mapping[Ref, Due],
    left: Left,
    decision: Decision,
    present: int | None,
    pods: Iterable[LivePod],
    is_new: bool,
) -> Plan:
    """Return what brings the objects that are due to what is wanted.

    Children come first (pods need their ServiceAccount), then the costs, then the Deployment, whose size they steer.

    Args:
        wanted: what should be there.
        due: what of it has not converged.
        left: the objects as they were left.
        decision: the size, and the pods to take first.
        present: the size there is; None without a Deployment.
        pods: as they are.
        is_new: the spec was not acted on before, so the API server is asked before anything is changed.
    """
    if not due:
        return NOTHING
    objects = wanted.build()
    actions: list[Action] = [_apply(child, due, left) for child in objects.children if child.ref in due]
    actions += [Remove(ref) for ref in objects.absent if ref in due]
    ref = objects.workload.ref
    if ref in due:
        actions += [*plan_costs(decision, pods), _apply(objects.workload, due, left)]
    if not (is_new or _was_rejected(left, ref)):
        return Plan(tuple(actions))
    size = plan_size(ref, decision, present, pods) if present is not None else ()
    return Plan(tuple(actions), check=objects.workload, otherwise=size)


def plan_size(ref: Ref, decision: Decision, present: int, pods: Iterable[LivePod]) -> tuple[Action, ...]:
    """Return what brings a Deployment to the decided size alone: it does not wait for a template that is right."""
    if decision.replicas == present:
        return ()
    return (*plan_costs(decision, pods), Resize(ref, decision.replicas))


def dry_run_digests(wanted: Wanted, name: str) -> Mapping[Ref, str]:
    """Return what is wanted of a resource that must not be acted on: the API server's opinion of its Deployment."""
    ref = deployment_ref(name)
    return {ref: f"dry run of {wanted.digests[ref]}"}


def plan_costs(decision: Decision, pods: Iterable[LivePod]) -> tuple[SetDeletionCost, ...]:
    """Return the costs to change so that exactly the victims are taken."""
    victims = frozenset(decision.victims)
    wanted = {pod.name: VICTIM_COST if pod.name in victims else 0 for pod in pods if not pod.terminating}
    # A cost from a decision that was not carried out would mark a pod that may be busy by now.
    return tuple(
        SetDeletionCost(pod.name, wanted[pod.name])
        for pod in sorted(pods, key=lambda pod: pod.name)
        if pod.name in wanted and _cost_matters(pod, wanted[pod.name])
    )


def _cost_matters(pod: LivePod, wanted: int) -> bool:
    """Return whether the pod's cost must change: other people's costs are kept on pods that stay."""
    return pod.deletion_cost != wanted and (wanted == VICTIM_COST or pod.deletion_cost < 0)


def _apply(manifest: Manifest, due: Mapping[Ref, Due], left: Left) -> Apply:
    """Return how to bring an object to what is wanted; one that is as this very manifest left it is left alone."""
    before = left.get(manifest.ref, NEW)
    return Apply(manifest, before.left if before.wanted == due[manifest.ref].wanted else "")


def _was_rejected(left: Left, ref: Ref) -> bool:
    """Return whether the API server refused the object the last time."""
    failure = left.get(ref, NEW).failure
    return failure is not None and isinstance(failure.problem, Rejected)
