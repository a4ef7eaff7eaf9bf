"""Which workflows and activities a worker of a queue runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from video_export_worker.contract import DEFAULT_TASK_QUEUE
from video_export_worker.workflows import VideoExportWorkflow

if TYPE_CHECKING:
    from video_export_worker.activities import ExportActivities


@dataclass(frozen=True)
class Registration:
    """What the worker of a queue runs; activities are methods of `ExportActivities`."""

    workflows: tuple[type, ...]
    activities: tuple[str, ...]

    def bind(self, activities: ExportActivities) -> list[Callable[..., Any]]:
        """Look the activities up on the object that holds the worker's storage and browser."""
        return [getattr(activities, name) for name in self.activities]


VIDEO_EXPORT: Final = Registration(
    workflows=(VideoExportWorkflow,),
    activities=("plan_export", "render_segment", "assemble", "discard_parts"),
)

TASK_QUEUES: Final[Mapping[str, Registration]] = {DEFAULT_TASK_QUEUE: VIDEO_EXPORT}


def find_doubt(task_queue: str) -> str | None:
    """Say that no mapping names a queue: it may be a second queue of exports, or a typing error that waits for ever."""
    if task_queue in TASK_QUEUES:
        return None
    near = get_close_matches(task_queue, TASK_QUEUES, 1, 0.8)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"no mapping names the task queue {task_queue!r}: it is served as a further queue of video exports{meant}"


def find_registration(task_queue: str) -> Registration:
    """Look up what a queue's worker runs. A queue of another name is a second queue of exports."""
    return TASK_QUEUES.get(task_queue, VIDEO_EXPORT)
