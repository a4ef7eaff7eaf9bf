"""One look at one task queue: the calls that it takes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    ListWorkersRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from video_export_operator.scaling import QueueState
from video_export_operator.temporal_queue.heartbeats import report_by_pod
from video_export_operator.temporal_queue.statistics import parse_backlog, parse_last_poll

TIMEOUT = 3.0
"""Seconds for everything that is asked at once. The client's own retries would take 9 s to say that nobody listens."""
PAGE = 1000


@dataclass(frozen=True)
class Question:
    """One look at one queue."""

    client: Client
    queue: str
    at: float

    async def ask(self, before: QueueState | None, with_workers: bool) -> QueueState:
        """Return the answer; see `TemporalQueues.fetch_state`."""
        workflows = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
        if before is not None:
            return replace(before, at=self.at, workflows=parse_backlog(workflows))
        activities = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        beats = await self._heartbeats() if with_workers else []
        return QueueState(
            at=self.at,
            activities=parse_backlog(activities),
            workflows=parse_backlog(workflows),
            workers=report_by_pod(beats),
            last_poll=parse_last_poll((workflows, activities), self.at),
        )

    async def _describe(self, kind: "TaskQueueType.ValueType") -> DescribeTaskQueueResponse:
        request = DescribeTaskQueueRequest(
            namespace=self.client.namespace,
            task_queue=TaskQueue(name=self.queue),
            task_queue_type=kind,
            report_stats=True,
        )
        return await self.client.workflow_service.describe_task_queue(request, **_options())

    async def _heartbeats(self) -> list[WorkerHeartbeat]:
        """Return the last heartbeat of every worker; a server that cannot list workers knows none."""
        beats: list[WorkerHeartbeat] = []
        token = b""
        while True:
            request = ListWorkersRequest(
                namespace=self.client.namespace,
                page_size=PAGE,
                next_page_token=token,
                query=f"TaskQueue={_quoted(self.queue)}",
            )
            try:
                answer = await self.client.workflow_service.list_workers(request, **_options())
            except RPCError as error:
                if error.status is RPCStatusCode.UNIMPLEMENTED:
                    return beats
                raise
            beats += [info.worker_heartbeat for info in answer.workers_info]
            token = answer.next_page_token
            if not token:
                return beats

    async def count_open(self) -> int:
        """Return the number of workflows of the queue that are not finished."""
        query = f"TaskQueue={_quoted(self.queue)} AND ExecutionStatus='Running'"
        request = CountWorkflowExecutionsRequest(namespace=self.client.namespace, query=query)
        return int((await self.client.workflow_service.count_workflow_executions(request, **_options())).count)


def _options() -> dict[str, Any]:
    """Return the options of every call: no retry by the client, and an end."""
    return {"retry": False, "timeout": timedelta(seconds=TIMEOUT)}


def _quoted(text: str) -> str:
    """Return a string literal of Temporal's query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
