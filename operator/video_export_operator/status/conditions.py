"""Conditions of the standard shape, with their reasons as enums: both are API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]


class ConditionType(StrEnum):
    """What a condition is about."""

    READY = "Ready"
    TEMPORAL_REACHABLE = "TemporalReachable"
    SCALING_ACTIVE = "ScalingActive"
    SCALING_LIMITED = "ScalingLimited"
    WORKERS_HEALTHY = "WorkersHealthy"
    BACKLOG_NOT_DRAINING = "BacklogNotDraining"
    CLAIMED_TWICE = "ClaimedTwice"
    PAUSED = "Paused"


class Reason(StrEnum):
    """Why a condition has its status. ScalingLimited also uses the names of scaling.Limit."""

    # Ready
    IN_PLACE = "InPlace"
    OLDER_SECRET = "OlderSecret"
    DRY_RUN = "DryRun"
    INVALID_SPEC = "InvalidSpec"
    SECRET_MISSING = "SecretMissing"
    NAME_TAKEN = "NameTaken"
    FORBIDDEN = "Forbidden"
    REJECTED = "Rejected"
    ADMISSION_DENIED = "AdmissionDenied"
    QUOTA_EXCEEDED = "QuotaExceeded"
    SHRINK_FAILED = "ShrinkFailed"
    CONTESTED = "Contested"
    API_UNAVAILABLE = "ApiUnavailable"
    CONFLICT = "Conflict"
    # TemporalReachable
    ANSWERING = "Answering"
    HEARTBEATS_REFUSED = "HeartbeatsRefused"
    NOT_ASKED = "NotAsked"
    UNAVAILABLE = "Unavailable"
    TIMED_OUT = "TimedOut"
    UNAUTHENTICATED = "Unauthenticated"
    PERMISSION_DENIED = "PermissionDenied"
    NAMESPACE_NOT_FOUND = "NamespaceNotFound"
    SERVER_ERROR = "ServerError"
    CERTIFICATE_INVALID = "CertificateInvalid"
    HANDSHAKE_REFUSED = "HandshakeRefused"
    RATE_LIMITED = "RateLimited"
    UNSUPPORTED = "Unsupported"
    # ScalingActive
    FOLLOWING_QUEUE = "FollowingQueue"
    SHARED_QUEUE = "SharedQueue"
    FOLLOWING_REPLICAS = "FollowingReplicas"
    REPLICAS_IGNORED = "ReplicasIgnored"
    TEMPORAL_UNREACHABLE = "TemporalUnreachable"
    # ScalingLimited
    WITHIN_LIMITS = "WithinLimits"
    # WorkersHealthy
    HEALTHY = "Healthy"
    NO_WORKERS = "NoWorkers"
    NO_HEARTBEATS = "NoHeartbeats"
    NOT_REPORTING = "NotReporting"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    CONTAINER_FAILING = "ContainerFailing"
    OOM_KILLED = "OOMKilled"
    UNSCHEDULABLE = "Unschedulable"
    REPLICA_FAILURE = "ReplicaFailure"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    # BacklogNotDraining
    DRAINING = "Draining"
    PINNED_TO_VERSION = "PinnedToVersion"
    QUEUE_RATE_LIMITED = "QueueRateLimited"
    NOT_TAKEN = "NotTaken"
    # ClaimedTwice
    CLAIMED_BY_ANOTHER = "ClaimedByAnother"
    CLAIMED_ONCE = "ClaimedOnce"
    # Paused
    PAUSED = "Paused"
    NOT_PAUSED = "NotPaused"


@dataclass(frozen=True)
class Condition:
    """One condition; status None is Unknown."""

    type: ConditionType
    status: bool | None
    reason: str
    message: str = ""

    @property
    def status_text(self) -> str:
        """The status as the API writes it."""
        return "Unknown" if self.status is None else str(self.status)


@dataclass(frozen=True)
class Transition:
    """A condition that changed, and since when it had been as it was before."""

    condition: Condition
    before: str | None
    before_since: str | None

    @property
    def is_warning(self) -> bool:
        """Whether somebody should look at it."""
        if self.condition.type in (ConditionType.BACKLOG_NOT_DRAINING, ConditionType.CLAIMED_TWICE):
            return self.condition.status is True
        wanted = {ConditionType.READY, ConditionType.TEMPORAL_REACHABLE, ConditionType.WORKERS_HEALTHY}
        return self.condition.type in wanted and self.condition.status is False

    @property
    def is_news(self) -> bool:
        """Whether it is worth an event: a resource that begins well is not."""
        if self.before is not None:
            return self.before != self.condition.status_text or self.is_warning
        return self.is_warning or (self.condition.type is ConditionType.PAUSED and self.condition.status is True)


def merge_conditions(
    old: Iterable[Json], new: Iterable[Condition], generation: int, now: str
) -> tuple[list[dict[str, Any]], tuple[Transition, ...]]:
    """Return the conditions to write and those that changed.

    Args:
        old: as the status has them; types that are not ours are kept.
        new: as they are now.
        generation: of the spec that was looked at.
        now: RFC 3339 time; becomes lastTransitionTime only where the status changed.
    """
    known = {each["type"]: each for each in old}
    merged, transitions = [], []
    for condition in new:
        before = known.pop(condition.type, None)
        same = before is not None and before["status"] == condition.status_text
        if before is None or not same or before["reason"] != condition.reason:
            transitions.append(
                Transition(
                    condition,
                    before["status"] if before else None,
                    before["lastTransitionTime"] if before else None,
                )
            )
        merged.append(
            {
                "type": str(condition.type),
                "status": condition.status_text,
                "observedGeneration": generation,
                "lastTransitionTime": before["lastTransitionTime"] if before and same else now,
                "reason": str(condition.reason),
                "message": condition.message,
            }
        )
    return [*merged, *(dict(each) for each in known.values())], tuple(transitions)
