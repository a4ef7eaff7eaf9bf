"""What to do about a decision: tuples of frozen actions, in their order. Only `reconcile` acts on them."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from video_export_operator.manifests import Manifest, Ref, build_children, build_workload
from video_export_operator.resource import Key, VideoExportWorker
from video_export_operator.resource.identity import WORKER_LABEL
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.scaling import Decision, QueueState
from video_export_operator.status import (
    Condition,
    LastScale,
    Transition,
    describe_backlog,
    is_worth_writing,
    merge_conditions,
)

RESYNC = 600.0
"""Seconds after which everything is read again, and applied where it is not as it was left."""
VICTIM_COST = -100

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Apply:
    """Bring one object into the wanted state."""

    manifest: Manifest


@dataclass(frozen=True)
class Resize:
    """Change nothing of a Deployment but its size: what else is wanted of it was refused."""

    ref: Ref
    replicas: int


@dataclass(frozen=True)
class Remove:
    """Delete an object that is switched off, if it is ours."""

    ref: Ref


@dataclass(frozen=True)
class SetDeletionCost:
    """Say how soon a ReplicaSet may take this pod."""

    pod: str
    cost: int


@dataclass(frozen=True)
class WriteStatus:
    """Write the status of this version of the resource."""

    status: Json
    version: str


@dataclass(frozen=True)
class EmitEvent:
    """Tell the resource's readers something, once: `name` is the same for the same news."""

    name: str
    reason: str
    message: str
    warning: bool


Action = Apply | Resize | Remove | SetDeletionCost | WriteStatus | EmitEvent


@dataclass(frozen=True, slots=True)
class Applied:
    """What was last applied, as far as it saves applying it again.

    Attributes:
        digests: of each object.
        left: the fingerprint of each object after it was applied.
        size: uid of the Deployment and the size that was applied to it.
        at: when everything was last applied, in seconds of the caller's monotonic clock.
    """

    digests: Mapping[Ref, str] = field(default_factory=dict)
    left: Mapping[Ref, str] = field(default_factory=dict)
    size: tuple[str, int] | None = None
    at: float | None = None

    def is_stale(self, at: float) -> bool:
        """Return whether it is so long ago that everything is looked at again."""
        return self.at is None or at - self.at >= RESYNC


@dataclass(frozen=True)
class Wanted:
    """Every object that a resource of some size asks for, and those that must not be there."""

    workload: Manifest
    children: tuple[Manifest, ...]
    absent: tuple[Ref, ...]


def build_wanted(resource: VideoExportWorker, replicas: int, secrets: str) -> Wanted:
    """Return what should be there for a resource of this size.

    Args:
        resource: what is asked for.
        replicas: pods.
        secrets: hash of what the pods are given by Secrets; pods of another one are replaced.
    """
    children, absent = build_children(resource)
    return Wanted(build_workload(resource, replicas, secrets), children, absent)


def plan_objects(
    wanted: Wanted,
    decision: Decision,
    deployment: LiveDeployment | None,
    pods: Iterable[LivePod],
    applied: Applied,
    at: float,
    children: Mapping[Ref, str],
) -> tuple[Action, ...]:
    """Return what brings the cluster to the decision; nothing where it is there already.

    Children come first (pods need their ServiceAccount), then the costs, then the Deployment, whose size they steer.

    Args:
        wanted: what should be there.
        decision: the size, and the pods to take first.
        deployment: as it is.
        pods: as they are.
        applied: what was applied before.
        at: now, in seconds of the caller's monotonic clock.
        children: fingerprints of what is there beside the Deployment.
    """
    stale = applied.is_stale(at)

    def is_due(manifest: Manifest, found: str | None) -> bool:
        return stale or _differs(manifest, applied) or found != applied.left.get(manifest.ref)

    actions: list[Action] = [Apply(child) for child in wanted.children if is_due(child, children.get(child.ref, ""))]
    actions += [Remove(ref) for ref in wanted.absent if stale or applied.digests.get(ref) != ""]
    if is_due(wanted.workload, deployment.fingerprint if deployment is not None else ""):
        actions += plan_costs(decision, pods)
        actions.append(Apply(wanted.workload))
    return tuple(actions)


