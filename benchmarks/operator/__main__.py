"""`python -m benchmarks.operator [RESOURCES ...]`: what a number of resources costs one operator.

A real API server with real controllers; Temporal's front end is a stand-in (see `temporal_stand_in`), and there is no
node, so the benchmark says of the pods what a kubelet would. One resource of twenty has two busy pods, the others are
at zero. CPU time and memory are read from /proc, writes from the API server's own count (of everybody's but Leases),
lateness from the times at which the stand-in was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

from benchmarks.operator.fleet import CHECKOUT, NAMESPACE, Fleet, queue_of, ready_since, set_up
from benchmarks.operator.operator_process import OperatorProcess, series, share_of_core
from benchmarks.operator.temporal_stand_in import TemporalStandIn
from dev.control_plane import ControlPlane

DEFAULT = (1000, 5000)
STEADY = 600.0
PODS_OF_BUSY = 2
SETTLED = 70.0
"""Seconds without any write after which nothing more is coming: numbers that moved are written once a minute."""
PATIENCE = 900.0
GOALS = {
    "steady_writes": "0",
    "secret_reads_per_s": "<= 1",
    "lateness_p99_ms": "< 100",
    "rss_mb": "< 150",
    "cpu_share": "< 0.40",
    "first_reconcile_s": "< 60",
}
COLUMNS = (
    "resources",
    "busy",
    "steady_s",
    "steady_writes",
    "secret_reads_per_s",
    "lateness_p99_ms",
    "effective_interval_s",
    "rss_mb",
    "rss_peak_mb",
    "cpu_share",
    "calls_per_s",
    "first_reconcile_s",
    "restart_reconcile_s",
)


async def measure(resources: int, steady: float, logs: Path) -> dict[str, Any]:
    """Return the figures for a number of resources."""
    names = tuple(f"exports-{number:05}" for number in range(resources))
    busy = names[:: max(1, resources // (resources // 20))]
    with TemporalStandIn() as temporal, ControlPlane() as control_plane:
        set_up(control_plane)
        fleet = await Fleet.connect(control_plane, names)
        try:
            await fleet.create(temporal.address)
            for name in busy:
                temporal.report_backlog(queue_of(name), 4)
            began = time.time()
            with _operator(control_plane, logs / f"operator-{resources}.log") as operator:
                first = await _until_ready(fleet, operator, began)
                print(f"  all reconciled after {first:g} s", flush=True)
                await _make_busy(fleet, temporal, busy)
                await _settle(fleet)
                figures = await _watch_steady(fleet, temporal, operator, steady)
            with _operator(control_plane, logs / f"operator-{resources}-again.log") as operator:
                again = await _until_all_known(operator, resources)
        finally:
            await fleet.close()
    return {
        "resources": resources,
        "busy": len(busy),
        **figures,
        "first_reconcile_s": first,
        "restart_reconcile_s": again,
    }


def _operator(control_plane: ControlPlane, log: Path) -> OperatorProcess:
    return OperatorProcess(control_plane.kubeconfig, log, f"--namespace={NAMESPACE}")


async def _until_ready(fleet: Fleet, operator: OperatorProcess, began: float) -> float:
    """Wait until every resource is ready and return how long that took, by the times in their conditions."""
    operator.wait_ready()
    await _until_all_known(operator, len(fleet.names))
    deadline = time.monotonic() + PATIENCE
    while True:
        statuses = await fleet.statuses()
        last = max((ready_since(status) for status in statuses.values()), default=float("inf"))
        if len(statuses) == len(fleet.names) and last < float("inf"):
            return round(last + 1 - began, 1)  # the times are cut to whole seconds
        if time.monotonic() > deadline:
            raise SystemExit(f"only {len(statuses)} of {len(fleet.names)} resources have a status")
        await asyncio.sleep(2)


async def _until_all_known(operator: OperatorProcess, count: int) -> float:
    """Wait until each resource has been reconciled once by this process and return the seconds since it was started."""
    began = time.monotonic()
    operator.wait_ready()
    while len(series(operator.metrics(), "desired_replicas")) < count:
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"not all resources are reconciled after {PATIENCE:g} s; log: {operator.log}")
        await asyncio.sleep(max(1.0, count / 500))  # to render the metrics of thousands is work for the operator too
    return round(time.monotonic() - began, 1)


async def _make_busy(fleet: Fleet, temporal: TemporalStandIn, busy: tuple[str, ...]) -> None:
    """Wait for the pods of the busy resources, let them run, and let their workers be full."""
    deadline = time.monotonic() + PATIENCE
    while True:
        pods = await fleet.pods()
        if all(len(pods.get(name, ())) == PODS_OF_BUSY for name in busy):
            break
        if time.monotonic() > deadline:
            raise SystemExit("the busy resources have no pods")
        await asyncio.sleep(2)
    await fleet.report_running([pod for name in busy for pod in pods[name]])
    for name in busy:
        temporal.report_workers(queue_of(name), pods[name])
    while True:
        statuses = await fleet.statuses()
        if all(statuses[name]["busyReplicas"] == PODS_OF_BUSY for name in busy):
            return
        if time.monotonic() > deadline:
            raise SystemExit("the operator does not see that the workers are busy")
        await asyncio.sleep(2)


async def _settle(fleet: Fleet) -> None:
    """Wait until nobody has written for a while."""
    writes, since, deadline = await fleet.writes(), time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() - since < SETTLED:
        if time.monotonic() > deadline:
            raise SystemExit(f"writes do not end: {writes}")
        await asyncio.sleep(2)
        now = await fleet.writes()
        if now != writes:
            writes, since = now, time.monotonic()


async def _watch_steady(
    fleet: Fleet, temporal: TemporalStandIn, operator: OperatorProcess, steady: float
) -> dict[str, Any]:
    """Return what `steady` seconds cost in which nothing changes."""
    writes, metrics, memory = await fleet.writes(), operator.metrics(), [operator.memory()]
    secrets = await fleet.reads_of_secrets()
    temporal.begin_watch()
    print(f"  steady for {steady:g} s", flush=True)
    began = (time.monotonic(), operator.cpu_seconds())
    while (left := began[0] + steady - time.monotonic()) > 0:
        await asyncio.sleep(min(5.0, left))
        memory.append(operator.memory())
    share, gaps, after = share_of_core(began, operator), temporal.end_watch(), operator.metrics()
    written = {what: count - writes.get(what, 0) for what, count in (await fleet.writes()).items()}
    written = {what: count for what, count in written.items() if count}
    if written:
        print(f"written at steady state: {written}")
    calls = after["temporal_latency_seconds_count"] - metrics["temporal_latency_seconds_count"]
    intervals = _intervals(after)
    late = sorted(gap - intervals[queue] for queue, found in gaps.items() for gap in found)
    return {
        "steady_s": steady,
        "steady_writes": sum(written.values()),
        "secret_reads_per_s": round((await fleet.reads_of_secrets() - secrets) / steady, 2),
        "lateness_p99_ms": round(1000 * late[int(len(late) * 0.99)], 1),
        "effective_interval_s": round(min(intervals.values()), 3),
        "rss_mb": round(max(memory), 1),
        "rss_peak_mb": round(operator.memory("VmHWM"), 1),
        "cpu_share": round(share, 3),
        "calls_per_s": round(calls / steady),
    }


def _intervals(metrics: dict[str, float]) -> dict[str, float]:
    """Return the effective interval of each queue, in seconds."""
    found = {}
    for sample, value in metrics.items():
        if sample.startswith("effective_interval_seconds{"):
            name = sample.partition('name="')[2].partition('"')[0]
            found[queue_of(name)] = value
    return found


def show(rows: list[dict[str, Any]]) -> str:
    """Return the table."""
    goals = [GOALS.get(column, "") for column in COLUMNS]
    lines = [COLUMNS, goals, *([str(row[column]) for column in COLUMNS] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def main() -> None:
    """Measure, print the table, write the raw numbers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator", description=__doc__)
    parser.add_argument("resources", nargs="*", type=int, help=f"numbers of resources {DEFAULT}")
    parser.add_argument("--steady", type=float, default=STEADY, metavar="SECONDS", help=f"to watch ({STEADY:g})")
    given = parser.parse_args()
    target = CHECKOUT / "build" / "bench" / "operator.json"
    logs = target.with_suffix(".logs")
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    rows = []
    for resources in given.resources or DEFAULT:
        print(f"{resources} resources, {given.steady:g} s of steady state ...", flush=True)
        rows.append(asyncio.run(measure(resources, given.steady, logs)))
        print(show(rows), flush=True)
        target.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"raw numbers: {target.relative_to(CHECKOUT)}; what the operator said: {logs.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
