"""What is said of an export that nobody takes, as a real server tells of its queue."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from temporalio.client import Client

from video_export_worker.cli.queue_watch import PATIENCE, QueueWatch
from video_export_worker.contract import WORKFLOW_NAME, Progress

QUEUED, RENDERING = Progress(), Progress(phase="rendering")


def clock(*seconds: float) -> Iterator[float]:
    yield from seconds


async def test_after_a_while_it_is_told_once_that_no_worker_asks_the_queue(temporal_client: Client) -> None:
    queue = f"nobody-{uuid.uuid4().hex}"
    export = await temporal_client.start_workflow(WORKFLOW_NAME, {}, id=queue, task_queue=queue)
    times = clock(0, PATIENCE - 1, PATIENCE + 1)
    watch = QueueWatch(temporal_client, export, lambda: next(times))
    assert await watch.look(QUEUED) is None
    told = await watch.look(QUEUED)
    assert told is not None
    assert f"no worker takes work from '{queue}'" in told
    assert f"video-export worker --task-queue {queue}" in told
    assert await watch.look(QUEUED) is None, "it is told once"
    await export.terminate()


async def test_an_export_that_was_taken_starts_the_wait_anew(temporal_client: Client) -> None:
    export = temporal_client.get_workflow_handle("not asked for")
    times = clock(0, PATIENCE, PATIENCE + 1, PATIENCE + 2)
    watch = QueueWatch(temporal_client, export, lambda: next(times))
    assert await watch.look(RENDERING) is None
    assert await watch.look(QUEUED) is None
