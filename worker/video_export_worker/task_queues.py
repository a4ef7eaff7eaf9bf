"""Which workflows and activities a worker of a queue runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def find_registration(task_queue: str) -> Registration:
    """Look up what a queue's worker runs. A queue of another name is a second queue of exports."""
    return TASK_QUEUES.get(task_queue, VIDEO_EXPORT)
