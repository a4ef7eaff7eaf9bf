"""Workers of which Temporal knows nothing, or nothing new: real ones that serve the SDK's metrics, with heartbeats
switched off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from dev.waiting import find_free_port
from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.integration.operator.heartbeats import beat
from tests.integration.operator.test_operating import Hold, Holder
from tests.servers import TemporalServer
from tests.waiting import PATIENCE, wait_for


@asynccontextmanager
async def metered_worker(address: str, queue: str, metrics: str, holder: Holder) -> AsyncIterator[None]:
    """A worker with metrics and without heartbeats, of an identity that is not its pod's."""
    telemetry = TelemetryConfig(metrics=PrometheusConfig(bind_address=metrics))
    runtime = Runtime(telemetry=telemetry, worker_heartbeat_interval=None)
    client = await Client.connect(address, runtime=runtime, identity="somebody")
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Hold],
        activities=[holder.hold],
        max_concurrent_activities=1,
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


async def heartbeats(client: Client, queue: str) -> list[int]:
    """Return how many activities each worker of the queue runs, as Temporal was last told."""
    request = ListWorkersRequest(namespace="default", page_size=10, query=f"TaskQueue='{queue}'")
    answer = await client.workflow_service.list_workers(request)
    return [each.worker_heartbeat.activity_task_slots_info.current_used_slots for each in answer.workers_info]


async def test_what_they_do_is_read_from_their_metrics(
    operator: Operator, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    queue, port = namespace.name, find_free_port()
    asked: dict[str, Any] = {"temporal": {"taskQueue": queue}, "slots": 1, "metricsPort": port}
    namespace.apply(resource(temporal_server.address, scaling={"minReplicas": 2}, **asked))
    pods = [pod["metadata"]["name"] for pod in await namespace.wait_pods(2)]
    # One machine has many loopback addresses, and a pod one port.
    places = dict(zip(pods, ("127.0.0.2", "127.0.0.3"), strict=True))
    busy, idle = pods
    holder = Holder()
    await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
    async with metered_worker(temporal_server.address, queue, f"{places[busy]}:{port}", holder):
        await asyncio.wait_for(holder.started.wait(), PATIENCE)
        async with metered_worker(temporal_server.address, queue, f"{places[idle]}:{port}", Holder()):
            assert await heartbeats(temporal_client, queue) == []
            for pod, place in places.items():
                namespace.start_pod(pod, address=place)
            namespace.apply(resource(temporal_server.address, **asked))
            await namespace.wait_size(1)
            assert {pod["metadata"]["name"] for pod in await namespace.wait_pods(1)} == {busy}
            await wait_for(
                lambda: (namespace.get("vew") or {})["status"]["busyReplicas"] == 1, "it is known to be busy"
            )
            holder.release.set()
            await namespace.wait_size(0)


async def test_what_was_begun_since_the_last_heartbeat_is_seen_before_a_pod_is_taken(
    operator: Operator, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    """Node autoscalers are kept from it within a poll, and a smaller size does not take it."""
    queue, port, place = namespace.name, find_free_port(), "127.0.0.4"

    def ask_for(replicas: int) -> None:
        scaling = {"mode": "Manual", "scaleDown": {"stabilizationWindow": "2s", "minIdle": "0s"}}
        asked: dict[str, Any] = {"temporal": {"taskQueue": queue}, "slots": 1, "metricsPort": port}
        namespace.apply(resource(temporal_server.address, scaling=scaling, replicas=replicas, **asked))

    def unknown() -> float:
        return operator.metric("video_export_operator_unknown_replicas", namespace=namespace.name)

    async def is_told_idle() -> bool:
        return await heartbeats(temporal_client, queue) == [0]

    ask_for(1)
    (pod,) = [pod["metadata"]["name"] for pod in await namespace.wait_pods(1)]
    namespace.start_pod(pod, address=place)
    await wait_for(lambda: unknown() == 1, "the pod is seen")
    holder = Holder()
    async with metered_worker(temporal_server.address, queue, f"{place}:{port}", holder):
        await beat(temporal_client, queue, {pod: 0})
        await wait_for(is_told_idle, "a heartbeat, the last one")
        await wait_for(lambda: unknown() == 0, "the pod is known to be idle")
        await wait_for(lambda: namespace.protected() == {pod: False}, "the idle pod is free to go")
        await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
        await asyncio.wait_for(holder.started.wait(), PATIENCE)
        await wait_for(lambda: namespace.protected() == {pod: True}, "the pod that has begun something is protected")
        assert await is_told_idle(), "a heartbeat told it, and not the pod"
        ask_for(0)
        await namespace.wait_condition("ScalingLimited", "True", "BusyFloor")
        assert await is_told_idle(), "a heartbeat told it, and not the pod"
        await namespace.wait_size(1)
        holder.release.set()
        await beat(temporal_client, queue, {pod: 0})
        await namespace.wait_size(0)
