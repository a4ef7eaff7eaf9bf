"""The conditions that follow from what was seen: one function for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from video_export_operator.errors import OperatorError, ShrinkFailed
from video_export_operator.resource import Key, Mode, VideoExportWorker
from video_export_operator.resource.live import LiveDeployment, LivePod
from video_export_operator.resource.trouble import Trouble
from video_export_operator.scaling import Decision, QueueState
from video_export_operator.status.conditions import Condition, ConditionType, Reason
from video_export_operator.status.draining import not_draining


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look at a resource found.

    Attributes:
        problems: what kept the operator from doing what it decided, the most lasting first.
        silence: why Temporal could not be asked, None if it answered.
        asked: Temporal has been asked since the operator started.
        silent: names of pods that have been ready for long without any report of their worker.
        by_metrics: names of such pods whose metrics port says what they do.
        contender: Lease of another operator that has the resource in its scope too; empty where there is none.
        ahead: the resource whose pods get a changed Secret before those of this one.
        queue: the last answer of Temporal.
        shares: resources that follow the same queue, this one too, and their part of what waits there.
        now: wall clock in seconds since the epoch.
    """

    resource: VideoExportWorker
    decision: Decision
    deployment: LiveDeployment | None
    pods: Sequence[LivePod]
    problems: Sequence[OperatorError] = ()
    silence: OperatorError | None = None
    asked: bool = True
    silent: frozenset[str] = frozenset()
    by_metrics: frozenset[str] = frozenset()
    contender: str = ""
    ahead: Key | None = None
    queue: QueueState | None = None
    now: float = 0.0
    shares: Mapping[Key, float] = field(default_factory=dict)


RECENT = 600.0
"""Seconds for which it is told how a container ended that runs again."""
_TROUBLES = {
    "OOMKilled": Reason.OOM_KILLED,
    "ErrImagePull": Reason.IMAGE_PULL_BACK_OFF,
    "ImagePullBackOff": Reason.IMAGE_PULL_BACK_OFF,
    "InvalidImageName": Reason.IMAGE_PULL_BACK_OFF,
    "ErrImageNeverPull": Reason.IMAGE_PULL_BACK_OFF,
    "RegistryUnavailable": Reason.IMAGE_PULL_BACK_OFF,
    "Unschedulable": Reason.UNSCHEDULABLE,
    "ReplicaFailure": Reason.REPLICA_FAILURE,
    "ProgressDeadlineExceeded": Reason.PROGRESS_DEADLINE_EXCEEDED,
}


def conditions_from(found: Findings) -> tuple[Condition, ...]:
    """Return every condition of a resource that could be read."""
    return (
        _ready(found),
        _reachable(found),
        _active(found),
        _limited(found),
        _workers(found),
        not_draining(found.decision, found.queue),
        _claimed(found),
        _paused(found),
    )


def conditions_of_unreadable(problem: OperatorError) -> tuple[Condition, ...]:
    """Return the conditions of a resource whose spec cannot be used."""
    return (
        Condition(ConditionType.READY, False, problem.reason, str(problem)),
        Condition(ConditionType.SCALING_ACTIVE, False, problem.reason, "the spec cannot be used"),
    )


def _ready(found: Findings) -> Condition:
    """Ready says that everything the resource asks for is in place; zero pods are as good as many."""
    if found.problems:
        return Condition(ConditionType.READY, False, found.problems[0].reason, str(found.problems[0]))
    if found.resource.dry_run:
        would = f"would have {found.decision.replicas} pods: {found.decision.reason}"
        return Condition(ConditionType.READY, False, Reason.DRY_RUN, would)
    overdue = found.deployment is not None and found.deployment.overdue
    if overdue and found.deployment is not None and found.deployment.trouble is not None:
        return Condition(
            ConditionType.READY, False, Reason.PROGRESS_DEADLINE_EXCEEDED, found.deployment.trouble.message
        )
    if found.ahead is not None:
        told = f"the pods keep what a Secret held before, until {found.ahead} has brought the new one to its pods"
        return Condition(ConditionType.READY, True, Reason.OLDER_SECRET, told)
    return Condition(ConditionType.READY, True, Reason.IN_PLACE, "the Deployment and what belongs to it are in place")


def _reachable(found: Findings) -> Condition:
    """Return whether Temporal answers."""
    address = found.resource.spec.temporal.address
    kind = ConditionType.TEMPORAL_REACHABLE
    if found.silence is not None:
        return Condition(kind, False, found.silence.reason, f"{address}: {found.silence}")
    if not found.asked:
        return Condition(kind, None, Reason.NOT_ASKED, f"{address} was not asked yet")
    if found.queue is not None and found.queue.workers_refused:
        told = f"{address} says what waits, but does not list the workers ({found.queue.workers_refused})"
        advice = "pods are added as always, and taken only where their metrics port says that they are idle"
        return Condition(kind, True, Reason.HEARTBEATS_REFUSED, f"{told}; {advice}")
    return Condition(kind, True, Reason.ANSWERING, f"{address} answers")


