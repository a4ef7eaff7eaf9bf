"""A stand-in for Temporal's front end, in a process of its own: no matching, no history, only the answers to what the
operator asks, over real gRPC and with Temporal's own messages.

    with TemporalStandIn() as temporal:
        temporal.report_workers("queue-7", ["pod-a", "pod-b"])   # both are busy from now on
        temporal.begin_watch()
        gaps = temporal.end_watch()                              # seconds between two looks at each queue

A queue is idle until it is given a backlog or workers. Answers have the fields, and so the size, of those of Temporal
1.32; heartbeats are as old as those of workers that report every ten seconds. A thousand queues of a real development
server would measure that server.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc.aio
from google.protobuf.message import Message
from temporalio.api.enums.v1 import TaskQueueType, WorkerStatus
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueueStats
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    CountWorkflowExecutionsResponse,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    GetSystemInfoRequest,
    GetSystemInfoResponse,
    ListWorkersRequest,
    ListWorkersResponse,
)

SERVICE = "temporal.api.workflowservice.v1.WorkflowService"
HEARTBEAT = 10.0
"""Seconds between two heartbeats of a worker."""
SLOTS = 2
"""Activities that a busy worker runs, and all that it could."""

Request = TypeVar("Request", bound=Message)
Answer = Callable[[Any], Message]


class TemporalStandIn:
    """The parent's side: starts the process and talks to it over a pipe."""

    address: str

    def __enter__(self) -> Self:
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self.address = f"127.0.0.1:{self._pipe.recv()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()  # the other side ends with it
        self._process.join(10)

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process.pid is not None
        return self._process.pid

    def report_backlog(self, queue: str, tasks: int) -> None:
        """Let so many tasks of each type wait on a queue."""
        self._ask("report_backlog", queue, tasks)

    def report_workers(self, queue: str, pods: list[str], used: int = SLOTS) -> None:
        """Let the workers of these pods be busy, or idle where they use no slot, and nothing wait."""
        self._ask("report_workers", queue, pods, used)

    def begin_watch(self) -> None:
        """Note from now on when each queue is looked at."""
        self._ask("begin_watch")

    def end_watch(self) -> dict[str, list[float]]:
        """Return the seconds between two looks at each queue since `begin_watch`."""
        gaps: dict[str, list[float]] = self._ask("end_watch")
        return gaps

    def _ask(self, what: str, *arguments: Any) -> Any:
        self._pipe.send((what, arguments))
        return self._pipe.recv()


class _Queues:
    """What the stand-in knows."""

    def __init__(self) -> None:
        self._backlogs: dict[str, int] = {}
        self._workers: dict[str, list[str]] = {}
        self._used: dict[str, int] = {}
        self._looks: dict[str, list[float]] | None = None

    def report_backlog(self, queue: str, tasks: int) -> None:
        self._backlogs[queue] = tasks

    def report_workers(self, queue: str, pods: list[str], used: int) -> None:
        self._backlogs.pop(queue, None)
        self._used[queue] = used
        self._workers[queue] = pods

    def begin_watch(self) -> None:
        self._looks = {}

    def end_watch(self) -> dict[str, list[float]]:
        looks, self._looks = self._looks or {}, None
        return {queue: [after - before for before, after in itertools.pairwise(at)] for queue, at in looks.items()}

    def describe(self, request: DescribeTaskQueueRequest) -> DescribeTaskQueueResponse:
        queue = request.task_queue.name
        # Each look begins with the workflow type.
        if self._looks is not None and request.task_queue_type == TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW:
            self._looks.setdefault(queue, []).append(time.monotonic())
        answer = DescribeTaskQueueResponse()
        answer.versioning_info.current_version = "__unversioned__"
        answer.versioning_info.update_time.seconds = -62135596800
        answer.effective_rate_limit.requests_per_second = 4000
        self._fill(answer.stats, queue)
        self._fill(answer.stats_by_priority_key[3], queue)
        for pod in self._workers.get(queue, ()):
            poller = PollerInfo(identity=pod, rate_per_second=100000)
            poller.last_access_time.FromMilliseconds(int(time.time() * 1000))
            poller.worker_version_capabilities.build_id = "22bdd56a75672383c71d0474c5ad040a"
            answer.pollers.append(poller)
        return answer

    def _fill(self, stats: TaskQueueStats, queue: str) -> None:
        waiting = self._backlogs.get(queue, 0)
        stats.approximate_backlog_count = waiting
        stats.approximate_backlog_age.seconds = 1 if waiting else 0

    def list_workers(self, request: ListWorkersRequest) -> ListWorkersResponse:
        """Answer with the workers of the queues that a query of the operator names, or with all."""
        named = request.query.split("'")[1::2] or self._workers
        beat = time.time() // HEARTBEAT * HEARTBEAT
        answer = ListWorkersResponse()
        for queue in named:
            for pod in self._workers.get(queue, ()):
                _fill_heartbeat(answer, queue, pod, int(beat), self._used[queue])
        return answer

    def count(self, request: CountWorkflowExecutionsRequest) -> CountWorkflowExecutionsResponse:
        queue = request.query.partition("'")[2].partition("'")[0]
        return CountWorkflowExecutionsResponse(count=self._used.get(queue, 0) * len(self._workers.get(queue, ())))

    def system_info(self, _: GetSystemInfoRequest) -> GetSystemInfoResponse:
        return GetSystemInfoResponse(server_version="stand-in")


