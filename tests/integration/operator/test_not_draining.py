"""Backlog that workers do not take, as a real server tells of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

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

from tests.servers import TemporalServer, running_temporal
from tests.unit.operator.bodies import spec_of
from tests.waiting import wait_for
from video_export_operator.controllers import OwnedPods, OwnedSet
from video_export_operator.controllers.rollouts import ReplicaSetState, Strategy
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


@workflow.defn(name="Waiter", versioning_behavior=VersioningBehavior.PINNED)
class Waiter:
    """Waits until it is told to go on, on the version on which it began."""

    def __init__(self) -> None:
        self.told = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.told)

    @workflow.signal
    def go_on(self) -> None:
        self.told = True


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


class RolloutWatcher(Watcher):
    """Looks at a queue in the middle of a rollout: of the older template two pods are left, of the new one is ready."""

    async def until_kept(self, names: set[str]) -> bool:
        """Look until exactly these of the pods stay for their version, while all of them are idle."""
        old, new = (Pod("old-0"), Pod("old-1")), (Pod("new-0"),)
        sets = (OwnedSet(ReplicaSetState(2, 2, 2, 3), old), OwnedSet(ReplicaSetState(1, 0, 2, 3), new, min_ready=86400))
        owned = OwnedPods(sets, 1, Strategy("25%", 0), 3)

        async def look() -> bool:
            await asyncio.sleep(LOOK)
            at = time.monotonic()
            state = await self.queues.fetch_state(self.endpoint, self.queue, at, before=None, with_workers=True)
            seen = Observation(at, 2, (*old, *new), state, owned=owned, rolling=True)
            decision, self.memory = decide(self.spec, seen, self.memory)
            work = decision.workload
            return work.serving == names and work.idle == {"old-0", "old-1", "new-0"} - names

        return await wait_for(look, f"{sorted(names)} stay", 90.0)


async def connect(server: TemporalServer, identity: str = "pod-0") -> Client:
    """Return a client whose workers send a heartbeat each second."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    return await Client.connect(server.address, runtime=runtime, identity=identity)


def versioned(client: Client, queue: str, build: str, kind: type = Sleeper) -> Worker:
    version = WorkerDeploymentVersion(queue, build)
    return Worker(
        client,
        task_queue=queue,
        workflows=[kind],
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


@pytest.fixture
def quick_to_drain(tmp_path: Path) -> Iterator[TemporalServer]:
    """Start a server that looks each second whether a version is drained, and not each three minutes."""
    often = {
        "matching.wv.VersionDrainageStatusVisibilityGracePeriod": '"1s"',
        "matching.wv.VersionDrainageStatusRefreshInterval": '"1s"',
    }
    with running_temporal(tmp_path, dynamic_config=often) as server:
        yield server


async def test_a_rollout_leaves_a_pod_for_workflows_that_are_pinned_until_its_version_is_drained(
    quick_to_drain: TemporalServer,
) -> None:
    """Two older pods and one of the new template, all idle; a workflow that waits is pinned to the older version."""
    client, queue = await connect(quick_to_drain), "served"
    watcher = RolloutWatcher(quick_to_drain.address, queue, spec_of({"scaleDown": {"minIdle": "1s"}}))
    async with AsyncExitStack() as stack:
        for name in ("old-0", "old-1"):
            await stack.enter_async_context(versioned(await connect(quick_to_drain, name), queue, "old", Waiter))
        await make_current(client, queue, "old")
        waiting = await client.start_workflow("Waiter", id=queue, task_queue=queue)
        await wait_for(partial(is_begun, waiting.id, client, 3), "the workflow waits")
        await stack.enter_async_context(versioned(await connect(quick_to_drain, "new-0"), queue, "new", Waiter))
        assert await watcher.until_kept({"old-0", "old-1"}), "new workflows begin on the older version"
        await make_current(client, queue, "new")
        assert await watcher.until_kept({"old-0"}), "the other one is free to go"
        await waiting.signal("go_on")
        await waiting.result()
        assert await watcher.until_kept(set()), "the version is drained"


async def is_begun(execution: str, client: Client, events: int = 4) -> bool:
    """Return whether a worker has done a workflow task of an execution, which then has more events than these."""
    found = await client.get_workflow_handle(execution).describe()
    return found.history_length > events


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
