"""The status document, and when it is worth a write."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.resource import format_duration
from video_export_operator.scaling import QueueState

HOUR = 3600
"""Seconds of each pod after which its time is written, if nothing else changes: a fleet at rest costs no write."""
REFRESH = 60.0
"""Seconds after which numbers that move all the time are written without a change of state."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class LastScale:
    """The last change of size; `time` as RFC 3339, `reason` the rule, `message` its numbers and what limited it."""

    time: str
    before: int
    after: int
    reason: str
    message: str

    def as_json(self) -> dict[str, Any]:
        """Return it as the status has it."""
        size = {"from": self.before, "to": self.after}
        return {"time": self.time, **size, "reason": self.reason, "message": self.message}


def describe_backlog(queue: QueueState | None) -> dict[str, Any]:
    """Return `status.backlog`; rates with one decimal, so that their noise is not news."""
    if queue is None:
        return {"tasks": 0, "activities": 0, "workflows": 0, "oldestAge": "0s", "addRate": "0.0", "dispatchRate": "0.0"}
    both = (queue.activities, queue.workflows)
    return {
        "tasks": queue.waiting,
        "activities": queue.activities.tasks,
        "workflows": queue.workflows.tasks,
        "oldestAge": format_duration(max(each.oldest_age for each in both if each.tasks) if queue.waiting else 0.0),
        "addRate": f"{sum(each.add_rate for each in both):.1f}",
        "dispatchRate": f"{sum(each.dispatch_rate for each in both):.1f}",
    }


def is_worth_writing(old: Json, new: Json, since_last: float) -> bool:
    """Return whether the status should be written.

    Args:
        old: as the API server has it.
        new: as it would be.
        since_last: seconds since the last write.
    """
    changed = {key for key, value in new.items() if old.get(key) != value}
    if changed <= {"podSeconds"}:
        pods: int = max(1, new.get("replicas", 0))
        return _spent(new) - _spent(old) >= HOUR * pods
    return _state(old) != _state({**old, **new}) or since_last >= REFRESH


def _spent(status: Json) -> int:
    """Return the pod-seconds of a status."""
    return int(sum((status.get("podSeconds") or {}).values()))


def _state(status: Json) -> Any:
    """Return what of a status is a state and not a moving number."""
    numbers = ("observedGeneration", "replicas", "readyReplicas", "desiredReplicas", "busyReplicas", "selector")
    conditions = {each["type"]: _news(each) for each in status.get("conditions") or ()}
    backlog = status.get("backlog") or {}
    waits = bool(backlog.get("tasks"))
    return [status.get(key) for key in numbers], conditions, status.get("lastScale"), waits


def _news(condition: Json) -> tuple[Any, ...]:
    """Return what of a condition is news: the message only where it says what to mend, elsewhere it holds numbers."""
    mend = condition["status"] == "False" and condition["type"] in ("Ready", "TemporalReachable")
    return condition["status"], condition["reason"], condition["message"] if mend else None
