"""`python -m tests.unit.operator.record_temporal_answers TEMPORAL`: what a server says of one queue, as a file.

TEMPORAL is the command line program of any release. Its development server is asked about a queue on which three
workflows wait, one of them pinned to a version that has no worker any more, while a worker of a newer version polls.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from temporalio import workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    GetSystemInfoRequest,
    ListWorkersRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateTaskQueueConfigRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

QUEUE = "exports"
ANSWERS = Path(__file__).with_name("temporal_answers")
TYPES = {
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
}


@workflow.defn(name="Pinned", versioning_behavior=VersioningBehavior.PINNED)
class Pinned:
    """Wakes again and again, each time for the version on which it began."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(100):
            await asyncio.sleep(2)


def main() -> None:
    """Start a server, ask it and write down what it says."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    arguments = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with subprocess.Popen([sys.argv[1], *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            answers = asyncio.run(record(f"127.0.0.1:{port}"))
        finally:
            server.terminate()
    path = ANSWERS / f"{answers['serverVersion']}.json"
    path.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(path)


async def record(address: str) -> dict[str, Any]:
    """Return the answers of the server at an address."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    client = await insist(lambda: Client.connect(address, runtime=runtime))
    service = client.workflow_service
    info = await insist(lambda: service.get_system_info(GetSystemInfoRequest()))
    answers: dict[str, Any] = {"serverVersion": info.server_version}
    async with build_worker(client, "old"):
        await make_current(client, "old")
        for number in range(3):
            await client.start_workflow("Pinned", id=f"pinned-{number}", task_queue=QUEUE)
        await asyncio.sleep(3)
    async with build_worker(client, "new"):
        await make_current(client, "new")
        answers["limit"] = await ask(lambda: service.update_task_queue_config(limit_to_five(client)))
        await asyncio.sleep(12)  # statistics are cached for 5 s, the workflows wake each 2 s
        for name, kind in TYPES.items():
            answers[name] = await ask(lambda kind=kind: service.describe_task_queue(describe(client, kind)))  # type: ignore[misc]
        answers["workers"] = await ask(
            lambda: service.list_workers(ListWorkersRequest(namespace=client.namespace, page_size=10))
        )
        answers["deployment"] = await ask(
            lambda: service.describe_worker_deployment(
                DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name="exports")
            )
        )
        for build in ("old", "new"):
            answers[build] = await ask(lambda build=build: service.describe_worker_deployment_version(version(build)))  # type: ignore[misc]
    return answers


async def ask(call: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    """Return an answer, or the error, as JSON."""
    try:
        found: dict[str, Any] = MessageToDict(await call())
    except RPCError as error:
        return {"error": error.status.name, "message": error.message}
    return found


async def insist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Call again until it works, for half a minute."""
    for _ in range(60):
        try:
            return await call()
        except (RPCError, RuntimeError):
            await asyncio.sleep(0.5)
    return await call()


def build_worker(client: Client, build: str) -> Worker:
    """Return a worker of a version."""
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[Pinned],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion("exports", build), use_worker_versioning=True
        ),
    )


async def make_current(client: Client, build: str) -> None:
    """Let new workflows begin on a version."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace,
        deployment_name="exports",
        version=f"exports.{build}",
        build_id=build,
        identity="recorder",
        ignore_missing_task_queues=True,
    )
    await insist(lambda: client.workflow_service.set_worker_deployment_current_version(request))


def limit_to_five(client: Client) -> UpdateTaskQueueConfigRequest:
    """Return the request that limits the queue to five activities a second."""
    return UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity="recorder",
        task_queue=QUEUE,
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(
            rate_limit=RateLimit(requests_per_second=5), reason="recorded"
        ),
    )


def describe(client: Client, kind: TaskQueueType.ValueType) -> DescribeTaskQueueRequest:
    """Return the question for one task type, as the operator asks it."""
    return DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=QUEUE), task_queue_type=kind, report_stats=True
    )


def version(build: str) -> DescribeWorkerDeploymentVersionRequest:
    """Return the question for one version, as the operator asks it."""
    request = DescribeWorkerDeploymentVersionRequest(
        namespace="default", version=f"exports.{build}", report_task_queue_stats=True
    )
    request.deployment_version.deployment_name, request.deployment_version.build_id = "exports", build
    return request


if __name__ == "__main__":
    main()
