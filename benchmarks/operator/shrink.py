"""`python -m benchmarks.operator.shrink`: how long a pod may begin something after it was last asked.

A real API server with real controllers, and twenty idle pods, each with an address, a heartbeat and a metrics port of
its own. All are taken at once, again and again. The time from the last look at them until the API server has answered
to the smaller size is what the operator itself measures (`video_export_operator_shrink_seconds`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.operator.figures import measure
from benchmarks.operator.fleet import NAMESPACE, Fleet, queue_of, set_up
from benchmarks.operator.metrics_ports import MetricsPorts
from benchmarks.operator.operator_process import OperatorProcess
from benchmarks.operator.temporal_stand_in import TemporalStandIn
from dev.control_plane import ControlPlane

NAME = "exports-0"
VICTIMS = 20
GOAL_S, GOAL_SHARE = 0.3, 0.99
PATIENCE = 120.0


async def take_again_and_again(rounds: int, log: Path) -> dict[str, Any]:
    """Return how long the last look was before the size, over all rounds."""
    with TemporalStandIn() as temporal, MetricsPorts() as ports, ControlPlane() as control_plane:
        set_up(control_plane)
        fleet = await Fleet.connect(control_plane, (NAME,))
        try:
            scaling = {"mode": "Manual", "pollInterval": "6s", "scaleDown": {"minIdle": "1s"}}
            await fleet.create(temporal.address, scaling=scaling, replicas=VICTIMS, metricsPort=ports.port)
            with OperatorProcess(control_plane.kubeconfig, log, f"--namespace={NAMESPACE}") as operator:
                operator.wait_ready()
                for number in range(rounds):
                    await _take_all(fleet, temporal)
                    print(f"  {number + 1} of {rounds}", flush=True)
                samples = operator.metrics()
        finally:
            await fleet.close()
    return summarise(samples)


def summarise(samples: dict[str, float]) -> dict[str, Any]:
    """Return the figures of the operator's histogram: how often, the mean, and the bound that 99 % keep to."""
    count = samples["shrink_seconds_count"]
    bounds = {
        sample.partition('le="')[2].partition('"')[0]: value / count
        for sample, value in samples.items()
        if sample.startswith("shrink_seconds_bucket{")
    }
    within = min((float(bound) for bound, share in bounds.items() if share >= GOAL_SHARE), default=float("inf"))
    mean = samples["shrink_seconds_sum"] / count
    return {"victims": VICTIMS, "shrinks": int(count), "mean_ms": round(1000 * mean), "p99_at_most_ms": 1000 * within}


async def _take_all(fleet: Fleet, temporal: TemporalStandIn) -> None:
    """Let all pods run and be idle, ask for none of them, and wait until there is none."""
    await fleet.scale(NAME, VICTIMS)
    pods = await _wait_for(lambda: _pods(fleet, VICTIMS), "the pods are made")
    addresses = {pod: f"127.0.1.{number + 1}" for number, pod in enumerate(pods)}
    await fleet.report_running(pods, addresses)
    temporal.report_workers(queue_of(NAME), pods, used=0)
    await _wait_for(lambda: _ready(fleet), "the operator sees that they are ready")
    await fleet.scale(NAME, 0)
    await _wait_for(lambda: _pods(fleet, 0), "the pods are gone")


async def _pods(fleet: Fleet, count: int) -> list[str] | None:
    pods = (await fleet.pods()).get(NAME, [])
    return (pods or ["none"]) if len(pods) == count else None


async def _ready(fleet: Fleet) -> bool:
    return bool((await fleet.statuses())[NAME].get("readyReplicas") == VICTIMS)


async def _wait_for(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"after {PATIENCE:g} s it is not so that {what}")
        await asyncio.sleep(0.2)
    return found


def once(rounds: int, log: Path) -> dict[str, Any]:
    """Measure on a control plane of its own."""
    return asyncio.run(take_again_and_again(rounds, log))


if __name__ == "__main__":
    written = measure("shrink", __doc__, 20, once)
    print(f"goal: {GOAL_SHARE:.0%} within {1000 * GOAL_S:g} ms; raw numbers: {written}")
