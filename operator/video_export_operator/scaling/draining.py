"""Backlog that these workers cannot drain: tasks wait although slots are free, and none of them goes.

Such tasks are pinned to a version that nobody runs, or something else keeps them from the workers. More pods would not
help, and pods must not stay for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from video_export_operator.scaling.observation import Backlog, QueueState

STALLED = 30.0
"""Seconds for which tasks must wait beside free slots. Temporal's statistics are 5 s old, heartbeats 10 to 60 s."""
CACHED = 6.0
"""Seconds by which the oldest task's time may seem to move, because the age is cached for 5 s."""


class TaskType(StrEnum):
    """What waits on a queue."""

    ACTIVITY = "activity"
    WORKFLOW = "workflow"


@dataclass(frozen=True, slots=True)
class FreeSlots:
    """What one worker last said of its free slots, and when that was news."""

    reported_at: float
    activities: bool


@dataclass(frozen=True, slots=True)
class Stall:
    """Tasks that wait and do not go, as far as is known of one task type.

    Attributes:
        oldest: when the oldest of them was added.
        tasks: how many surely nobody takes; 0 until that is known.
        since: from when on slots have been free, and no task has gone.
        least: the fewest that waited since then.
    """

    oldest: float
    tasks: int
    since: float
    least: int


Stalls = Mapping[TaskType, Stall]


def observe_stalls(queue: QueueState, before: Stalls, free: Iterable[FreeSlots]) -> Stalls:
    """Return the stalls after a new answer of Temporal.

    Args:
        queue: the answer.
        before: the stalls after the last one.
        free: of the workers that have any free slot.
    """
    workers = tuple(free)
    takers = {
        TaskType.ACTIVITY: tuple(worker.reported_at for worker in workers if worker.activities),
        TaskType.WORKFLOW: tuple(worker.reported_at for worker in workers),
    }
    backlogs = {TaskType.ACTIVITY: queue.activities, TaskType.WORKFLOW: queue.workflows}
    found = {kind: _observe(queue.at, backlogs[kind], before.get(kind), takers[kind]) for kind in TaskType}
    return {kind: stall for kind, stall in found.items() if stall is not None}


def _observe(at: float, backlog: Backlog, before: Stall | None, takers: tuple[float, ...]) -> Stall | None:
    """Return the stall of one task type; None where all that waits may be taken.

    What is known holds as long as the oldest task waits, also while other tasks fill the slots. It is measured anew all
    the time: tasks that come later may stall as well.
    """
    if not backlog.tasks or backlog.is_limited:
        return None
    oldest = at - backlog.oldest_age
    if before is None or oldest > before.oldest + CACHED:
        return Stall(oldest, 0, at, backlog.tasks)
    known = replace(before, tasks=min(before.tasks, backlog.tasks))
    if not takers or backlog.tasks < before.least:
        return replace(known, since=at, least=backlog.tasks)
    if backlog.oldest_age >= STALLED and max(takers) - before.since >= STALLED:
        return Stall(before.oldest, before.least, at, backlog.tasks)
    return known


def confirmed_tasks(stalls: Stalls) -> Mapping[TaskType, int]:
    """Return how many tasks of each type surely nobody takes."""
    return {kind: stall.tasks for kind, stall in stalls.items() if stall.tasks}