def _active(found: Findings) -> Condition:
    """Return whether the size follows what it should."""
    kind, spec, why = ConditionType.SCALING_ACTIVE, found.resource.spec, found.decision.reason
    if spec.scaling.paused:
        return Condition(kind, False, Reason.PAUSED, f"{why}; remove scaling.paused to go on")
    if spec.scaling.mode is Mode.MANUAL:
        return Condition(kind, True, Reason.FOLLOWING_REPLICAS, f"the size is spec.replicas: {why}")
    if found.silence is not None:
        return Condition(kind, False, Reason.TEMPORAL_UNREACHABLE, f"the size is kept: {why}")
    if spec.replicas:
        advice = f"spec.replicas ({spec.replicas}) is ignored in mode Auto; set scaling.mode Manual to use it"
        return Condition(kind, True, Reason.REPLICAS_IGNORED, advice)
    others = sorted(str(key) for key in found.shares if key != found.resource.key)
    if others:
        part = f"{found.shares[found.resource.key]:.0%} of what waits on {spec.temporal.task_queue}"
        told = f"the size follows {part}; the rest is for {', '.join(others)} (by maxReplicas): {why}"
        return Condition(kind, True, Reason.SHARED_QUEUE, told)
    return Condition(kind, True, Reason.FOLLOWING_QUEUE, f"the size follows {spec.temporal.task_queue}: {why}")


def _limited(found: Findings) -> Condition:
    """Return whether a limit keeps the size from what was proposed; the last that binds has the say."""
    kind = ConditionType.SCALING_LIMITED
    bounds = found.decision.bounds
    failed = next((each for each in found.problems if isinstance(each, ShrinkFailed)), None)
    if failed is not None:
        return Condition(kind, True, Reason.SHRINK_FAILED, str(failed))
    if not bounds:
        return Condition(kind, False, Reason.WITHIN_LIMITS, "the size is what the work needs")
    return Condition(kind, True, bounds[-1].limit, "; ".join(bound.why for bound in bounds))


def _workers(found: Findings) -> Condition:
    """Return whether the pods run and work."""
    kind = ConditionType.WORKERS_HEALTHY
    pods = [pod for pod in found.pods if not pod.terminating]
    troubles = [pod.trouble for pod in pods if pod.trouble is not None and _is_recent(pod.trouble, found.now)]
    trouble = _worst(troubles, found.deployment)
    if trouble is not None:
        return Condition(kind, False, _TROUBLES.get(trouble.reason, Reason.CONTAINER_FAILING), _told(trouble))
    if found.silent:
        names = ", ".join(sorted(found.silent))
        advice = f"no worker heartbeat from {names}; their pods are never taken, because nobody knows what they do"
        return Condition(kind, False, Reason.NOT_REPORTING, advice)
    if found.by_metrics:
        names = ", ".join(sorted(found.by_metrics))
        told = f"no worker heartbeat from {names}; what they do is read from their metrics port"
        return Condition(kind, True, Reason.NO_HEARTBEATS, told)
    if not pods:
        return Condition(kind, True, Reason.NO_WORKERS, "there are no pods")
    return Condition(kind, True, Reason.HEALTHY, "no pod is in trouble")


def _claimed(found: Findings) -> Condition:
    """Return whether another operator would serve the resource as well."""
    if not found.contender:
        return Condition(ConditionType.CLAIMED_TWICE, False, Reason.CLAIMED_ONCE, "one operator serves it")
    told = f"the operator of the Lease {found.contender} has it in its scope as well, and does nothing"
    advice = "let the scopes of the two not overlap (watch.namespaces, watch.labelSelector)"
    return Condition(ConditionType.CLAIMED_TWICE, True, Reason.CLAIMED_BY_ANOTHER, f"{told}; {advice}")


def _paused(found: Findings) -> Condition:
    """Return whether scaling is paused."""
    if found.resource.spec.scaling.paused:
        return Condition(ConditionType.PAUSED, True, Reason.PAUSED, "scaling.paused is set")
    return Condition(ConditionType.PAUSED, False, Reason.NOT_PAUSED, "scaling.paused is not set")


def _is_recent(trouble: Trouble, now: float) -> bool:
    """Return whether trouble lasts, or was a while ago at most."""
    return trouble.at is None or now - trouble.at < RECENT


def _worst(troubles: list[Trouble], deployment: LiveDeployment | None) -> Trouble | None:
    """Return the trouble to tell: a pod's is more telling than the Deployment's, and always the same one of several."""
    if troubles:
        return min(troubles, key=lambda trouble: (trouble.reason == "Unschedulable", trouble.reason, trouble.message))
    return deployment.trouble if deployment is not None else None


def _told(trouble: Trouble) -> str:
    """Return reason and message in one line."""
    return f"{trouble.reason}: {trouble.message}" if trouble.message else trouble.reason
