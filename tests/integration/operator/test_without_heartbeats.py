"""Workers that Temporal knows nothing of: real ones, with heartbeats switched off, that serve the SDK's metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.integration.operator.test_operating import Hold, Holder
from tests.servers import TemporalServer, find_free_port
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def mute_worker(address: str, queue: str, metrics: str, holder: Holder) -> AsyncIterator[None]:
    """A worker without heartbeats, of an identity that is not its pod's."""
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
    async with mute_worker(temporal_server.address, queue, f"{places[busy]}:{port}", holder):
        await asyncio.wait_for(holder.started.wait(), 30)
        async with mute_worker(temporal_server.address, queue, f"{places[idle]}:{port}", Holder()):
            request = ListWorkersRequest(namespace="default", page_size=10, query=f"TaskQueue='{queue}'")
            assert not (await temporal_client.workflow_service.list_workers(request)).workers_info
            for pod, place in places.items():
                namespace.start_pod(pod, address=place)
            namespace.apply(resource(temporal_server.address, **asked))
            await namespace.wait_size(1)
            assert {pod["metadata"]["name"] for pod in await namespace.wait_pods(1)} == {busy}
            await wait_for(
                lambda: (namespace.get("vew") or {})["status"]["busyReplicas"] == 1, "it is known to be busy"
            )
            holder.release.set()
            await namespace.wait_size(0, timeout=40)
