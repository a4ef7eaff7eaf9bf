"""Whether tasks wait that these workers do not take, and why."""

from video_export_operator.scaling import Decision, QueueState, TaskType, Workload
from video_export_operator.status.conditions import Condition, ConditionType, Reason

KIND = ConditionType.BACKLOG_NOT_DRAINING


def not_draining(decision: Decision, queue: QueueState | None) -> Condition:
    """Return whether tasks wait that no worker takes.

    Args:
        decision: what was found of the backlog.
        queue: the last answer of Temporal.
    """
    work = decision.workload
    if work.stalled_tasks and queue is not None:
        return _stalled(work, queue)
    if work.rate_limited and queue is not None:
        limit = queue.activities.rate_limit
        waiting = f"{queue.activities.tasks} activities wait for the queue's rate limit of {limit:g} a second"
        return Condition(KIND, True, Reason.QUEUE_RATE_LIMITED, f"{waiting}; no pods are added for them")
    return Condition(KIND, False, Reason.DRAINING, "the workers take what waits")


def _stalled(work: Workload, queue: QueueState) -> Condition:
    """Return which tasks nobody takes, and for which version they wait where that is known."""
    activities, workflows = (work.stalled.get(kind, 0) for kind in TaskType)
    tasks = f"{activities} activities and {workflows} workflow tasks are taken by no worker, though slots are free"
    kept = "no pods are added for them"
    others = [each for each in queue.versions if each.tasks and each.version not in work.versions]
    if not others:
        return Condition(KIND, True, Reason.NOT_TAKEN, f"{tasks}; {kept}")
    pinned = ", ".join(f"{each.tasks} wait for version {each.version}" for each in others)
    return Condition(KIND, True, Reason.PINNED_TO_VERSION, f"{tasks}: {pinned}; {kept}; run workers of that version")
