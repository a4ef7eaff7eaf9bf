"""One look at one task queue: the calls that it takes."""

from dataclasses import dataclass, replace

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
)
from temporalio.client import Client

from video_export_operator.errors import TemporalUnavailable
from video_export_operator.scaling import QueueState
from video_export_operator.temporal_queue.calls import call_options
from video_export_operator.temporal_queue.statistics import parse_backlog, parse_last_poll
from video_export_operator.temporal_queue.versions import deployments_of

LEAST_SERVER = "1.28"
"""The first server that says how many tasks wait."""


@dataclass(frozen=True)
class Question:
    """One look at one queue."""

    client: Client
    queue: str
    at: float

    async def ask(self, before: QueueState | None) -> QueueState:
        """Return what waits, without what the workers do; see `TemporalQueues.fetch_state`."""
        workflows = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
        if before is not None:
            return replace(before, at=self.at, workflows=parse_backlog(workflows))
        activities = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        return QueueState(
            at=self.at,
            activities=parse_backlog(activities),
            workflows=parse_backlog(workflows),
            deployments=deployments_of((workflows, activities)),
            last_poll=parse_last_poll((workflows, activities), self.at),
        )

    async def count_open(self) -> int:
        """Return the number of workflows of the queue that are not finished."""
        query = f"TaskQueue={_quoted(self.queue)} AND ExecutionStatus='Running'"
        request = CountWorkflowExecutionsRequest(namespace=self.client.namespace, query=query)
        return int((await self.client.workflow_service.count_workflow_executions(request, **call_options())).count)

    async def _describe(self, kind: "TaskQueueType.ValueType") -> DescribeTaskQueueResponse:
        request = DescribeTaskQueueRequest(
            namespace=self.client.namespace,
            task_queue=TaskQueue(name=self.queue),
            task_queue_type=kind,
            report_stats=True,
        )
        answer = await self.client.workflow_service.describe_task_queue(request, **call_options())
        if not answer.HasField("stats"):
            raise TemporalUnavailable("Unsupported", await self._explain())
        return answer

    async def _explain(self) -> str:
        """Return why there are no statistics."""
        info = await self.client.workflow_service.get_system_info(GetSystemInfoRequest(), **call_options())
        version = info.server_version or "of an unknown version"
        return (
            f"Temporal Server {version} does not say how many tasks wait on a queue; "
            f"upgrade it to {LEAST_SERVER} or later, or set scaling.mode Manual"
        )


def _quoted(text: str) -> str:
    """Return a string literal of Temporal's query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
