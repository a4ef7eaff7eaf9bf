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
    """Tasks that wait beside free slots.

    Attributes:
        since: from when on.
        tasks: the fewest that waited since then: those that nobody takes.
        oldest: when the oldest of them was added.
        confirmed: it has lasted for `STALLED`, and a worker still said then that it has free slots.
    """

    since: float
    tasks: int
    oldest: float
    confirmed: bool = False


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
    """Return the stall of one task type, if there is one.

    A confirmed one lasts as long as its oldest task waits, also while other tasks fill the slots.
    """
    oldest = at - backlog.oldest_age
    if not backlog.tasks or backlog.is_limited:
        return None
    if before is not None and before.confirmed and oldest <= before.oldest + CACHED:
        return replace(before, tasks=min(before.tasks, backlog.tasks))
    if not takers:
        return None
    moved = before is None or backlog.tasks < before.tasks or oldest > before.oldest + CACHED
    stall = Stall(at, backlog.tasks, oldest) if moved or before is None else before
    lasted = backlog.oldest_age >= STALLED and max(takers) - stall.since >= STALLED
    return replace(stall, confirmed=lasted)


def confirmed_tasks(stalls: Stalls) -> Mapping[TaskType, int]:
    """Return how many tasks of each type surely nobody takes."""
    return {kind: stall.tasks for kind, stall in stalls.items() if stall.confirmed}
