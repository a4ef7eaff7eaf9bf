"""Heartbeats as workers in pods send them, where the work itself does not matter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.worker.v1 import WorkerHeartbeat, WorkerHostInfo, WorkerSlotsInfo
from temporalio.api.workflowservice.v1 import RecordWorkerHeartbeatRequest
from temporalio.client import Client


@asynccontextmanager
async def beating(client: Client, queue: str, running: Mapping[str, int], slots: int = 1) -> AsyncIterator[None]:
    """Send a heartbeat for each pod a second.

    Args:
        client: of the server.
        queue: that the workers poll.
        running: activities that each pod runs, by its name; may change meanwhile.
        slots: activities that a pod takes at once.
    """
    task = asyncio.create_task(_beat_for_ever(client, queue, running, slots))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def beat(client: Client, queue: str, running: Mapping[str, int], slots: int = 1) -> None:
    """Send one heartbeat for each pod; it counts until another one comes."""
    now = time.time()
    at = Timestamp(seconds=int(now), nanos=int(now % 1 * 1e9))
    beats = [
        WorkerHeartbeat(
            worker_instance_key=f"{queue}-{pod}",
            worker_identity=pod,
            host_info=WorkerHostInfo(host_name=pod),
            task_queue=queue,
            heartbeat_time=at,
            activity_task_slots_info=WorkerSlotsInfo(current_used_slots=used, current_available_slots=slots - used),
        )
        for pod, used in running.items()
    ]
    request = RecordWorkerHeartbeatRequest(namespace=client.namespace, identity="tests", worker_heartbeat=beats)
    await client.workflow_service.record_worker_heartbeat(request)


async def _beat_for_ever(client: Client, queue: str, running: Mapping[str, int], slots: int) -> None:
    while True:
        await beat(client, queue, running, slots)
        await asyncio.sleep(1)
