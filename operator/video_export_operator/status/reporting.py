"""Plans what is told about a resource: events and the status, where they are news."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.plan import EmitEvent, WriteStatus
from video_export_operator.resource import Key
from video_export_operator.resource.identity import WORKER_LABEL
from video_export_operator.resource.live import LiveDeployment
from video_export_operator.scaling import Decision, QueueState
from video_export_operator.status.conditions import Condition, Transition, merge_conditions
from video_export_operator.status.document import LastScale, describe_backlog, is_worth_writing

Json = Mapping[str, Any]


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
    pod_seconds: tuple[int, int] = (0, 0),
) -> tuple[EmitEvent | WriteStatus, ...]:
    """Return the events and the status to write, if either is news.

    Events come first: their names make them unique, so what is interrupted between the two is told exactly once.

    Args:
        report: what it is about.
        decision: None where the resource cannot be used.
        deployment: as it is.
        queue: the last answer of Temporal.
        applied: the Deployment has the size that was decided on.
        pod_seconds: busy and idle ones, since the resource was made.
    """
    conditions, transitions = merge_conditions(
        report.old.get("conditions") or (), report.conditions, report.generation, report.now
    )
    status: dict[str, Any] = {"observedGeneration": report.generation, "conditions": conditions}
    scale = _last_scale(report, decision) if decision is not None and applied else None
    if decision is not None:
        status |= _numbers(report, decision, deployment, queue, applied)
        status["podSeconds"] = {"busy": pod_seconds[0], "idle": pod_seconds[1]}
    if scale is not None:
        status["lastScale"] = scale.as_json()
    actions: list[EmitEvent | WriteStatus] = [
        _condition_event(report, change) for change in transitions if change.is_news
    ]
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
    return LastScale(report.now, before, decision.replicas, str(decision.proposal.rule), decision.why)


def _scale_event(report: Report, scale: LastScale) -> EmitEvent:
    """Return the event of a change of size."""
    verb = "ScaledUp" if scale.after > scale.before else "ScaledDown"
    last = (report.old.get("lastScale") or {}).get("time", "")
    name = _event_name(report, "scale", last, str(scale.before), str(scale.after))
    message = f"from {scale.before} to {scale.after}: {scale.reason}: {scale.message}"
    return EmitEvent(name, verb, message, warning=False)


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


def claimed_by_another(key: Key, body: Json, holder: str) -> EmitEvent:
    """Return the event of a resource that another operator serves."""
    digest = hashlib.sha256(f"{body['metadata']['uid']} claimed {holder}".encode()).hexdigest()[:16]
    message = (
        f"the operator of the Lease {holder} serves it; let the scopes of the two not overlap (watch.namespaces, "
        "watch.labelSelector). This one takes it over 30 seconds after that Lease was last renewed"
    )
    return EmitEvent(f"{key.name}.{digest}", "ClaimedByAnother", message, warning=True)


def left_selector(key: Key, body: Json) -> EmitEvent:
    """Return the event of a resource whose labels do not match any more what the operator serves."""
    metadata = body["metadata"]
    digest = hashlib.sha256(f"{metadata['uid']} unserved {metadata['resourceVersion']}".encode()).hexdigest()[:16]
    replicas = (body.get("status") or {}).get("desiredReplicas", 0)
    message = f"its labels do not match watch.labelSelector any more; the Deployment stays at {replicas} pods"
    return EmitEvent(f"{key.name}.{digest}", "NoLongerServed", message, warning=True)


def _event_name(report: Report, *parts: str) -> str:
    """Return a name that is the same for the same news about the same resource."""
    digest = hashlib.sha256("\0".join((report.uid, *parts)).encode()).hexdigest()[:16]
    return f"{report.key.name}.{digest}"
