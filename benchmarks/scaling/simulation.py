"""Runs one policy over one trace, with one seed after another, and sums up what came of it."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.cluster import Deployment
from benchmarks.scaling.policies import Policy, World
from benchmarks.scaling.temporal import TaskQueue
from benchmarks.scaling.traces import Trace

SLOTS = 2
SAMPLE = 5.0
"""Seconds between two points of a drawn line."""


@dataclass(frozen=True)
class Outcome:
    """What a policy did to a trace, over all seeds.

    Attributes:
        waits: seconds from when each attempt could have begun until it did.
        turnarounds: seconds from the start of each export until it was done.
        unfinished: exports that were not done at the end.
        interrupted: attempts that ended because their pod was stopped.
        raced: those of them that had begun only after somebody decided that the pod goes, before it heard of that.
        pod_minutes: in one run, from the creation of each pod until it was gone; the mean.
        first_pod: seconds from the first task until a worker polled; the mean.
        pods: of the first seed: times and how many pods there were, terminating ones included.
        waiting: of the first seed: times and how many tasks waited.
    """

    waits: list[float] = field(default_factory=list)
    turnarounds: list[float] = field(default_factory=list)
    unfinished: int = 0
    interrupted: int = 0
    raced: int = 0
    pod_minutes: float = 0.0
    first_pod: float = 0.0
    pods: Sequence[tuple[float, int]] = ()
    waiting: Sequence[tuple[float, int]] = ()

    def summary(self) -> dict[str, float | int]:
        """The numbers of the table."""
        return {
            "first_pod_s": round(self.first_pod, 1),
            "wait_p50_s": round(percentile(self.waits, 50), 1),
            "wait_p99_s": round(percentile(self.waits, 99), 1),
            "export_p99_s": round(percentile(self.turnarounds, 99), 1),
            "interrupted": self.interrupted,
            "pod_minutes": round(self.pod_minutes, 1),
            "unfinished": self.unfinished,
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)] if ordered else 0.0


def simulate(trace: Trace, policy: Policy, grace: float | None = None) -> Outcome:
    """Run a policy over a trace with each of its seeds; without a grace of its own, with that of the trace."""
    outcomes = [_run(trace, policy, trace.grace if grace is None else grace, seed) for seed in range(trace.runs)]
    return Outcome(
        waits=[wait for each in outcomes for wait in each.waits],
        turnarounds=[time for each in outcomes for time in each.turnarounds],
        unfinished=sum(each.unfinished for each in outcomes),
        interrupted=sum(each.interrupted for each in outcomes),
        raced=sum(each.raced for each in outcomes),
        pod_minutes=sum(each.pod_minutes for each in outcomes) / trace.runs,
        first_pod=sum(each.first_pod for each in outcomes) / trace.runs,
        pods=outcomes[0].pods,
        waiting=outcomes[0].waiting,
    )


def _run(trace: Trace, policy: Policy, grace: float, seed: int) -> Outcome:
    """One seed. What a policy does changes nothing of what arrives and how long pods take to start."""
    name = f"{trace.name} {seed}"
    clock = Clock()
    queue = TaskQueue(clock, Random(f"{name} queue"), trace.outages, trace.refusals, trace.rate_limit)
    deployment = Deployment(clock, name, queue, SLOTS, grace)
    exports = trace.exports(Random(name))
    for each in exports:
        clock.at(each.at, functools.partial(queue.start, each))
    waiting = _watch(clock, queue)
    policy(World(clock, Random(f"{name} policy"), queue, deployment))
    clock.run(trace.until)
    wanted = [run for run in queue.runs if run.export.terminated_at is None and run.export.pinned_stage is None]
    done = [run.closed_at - run.export.at for run in wanted if run.closed_at is not None]
    first_poll = clock.now if queue.first_poll is None else queue.first_poll
    return Outcome(
        waits=queue.waits,
        turnarounds=done,
        unfinished=len(wanted) - len(done),
        interrupted=queue.interrupted,
        raced=queue.raced,
        pod_minutes=deployment.finish() / 60.0,
        first_pod=max(0.0, first_poll - min(each.at for each in exports)),
        pods=tuple(deployment.history),
        waiting=waiting,
    )


def _watch(clock: Clock, queue: TaskQueue) -> list[tuple[float, int]]:
    """Return a list to which times and numbers of waiting tasks will be added."""
    seen: list[tuple[float, int]] = []
    clock.every(SAMPLE, lambda: seen.append((clock.now, queue.waiting_activities + queue.waiting_workflows)), 0.0)
    return seen
