"""Asks Temporal what waits on a task queue and what its workers do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

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
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from video_export_operator.scaling import Backlog, QueueState, WorkerReport
from video_export_operator.temporal_queue.refusals import WITHOUT_REASON, translate

TIMEOUT = 3.0
"""Seconds for everything that is asked at once. The client's own retries would take 9 s to say that nobody listens."""
CALLS_AT_ONCE = 64
"""Calls under way on one connection: a Temporal that hangs delays only the resources that use it."""
UNUSED = 600.0
"""Seconds after which a connection that nobody used is dropped, for example one of an old API key."""
GHOST = 30.0
"""Seconds by which a heartbeat may be older than the newest of its pod; older ones are of a process that is gone."""
PAGE = 1000
TRIES = 3
"""A server that refuses a client's certificate says so four times in five, and else just closes the connection."""


Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Temporal is, and what it takes to be let in. Secrets are never part of its text."""

    address: str
    namespace: str
    tls: bool = False
    server_name: str | None = None
    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    private_key: bytes | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)


@dataclass
class _Connection:
    """A lazily connected client and its use."""

    client: Client
    calls: asyncio.Semaphore
    used: float


class TemporalQueues:
    """All the queues that the operator asks about, over one connection for each endpoint."""

    def __init__(self) -> None:
        self._connections: dict[Endpoint, _Connection] = {}

    async def fetch_state(
        self, endpoint: Endpoint, queue: str, at: float, before: QueueState | None, with_workers: bool
    ) -> QueueState:
        """Return what waits and what the workers do.

        Args:
            endpoint: where to ask.
            queue: name of the task queue.
            at: the time of this observation, in seconds of the caller's monotonic clock.
            before: an earlier answer, whose activities are taken over: then only workflow tasks are asked for,
                which is where new exports show.
            with_workers: ask what the workers do as well.

        Raises:
            TemporalUnavailable: it did not answer, or refused to.
        """

        async def ask(client: Client) -> QueueState:
            return await _Question(client, queue, at).ask(before, with_workers)

        return await self._call(endpoint, at, ask)

    async def count_open(self, endpoint: Endpoint, queue: str, at: float) -> int:
        """Return the number of workflows of the queue that are not finished.

        Raises:
            TemporalUnavailable: it did not answer, or refused to.
        """
        query = f"TaskQueue={_quoted(queue)} AND ExecutionStatus='Running'"
        request = CountWorkflowExecutionsRequest(namespace=endpoint.namespace, query=query)

        async def count(client: Client) -> int:
            return int((await client.workflow_service.count_workflow_executions(request, **_options())).count)

        return await self._call(endpoint, at, count)

    async def _call(self, endpoint: Endpoint, at: float, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Return an answer, or raise what went wrong in the operator's terms."""
        try:
            connection = await self._connection(endpoint, at)
            async with connection.calls, asyncio.timeout(TIMEOUT):
                return await _insist(connection.client, ask)
        except (RPCError, RuntimeError, ValueError, TimeoutError) as error:
            raise translate(error, endpoint.tls, TIMEOUT) from error

    async def _connection(self, endpoint: Endpoint, at: float) -> _Connection:
        """Return the connection to an endpoint, and drop those that nobody uses."""
        connection = self._connections.get(endpoint)
        if connection is None:
            client = await _connect(endpoint)
            kept = {key: value for key, value in self._connections.items() if at - value.used < UNUSED}
            connection = kept.setdefault(endpoint, _Connection(client, asyncio.Semaphore(CALLS_AT_ONCE), at))
            self._connections = kept
        connection.used = at
        return connection


@dataclass(frozen=True)
class _Question:
    """One look at one queue."""

    client: Client
    queue: str
    at: float

    async def ask(self, before: QueueState | None, with_workers: bool) -> QueueState:
        """Return the answer; see `TemporalQueues.fetch_state`."""
        workflows = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
        if before is not None:
            return replace(before, at=self.at, workflows=_backlog(workflows))
        activities = await self._describe(TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
        beats = await self._heartbeats() if with_workers else []
        return QueueState(
            at=self.at,
            activities=_backlog(activities),
            workflows=_backlog(workflows),
            workers=report_by_pod(beats),
            last_poll=_last_poll((workflows, activities), self.at),
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


async def _insist(client: Client, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
    """Ask again where the connection was closed without a word: the next time the server may say why."""
    for _ in range(TRIES - 1):
        try:
            return await ask(client)
        except RuntimeError as error:
            if not WITHOUT_REASON.search(str(error)):
                raise
    return await ask(client)


def report_by_pod(beats: Iterable[WorkerHeartbeat]) -> Mapping[str, WorkerReport]:
    """Return what the workers of each pod do, under the pod's host name and under their identity.

    A container that restarted leaves the heartbeat of its predecessor behind for minutes, which is not added.
    """
    by_name: dict[str, list[WorkerHeartbeat]] = {}
    for beat in beats:
        for name in {beat.host_info.host_name, beat.worker_identity} - {""}:
            by_name.setdefault(name, []).append(beat)
    return {name: _report(group) for name, group in by_name.items()}


def _report(group: list[WorkerHeartbeat]) -> WorkerReport:
    """Return the sum of the processes of one pod that are alive."""
    newest = max(_seconds(beat.heartbeat_time) for beat in group)
    alive = [beat.activity_task_slots_info for beat in group if newest - _seconds(beat.heartbeat_time) < GHOST]
    return WorkerReport(
        used=sum(slots.current_used_slots for slots in alive),
        processed=sum(slots.total_processed_tasks for slots in alive),
        beat=newest,
    )


def _backlog(answer: DescribeTaskQueueResponse) -> Backlog:
    """Return the statistics of one task type."""
    stats = answer.stats
    return Backlog(
        tasks=stats.approximate_backlog_count,
        oldest_age=stats.approximate_backlog_age.ToTimedelta().total_seconds(),
        add_rate=stats.tasks_add_rate,
        dispatch_rate=stats.tasks_dispatch_rate,
    )


def _last_poll(answers: Iterable[DescribeTaskQueueResponse], at: float) -> float | None:
    """Return when a worker last asked for work, on the clock of `at`."""
    polls: list[float] = [_seconds(poller.last_access_time) for answer in answers for poller in answer.pollers]
    return at - (time.time() - max(polls)) if polls else None


def _seconds(timestamp: Any) -> float:
    """Return a protobuf timestamp as seconds since 1970."""
    return float(timestamp.seconds) + float(timestamp.nanos) * 1e-9


def _options() -> dict[str, Any]:
    """Return the options of every call: no retry by the client, and an end."""
    return {"retry": False, "timeout": timedelta(seconds=TIMEOUT)}


def _quoted(text: str) -> str:
    """Return a string literal of Temporal's query language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


async def _connect(endpoint: Endpoint) -> Client:
    """Return a client that connects with its first call."""
    tls = TLSConfig(
        server_root_ca_cert=endpoint.ca,
        domain=endpoint.server_name,
        client_cert=endpoint.certificate,
        client_private_key=endpoint.private_key,
    )
    return await Client.connect(
        endpoint.address,
        namespace=endpoint.namespace,
        api_key=endpoint.api_key,
        tls=tls if endpoint.tls else False,
        connect_timeout=timedelta(seconds=TIMEOUT),
        lazy=True,
    )
