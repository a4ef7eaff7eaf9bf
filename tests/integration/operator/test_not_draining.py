"""Backlog that workers do not take, as a real server tells of it."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import timedelta
from functools import partial

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import (
    SetWorkerDeploymentCurrentVersionRequest,
    UpdateTaskQueueConfigRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from tests.servers import TemporalServer
from tests.unit.operator.bodies import spec_of
from tests.waiting import wait_for
from video_export_operator.errors import TemporalUnavailable
from video_export_operator.resource import Spec
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import Decision, Memory, Observation, QueueState, decide, draining
from video_export_operator.status import Condition, Reason
from video_export_operator.status.draining import not_draining
from video_export_operator.temporal_queue import Endpoint, TemporalQueues

LOOK = 2.0
"""Seconds between two looks; Temporal's statistics change every five."""


@workflow.defn(name="Sleeper", versioning_behavior=VersioningBehavior.PINNED)
class Sleeper:
    """Wakes each second, for the version on which it began."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(100):
            await asyncio.sleep(1)


@workflow.defn(name="Many")
class Many:
    """Asks for many activities at once."""

    @workflow.run
    async def run(self, count: int) -> None:
        await asyncio.gather(
            *(workflow.execute_activity(quick, start_to_close_timeout=timedelta(minutes=5)) for _ in range(count))
        )


@activity.defn(name="quick")
async def quick() -> None:
    """Takes no time."""


class Watcher:
    """Looks at a queue as the operator does, with one pod that polls it."""

    def __init__(self, address: str, queue: str, spec: Spec) -> None:
        self.endpoint, self.queue, self.spec = Endpoint(address, "default"), queue, spec
        self.queues, self.memory = TemporalQueues(), Memory()

    async def look(self) -> tuple[Decision, QueueState]:
        """Decide on what the server says now."""
        at = time.monotonic()
        state = await self.queues.fetch_state(self.endpoint, self.queue, at, before=None, with_workers=True)
        decision, self.memory = decide(self.spec, Observation(at, 1, (Pod("pod-0"),), state), self.memory)
        return decision, state

    async def until(self, reason: Reason, timeout: float = 90.0) -> tuple[Condition, Decision]:
        """Look until a backlog does not drain for this reason."""
        seen: list[str] = []

        async def look() -> tuple[Condition, Decision] | None:
            await asyncio.sleep(LOOK)  # the operator looks each ten seconds
            try:
                decision, state = await self.look()
            except TemporalUnavailable as error:  # the operator asks again too
                seen.append(f"{error.reason}: {error}")
                return None
            condition = not_draining(decision, state)
            seen.append(f"{condition.reason}: {decision.reason}")
            return (condition, decision) if condition.reason == reason else None

        try:
            return await wait_for(look, f"the backlog does not drain: {reason}", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {seen}") from None


async def connect(server: TemporalServer) -> Client:
    """Return a client whose workers send a heartbeat each second."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    return await Client.connect(server.address, runtime=runtime, identity="pod-0")


def versioned(client: Client, queue: str, build: str) -> Worker:
    version = WorkerDeploymentVersion(queue, build)
    return Worker(
        client,
        task_queue=queue,
        workflows=[Sleeper],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
        deployment_config=WorkerDeploymentConfig(version=version, use_worker_versioning=True),
    )


async def make_current(client: Client, queue: str, build: str) -> None:
    """Let new workflows begin on a version, as soon as the server knows it."""
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace="default", deployment_name=queue, build_id=build, identity="test", ignore_missing_task_queues=True
    )

    async def look() -> bool:
        try:
            await client.workflow_service.set_worker_deployment_current_version(request, retry=False)
        except RPCError:
            return False
        return True

    await wait_for(look, f"{build} is current")


async def test_workflows_of_a_version_that_nobody_runs(
    temporal_server: TemporalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "STALLED", 6.0)
    client, queue = await connect(temporal_server), "pinned"
    watcher = Watcher(temporal_server.address, queue, spec_of({"maxReplicas": 5}))
    async with versioned(client, queue, "old"):
        await make_current(client, queue, "old")
        begun = [await client.start_workflow("Sleeper", id=f"{queue}-{n}", task_queue=queue) for n in range(3)]
        for each in begun:
            await wait_for(partial(is_begun, each.id, client), f"{each.id} has begun")
    async with versioned(client, queue, "new"):
        await make_current(client, queue, "new")
        condition, decision = await watcher.until(Reason.PINNED_TO_VERSION)
    # Temporal calls the count approximate: a task that the old worker no longer took is counted twice now and then.
    assert re.search(r"free: [3-6] wait for version pinned\.old; ", condition.message), condition.message
    assert decision.workload.needed == 1
    for each in begun:
        await each.terminate()


async def is_begun(execution: str, client: Client) -> bool:
    """Return whether a worker has done a workflow task of an execution."""
    found = await client.get_workflow_handle(execution).describe()
    return found.history_length > 4


async def test_a_queue_whose_rate_is_limited(temporal_server: TemporalServer) -> None:
    client, queue = await connect(temporal_server), "limited"
    watcher = Watcher(temporal_server.address, queue, spec_of({"maxReplicas": 50}, slots=4))
    await client.workflow_service.update_task_queue_config(
        UpdateTaskQueueConfigRequest(
            namespace="default",
            identity="test",
            task_queue=queue,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(
                rate_limit=RateLimit(requests_per_second=1), reason="test"
            ),
        )
    )
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Many],
        activities=[quick],
        max_concurrent_activities=4,
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        execution = await client.start_workflow(Many.run, 400, id=queue, task_queue=queue)
        condition, decision = await watcher.until(Reason.QUEUE_RATE_LIMITED)
        await execution.terminate()
    assert "activities wait for the queue's rate limit of 1 a second" in condition.message
    assert decision.workload.needed <= 8, "thirty seconds' worth at most, not a hundred pods"
