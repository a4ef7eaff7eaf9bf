"""What is wrong with a pod or a Deployment, in the words of the kubelet, the scheduler or a controller."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FAILING = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
    }
)
"""Reasons of the kubelet for a container that waits and will not start by itself."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What is wrong, in the kubelet's, the scheduler's or the controller's own words.

    Attributes:
        at: when it was, in seconds since the epoch, where it is over: the container runs again. None while it lasts.
    """

    reason: str
    message: str
    at: float | None = None


def find_pod_trouble(status: Json, conditions: Mapping[str, Json]) -> Trouble | None:
    """Return why the pod does not run, if it says so."""
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting") or {}
        ended = _last_end(container)
        if waiting.get("reason") in FAILING:
            message = waiting.get("message") or f"container {container['name']}"
            return Trouble(waiting["reason"], f"{message}; {ended.reason}: {ended.message}" if ended else message)
        if ended is not None:
            return ended
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("reason") == "Unschedulable":
        return Trouble("Unschedulable", scheduled.get("message", ""))
    return None


def find_deployment_trouble(conditions: Mapping[str, Json], overdue: bool) -> Trouble | None:
    """Return why the Deployment makes no pods or no progress, if it says so."""
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return Trouble("ReplicaFailure", failure.get("message", ""))
    if overdue:
        return Trouble("ProgressDeadlineExceeded", conditions["Progressing"].get("message", ""))
    return None


def _last_end(container: Json) -> Trouble | None:
    """Return how a container ended before it was started again, if that was no success."""
    ended = (container.get("lastState") or {}).get("terminated") or {}
    if not ended.get("exitCode"):
        return None
    count, code = container.get("restartCount", 0), ended["exitCode"]
    message = f"container {container['name']} ended with exit code {code} and was restarted, {count} times in all"
    return Trouble(ended.get("reason") or "Error", message, parse_time(ended.get("finishedAt")) or 0.0)


def parse_time(text: str | None) -> float | None:
    """Return a time of the API server in seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp() if text else None
