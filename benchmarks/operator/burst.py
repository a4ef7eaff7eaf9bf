"""`python -m benchmarks.operator.burst`: how soon a real queue at zero gets its first pods, on a node of this machine.

Everything is real: Temporal, the operator from its chart, pods with Chromium, exports. Each try waits until the
Deployment is at zero without a pod, starts a few exports at once, at any moment of Temporal's five seconds of cached
statistics, and takes the time from before the first request to start one until a watch shows the Deployment scaled.
Windows are short, so that it is back at zero soon. An attempt was interrupted if an activity needed a second one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle

from benchmarks.operator.fleet import CHECKOUT
from dev.cluster import STORAGE_IN_CLUSTER, TEMPORAL_IN_CLUSTER, Cluster
from dev.errors import DevError
from dev.images import OPERATOR, WORKER
from dev.network import BRIDGE
from dev.object_storage import BUCKET, client_environment
from dev.waiting import wait_for

NAME = "burst"
RELEASE = "video-export-operator"
GOAL = 6.5
"""Seconds: Temporal's statistics are up to 5.01 s old, and a queue at zero is asked for each second."""
CACHED = 5.0
"""Seconds of Temporal's statistics over which the tries are spread."""
PATIENCE = 180.0
Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Try:
    """One burst; times in seconds since its first export was asked for."""

    scaled_s: float
    done_s: float
    zero_s: float
    most: int
    attempts: int
    interrupted: int


class Watch:
    """The size of the Deployment as a watch shows it, each with its time."""

    def __init__(self) -> None:
        self.size: int | None = None
        self._changed = asyncio.Condition()
        self.seen: list[tuple[float, int]] = []

    async def follow(self, lines: asyncio.StreamReader) -> None:
        """Read sizes until there are no more."""
        async for line in lines:
            async with self._changed:
                self.size = int(line)
                self.seen.append((time.monotonic(), self.size))
                self._changed.notify_all()
        raise DevError("the watch of the Deployment ended")

    async def wait_zero(self) -> float:
        """Return when the size was zero again."""
        return await self._wait(lambda size: size == 0)

    async def wait_scaled(self) -> float:
        """Return when the size was more than zero."""
        return await self._wait(lambda size: size is not None and size > 0)

    async def _wait(self, wanted: Any) -> float:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: wanted(self.size))
        return self.seen[-1][0]


def set_up(cluster: Cluster) -> None:
    """Install the operator and apply the resource."""
    repository, _, tag = OPERATOR.name.rpartition(":")
    values = ["--set-string", f"image.repository={repository},image.tag={tag}"]
    options = ["--namespace", RELEASE, "--create-namespace", "--wait", "--timeout", "2m"]
    cluster.helm("install", RELEASE, str(CHECKOUT / "charts" / RELEASE), *options, *values)
    secret = {"stringData": client_environment(STORAGE_IN_CLUSTER)}
    resource = {
        "temporal": {"address": TEMPORAL_IN_CLUSTER, "taskQueue": NAME},
        "image": WORKER.name,
        "storage": {"uri": f"s3://{BUCKET}", "secretRef": {"name": NAME}},
        "slots": 1,
        "scaling": {
            "maxReplicas": 3,
            "pollInterval": "6s",
            "scaleDown": {"stabilizationWindow": "2s", "minIdle": "1s"},
        },
        "terminationGracePeriodSeconds": 60,
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
    }
    objects = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, **secret},
        {
            "apiVersion": "videoexport.dev/v1alpha1",
            "kind": "VideoExportWorker",
            "metadata": {"name": NAME},
            "spec": resource,
        },
    ]
    cluster.kubectl("apply", "--filename", "-", given="\n---\n".join(json.dumps(one) for one in objects))
    cluster.kubectl("wait", "--for=condition=Ready", f"vew/{NAME}", "--timeout=60s")
    folder = cluster.objects / BUCKET / NAME
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(CHECKOUT / "tests" / "recordings" / "form.json.gz", folder)