def plan_size(ref: Ref, decision: Decision, present: int, pods: Iterable[LivePod]) -> tuple[Action, ...]:
    """Return what brings a Deployment to the decided size alone."""
    if decision.replicas == present:
        return ()
    return (*plan_costs(decision, pods), Resize(ref, decision.replicas))


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


def _differs(manifest: Manifest, applied: Applied) -> bool:
    """Return whether the object was not applied like this."""
    return applied.digests.get(manifest.ref) != manifest.digest


@dataclass(frozen=True)
class Report:
    """What is to be told about a resource.

    Attributes:
        version: of the resource, as the API server counts them.
        old: its status as the API server has it.
        now: RFC 3339.
        since_last: seconds since the status was last written.
    """

    key: Key
    uid: str
    version: str
    generation: int
    conditions: tuple[Condition, ...]
    old: Json
    now: str
    since_last: float


def plan_report(
    report: Report,
    decision: Decision | None = None,
    deployment: LiveDeployment | None = None,
    queue: QueueState | None = None,
    applied: bool = True,
) -> tuple[Action, ...]:
    """Return the events and the status to write, if either is news.

    Events come first: their names make them unique, so what is interrupted between the two is told exactly once.
    """
    conditions, transitions = merge_conditions(
        report.old.get("conditions") or (), report.conditions, report.generation, report.now
    )
    status: dict[str, Any] = {"observedGeneration": report.generation, "conditions": conditions}
    scale = _last_scale(report, decision) if decision is not None and applied else None
    if decision is not None:
        status |= _numbers(report, decision, deployment, queue, applied)
    if scale is not None:
        status["lastScale"] = scale.as_json()
    actions: list[Action] = [_condition_event(report, change) for change in transitions if change.is_news]
    if scale is not None:
        actions.append(_scale_event(report, scale))
    if is_worth_writing(report.old, status, report.since_last):
        actions.append(WriteStatus(status, report.version))
    return tuple(actions)


def _numbers(
    report: Report,
    decision: Decision,
    deployment: LiveDeployment | None,
    queue: QueueState | None,
    applied: bool,
) -> dict[str, Any]:
    """Return the numbers of the status; a size that could not be applied is not the desired one."""
    kept = report.old.get("desiredReplicas", 0)
    return {
        "replicas": deployment.replicas if deployment is not None else 0,
        "readyReplicas": deployment.ready_replicas if deployment is not None else 0,
        "desiredReplicas": decision.replicas if applied else kept,
        "busyReplicas": len(decision.workload.busy),
        "selector": f"{WORKER_LABEL}={report.key.name}",
        "backlog": describe_backlog(queue),
    }


def _last_scale(report: Report, decision: Decision) -> LastScale | None:
    """Return the change of size since the status was written; after a crash too it is told."""
    before = report.old.get("desiredReplicas", 0)
    if before == decision.replicas:
        return None
    return LastScale(report.now, before, decision.replicas, decision.reason)


def _scale_event(report: Report, scale: LastScale) -> EmitEvent:
    """Return the event of a change of size."""
    verb = "ScaledUp" if scale.after > scale.before else "ScaledDown"
    last = (report.old.get("lastScale") or {}).get("time", "")
    name = _event_name(report, "scale", last, str(scale.before), str(scale.after))
    return EmitEvent(name, verb, f"from {scale.before} to {scale.after}: {scale.reason}", warning=False)


def _condition_event(report: Report, change: Transition) -> EmitEvent:
    """Return the event of a change of condition."""
    condition = change.condition
    name = _event_name(report, condition.type, change.before_since or "", condition.status_text, condition.reason)
    return EmitEvent(
        name,
        str(condition.reason),
        f"{condition.type} is {condition.status_text}: {condition.message}",
        warning=change.is_warning,
    )


def _event_name(report: Report, *parts: str) -> str:
    """Return a name that is the same for the same news about the same resource."""
    digest = hashlib.sha256("\0".join((report.uid, *parts)).encode()).hexdigest()[:16]
    return f"{report.key.name}.{digest}"
