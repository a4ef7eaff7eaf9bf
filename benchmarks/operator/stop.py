"""`python -m benchmarks.operator.stop`: how long after a smaller size a pod still begins work, on a node of ours.

A Deployment of workers that take activities all the time from a real queue is scaled to zero through its scale
subresource, again and again. Two times are taken from before the request: until each pod hears of it (SIGTERM: two
controllers, the kubelet and the container runtime), and until the last activity begins in it, when its polling has
ended. The simulator takes the second one from here (`benchmarks.scaling.cluster.STOP`).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.operator.figures import measure
from benchmarks.scaling.simulation import percentile
from dev.cluster import TEMPORAL_IN_CLUSTER, Cluster
from dev.images import WORKER
from dev.waiting import wait_for

NAME, PODS, PATIENCE = "stop", 10, 120.0
WORKFLOWS = f"{NAME}-workflows"
SCALE = f"/apis/apps/v1/namespaces/default/deployments/{NAME}/scale"


@workflow.defn(name="Ticks")
class Ticks:
    """Keeps activities waiting."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(20):
            await asyncio.gather(*(self.tick() for _ in range(4 * PODS)))
        workflow.continue_as_new()

    async def tick(self) -> None:
        """Let any pod do one activity."""
        limit = timedelta(seconds=30)
        await workflow.execute_activity("tick", task_queue=NAME, start_to_close_timeout=limit)


@dataclass
class Pods:
    """What the pods have printed: when each heard that it has to end, and when its last activity began."""

    heard: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)

    def note(self, line: str) -> None:
        """Take a line of a log: the pod, what happened, when. Others are the SDK's."""
        pod, _, said = line.strip().partition(" ")
        kind, _, at = said.partition(" ")
        if kind not in ("heard", "began"):
            return
        times = self.heard if kind == "heard" else self.began
        times[pod] = max(float(at), times.get(pod, 0.0))


def build_deployment() -> dict[str, Any]:
    """Return a Deployment of workers that print what they do."""
    labels = {"app": NAME}
    program = Path(__file__).with_name("ticker.py").read_text(encoding="utf-8")
    variables = {"TEMPORAL_ADDRESS": TEMPORAL_IN_CLUSTER, "TASK_QUEUE": NAME}
    container = {
        "name": NAME,
        "image": WORKER.name,
        "command": ["tini", "--", "python", "-c", program],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}


async def scale(cluster: Cluster, size: int) -> float:
    """Set the size, and return when that was asked for."""
    settings = Configuration()
    await config.load_kube_config(str(cluster.kubeconfig), client_configuration=settings)
    async with ApiClient(settings) as api:
        kind = {"Content-Type": "application/merge-patch+json"}
        request = await api.param_serialize("PATCH", SCALE, header_params=kind, body={"spec": {"replicas": size}})
        asked_at = time.time()
        await (await api.call_api(*request, _request_timeout=10)).read()
        return asked_at


@asynccontextmanager
async def following(cluster: Cluster) -> AsyncIterator[asyncio.StreamReader]:
    """Follow the logs of all pods, each line with its pod."""
    arguments = ["--follow", "--prefix", f"--selector=app={NAME}", "--max-log-requests=20", "--tail=-1"]
    command = [str(cluster.programs / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "logs", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def wait_until(cluster: Cluster, *what: str, shows: str) -> None:
    """Wait until `kubectl get` shows this."""
    what_is_awaited = f"{' '.join(what)} shows {shows!r}"
    await asyncio.to_thread(wait_for, lambda: cluster.kubectl("get", *what) == shows, what_is_awaited, PATIENCE)


async def stop_all(cluster: Cluster) -> tuple[list[float], list[float]]:
    """Start all pods and take them; return after how many seconds each heard of it, and began its last activity."""
    await scale(cluster, PODS)
    await wait_until(cluster, "deployment", NAME, "--output=jsonpath={.status.readyReplicas}", shows=str(PODS))
    pods = Pods()
    async with asyncio.timeout(PATIENCE), following(cluster) as lines:
        while len(pods.began) < PODS:
            pods.note((await lines.readline()).decode())
        asked_at = await scale(cluster, 0)
        async for line in lines:
            pods.note(line.decode())
    await wait_until(cluster, "pods", f"--selector=app={NAME}", "--output=name", shows="")
    return [at - asked_at for at in pods.heard.values()], [at - asked_at for at in pods.began.values()]


async def stop_again_and_again(cluster: Cluster, rounds: int) -> dict[str, Any]:
    """Take all pods so often while activities wait, and return the figures."""
    client = await Client.connect(cluster.temporal)
    heard: list[float] = []
    began: list[float] = []
    async with Worker(client, task_queue=WORKFLOWS, workflows=[Ticks], workflow_runner=UnsandboxedWorkflowRunner()):
        ticks = await client.start_workflow("Ticks", id=NAME, task_queue=WORKFLOWS)
        for number in range(rounds):
            once = await stop_all(cluster)
            heard += once[0]
            began += once[1]
            print(
                f"  {number + 1} of {rounds}: heard {max(once[0]):.3f} s, last began {max(once[1]):.3f} s", flush=True
            )
        await ticks.terminate()
    return {"pods": PODS, "rounds": rounds, **_summarise("heard", heard), **_summarise("last_began", began)}


def _summarise(name: str, times: list[float]) -> dict[str, int]:
    """Return how many times there are, and their percentiles in milliseconds."""
    shares = {f"{name}_p{share}_ms": round(1000 * percentile(times, share)) for share in (50, 90, 99, 100)}
    return {f"{name}_count": len(times), **shares}


def once(rounds: int, _log: Path) -> dict[str, Any]:
    """Measure on a cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-stop-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.up()
            cluster.kubectl("apply", "--filename", "-", given=json.dumps(build_deployment()))
            return asyncio.run(stop_again_and_again(cluster, rounds))
        finally:
            cluster.down()


if __name__ == "__main__":
    measure("stop", __doc__, 10, once)
    os._exit(0)  # the Temporal client's threads can crash the interpreter while it ends