@asynccontextmanager
async def watching(cluster: Cluster) -> AsyncIterator[Watch]:
    """Watch the Deployment's size for the block."""
    command = [str(cluster.programs / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", "deployment", NAME]
    command += ["--watch", "--output", r'jsonpath={.spec.replicas}{"\n"}']
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    watch = Watch()
    following = asyncio.create_task(watch.follow(process.stdout))
    try:
        yield watch
    finally:
        following.cancel()
        process.terminate()
        await process.wait()


async def burst(cluster: Cluster, client: Client, watch: Watch, number: int, exports: int) -> Try:
    """Start some exports on a queue at zero and follow them until it is at zero again."""
    request = {
        "recording": f"s3://{BUCKET}/{NAME}/form.json.gz",
        "format": ["mp4"],
        "end": 2,
        "fps": 5,
        "width": 320,
        "height": 180,
    }
    asked = time.monotonic()
    scaled = asyncio.create_task(watch.wait_scaled())
    handles = [
        await client.start_workflow("VideoExportWorkflow", request, id=f"{NAME}-{number}-{place}", task_queue=NAME)
        for place in range(exports)
    ]
    when = await scaled - asked
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(handle.result() for handle in handles))
    done = time.monotonic() - asked
    zero = await watch.wait_zero() - asked
    most = max(size for at, size in watch.seen if at >= asked)
    attempts = [attempt for handle in handles for attempt in await attempts_of(handle)]
    await asyncio.to_thread(wait_for, lambda: has_no_pods(cluster), "the last pod is gone", PATIENCE)
    return Try(
        scaled_s=round(when, 2),
        done_s=round(done, 1),
        zero_s=round(zero, 1),
        most=most,
        attempts=len(attempts),
        interrupted=sum(attempt > 1 for attempt in attempts),
    )


async def attempts_of(handle: Handle) -> list[int]:
    """Return which attempt of each activity ended it."""
    history = await handle.fetch_history()
    started = (event.activity_task_started_event_attributes for event in history.events)
    return [one.attempt for one in started if one.attempt]


def has_no_pods(cluster: Cluster) -> bool:
    """Return whether the last pod is gone."""
    selector = f"videoexport.dev/worker={NAME}"
    return not cluster.kubectl("get", "pods", "--selector", selector, "--output", "name").strip()


async def run(cluster: Cluster, tries: int, exports: int) -> list[Try]:
    """Return the tries."""
    client = await Client.connect(cluster.temporal)
    found = []
    async with watching(cluster) as watch:
        await watch.wait_zero()
        for number in range(tries):
            await asyncio.sleep(random.uniform(0, CACHED))
            found.append(await burst(cluster, client, watch, number, exports))
            print(f"{number + 1:3}  {found[-1]}", flush=True)
    return found


def summarise(found: list[Try]) -> dict[str, Any]:
    """Return the figures of all tries; of twenty the p99 is the slowest."""
    times = sorted(one.scaled_s for one in found)
    return {
        "tries": len(found),
        "scaled_p50_s": times[len(times) // 2],
        "scaled_p99_s": times[min(len(times) - 1, int(len(times) * 0.99))],
        "done_max_s": max(one.done_s for one in found),
        "zero_max_s": max(one.zero_s for one in found),
        "attempts": sum(one.attempts for one in found),
        "interrupted": sum(one.interrupted for one in found),
    }


def main() -> None:
    """Run the tries on a cluster of their own, print the figures, write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator.burst", description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--exports", type=int, default=3, help="exports of each burst (3)")
    given = parser.parse_args()
    if subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode == 0:
        raise SystemExit("a local cluster runs on this machine already: `make demo-down` ends it")
    target = CHECKOUT / "build" / "bench" / "burst.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-burst-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.up()
            set_up(cluster)
            found = asyncio.run(run(cluster, given.tries, given.exports))
        finally:
            cluster.down()
    figures = summarise(found)
    target.write_text(json.dumps({**figures, "each": [asdict(one) for one in found]}, indent=2) + "\n")
    print(f"{figures}\ngoal: scaled within {GOAL} s in the 99th percentile, nothing interrupted, back at zero")
    print(f"raw numbers: {target.relative_to(CHECKOUT)}", flush=True)
    os._exit(0)  # the Temporal client's threads can crash the interpreter while it ends


if __name__ == "__main__":
    main()
