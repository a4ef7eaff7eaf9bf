"""`python -m benchmarks.operator.stop`: how long after a smaller size a worker hears of it, on a node of this machine.

A Deployment of pods that print the time when they get SIGTERM is scaled to zero through its scale subresource, again
and again. The time is from before the request until the signal: two controllers, the kubelet and the container runtime.
The simulator takes it from here (`benchmarks.scaling.cluster.STOP`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from benchmarks.operator.fleet import CHECKOUT
from benchmarks.scaling.simulation import percentile
from dev.cluster import Cluster
from dev.images import WORKER
from dev.waiting import wait_for

NAME, PODS, PATIENCE = "stop", 10, 120.0
PRINT_TIME = "trap 'date +%s.%N; exit 0' TERM; sleep 3600 & wait"
SCALE = f"/apis/apps/v1/namespaces/default/deployments/{NAME}/scale"


def build_deployment() -> dict[str, Any]:
    """Return a Deployment whose pods print when they are told to end."""
    labels = {"app": NAME}
    container = {"name": NAME, "image": WORKER.name, "command": ["bash", "-c", PRINT_TIME]}
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


def stop_all(cluster: Cluster) -> list[float]:
    """Start all pods and take them; return how long it took until each of them heard of it, in seconds."""
    asyncio.run(scale(cluster, PODS))
    ready = "--output=jsonpath={.status.readyReplicas}"
    wait_for(lambda: cluster.kubectl("get", "deployment", NAME, ready) == str(PODS), "all pods are ready", PATIENCE)
    logs = ["logs", "--follow", f"--selector=app={NAME}", "--max-log-requests=20", "--tail=-1"]
    command = [str(cluster.programs / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", *logs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        time.sleep(2)  # until it follows every one of them, which nothing tells
        asked_at = asyncio.run(scale(cluster, 0))
        printed, _ = following.communicate(timeout=PATIENCE)
    wait_for(
        lambda: not cluster.kubectl("get", "pods", f"--selector=app={NAME}", "--output=name"),
        "no pod is left",
        PATIENCE,
    )
    return [float(line) - asked_at for line in printed.split()]


def main() -> None:
    """Measure on a cluster of its own, print the figures, write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator.stop", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often all pods are taken (10)")
    given = parser.parse_args()
    target = CHECKOUT / "build" / "bench" / "stop.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-stop-") as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.up()
            cluster.kubectl("apply", "--filename", "-", given=json.dumps(build_deployment()))
            times = [each for _ in range(given.rounds) for each in stop_all(cluster)]
        finally:
            cluster.down()
    shares = {f"p{share}_ms": round(1000 * percentile(times, share)) for share in (50, 90, 99, 100)}
    figures = {
        "pods": PODS,
        "rounds": given.rounds,
        "heard": len(times),
        **shares,
        "load": round(os.getloadavg()[0], 1),
    }
    target.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
