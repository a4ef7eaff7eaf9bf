"""A worker whose activities take no time, which prints when each begins and when it is told to stop.

Its text is what the pods of `benchmarks.operator.stop` run: it imports nothing of ours. It ends as the product's worker
does (`video_export_worker/cli/worker.py`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker


@activity.defn(name="tick")
async def tick() -> None:
    """Say when it began, and hold its slot for a moment."""
    print("began", time.time(), flush=True)
    await asyncio.sleep(0.05)


async def work() -> None:
    """Take activities until SIGTERM."""
    stop = asyncio.Event()

    def hear() -> None:
        print("heard", time.time(), flush=True)
        stop.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, hear)
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    async with Worker(
        client,
        task_queue=os.environ["TASK_QUEUE"],
        activities=[tick],
        max_concurrent_activities=2,
        disable_eager_activity_execution=True,
        graceful_shutdown_timeout=timedelta(seconds=20),
    ):
        await stop.wait()
    os._exit(0)  # as the product's: the SDK's threads can crash an orderly exit


if __name__ == "__main__":
    asyncio.run(work())