def _fill_heartbeat(answer: ListWorkersResponse, queue: str, pod: str, beat: int, used: int) -> None:
    """Add a worker that has been running as much since the beginning of its pod."""
    heartbeat = answer.workers_info.add().worker_heartbeat
    heartbeat.worker_instance_key = f"{pod}-b9db8a6b-2445-41f5-8e9c-1f80796d94db"
    heartbeat.worker_identity = pod
    heartbeat.host_info.host_name = pod
    heartbeat.host_info.process_id = "7"
    heartbeat.host_info.current_host_cpu_usage = 0.97
    heartbeat.task_queue = queue
    heartbeat.sdk_name, heartbeat.sdk_version = "temporal-python", "1.35.0"
    heartbeat.status = WorkerStatus.WORKER_STATUS_RUNNING
    heartbeat.start_time.seconds = 1
    heartbeat.heartbeat_time.seconds = beat
    heartbeat.elapsed_since_last_heartbeat.seconds = int(HEARTBEAT)
    heartbeat.workflow_task_slots_info.current_available_slots = 100
    heartbeat.activity_task_slots_info.current_used_slots = used
    heartbeat.activity_task_slots_info.current_available_slots = SLOTS - used
    heartbeat.activity_poller_info.current_pollers = 1
    known = answer.workers.add()
    known.worker_instance_key, known.worker_identity = heartbeat.worker_instance_key, pod
    known.task_queue, known.host_name = queue, pod


def _serve(pipe: Connection) -> None:
    """Run the process until the other side of the pipe is closed."""
    asyncio.run(_run(pipe))


async def _run(pipe: Connection) -> None:
    queues, closed = _Queues(), asyncio.Event()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, _handlers(queues)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    def take_order() -> None:
        try:
            what, arguments = pipe.recv()
        except EOFError:
            closed.set()
            return
        pipe.send(getattr(queues, what)(*arguments))

    asyncio.get_running_loop().add_reader(pipe.fileno(), take_order)
    pipe.send(port)
    await closed.wait()
    asyncio.get_running_loop().remove_reader(pipe.fileno())
    await server.stop(None)


def _handlers(queues: _Queues) -> dict[str, grpc.RpcMethodHandler]:
    """Return what the operator may call."""
    return {
        "DescribeTaskQueue": _handler(DescribeTaskQueueRequest, queues.describe),
        "ListWorkers": _handler(ListWorkersRequest, queues.list_workers),
        "CountWorkflowExecutions": _handler(CountWorkflowExecutionsRequest, queues.count),
        "GetSystemInfo": _handler(GetSystemInfoRequest, queues.system_info),
    }


def _handler(asked: type[Message], answer: Answer) -> grpc.RpcMethodHandler:
    """Return the handler of one method."""

    async def handle(request: Message, _: object) -> bytes:
        return answer(request).SerializeToString()

    return grpc.unary_unary_rpc_method_handler(handle, request_deserializer=asked.FromString)
