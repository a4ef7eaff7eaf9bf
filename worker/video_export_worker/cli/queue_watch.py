"""What keeps an export waiting: told once, when nobody has taken it for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from video_export_worker.contract import Progress

PATIENCE: Final = 30.0  # seconds; a worker that is started from zero takes about 15


class QueueWatch:
    """Looks at the queue of an export that waits.

    Args:
        client: of Temporal.
        export: the one that waits.
        clock: seconds that only grow.
    """

    def __init__(
        self, client: Client, export: WorkflowHandle[Any, Any], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._export = export
        self._clock = clock
        self._since = clock()
        self._told = False

    async def look(self, progress: Progress) -> str | None:
        """Return what to do about an export that nobody has taken within 30 seconds, once; else None."""
        if progress.phase != "queued":
            self._since, self._told = self._clock(), False
        if self._told or self._clock() - self._since < PATIENCE:
            return None
        self._told = True
        try:
            queue = (await self._export.describe()).task_queue
            return advise(queue, self._client.namespace, await self._count_pollers(queue))
        except RPCError:
            return None  # a look that fails must not end the watch

    async def _count_pollers(self, queue: str) -> int:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        return len((await self._client.workflow_service.describe_task_queue(request)).pollers)


def advise(queue: str, namespace: str, pollers: int) -> str:
    """Return where to look.

    Args:
        queue: the task queue of the export.
        namespace: of Temporal.
        pollers: how many workers have asked the queue for work in the last minutes.
    """
    if pollers:
        return (
            f"{pollers} workers take work from {queue!r} and have not begun this export: "
            "`kubectl describe vew` tells what limits their number"
        )
    return (
        f"no worker takes work from {queue!r} in the namespace {namespace!r}: `kubectl get vew -A` shows the one of "
        f"this queue, or start one with `video-export worker --task-queue {queue}`"
    )
