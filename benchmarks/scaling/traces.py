"""What arrives: exports of the project's own shape, at times drawn with a seed, so that all policies see the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class Step:
    """One activity.

    Attributes:
        seconds: that the attempt which succeeds takes.
        retries: pauses before the next attempt; each attempt before the last fails.
    """

    seconds: float
    retries: tuple[float, ...] = ()


@dataclass(frozen=True)
class Export:
    """One workflow: stages after each other, the steps of a stage side by side.

    Attributes:
        terminated_at: when somebody terminates it.
        tenant: the fairness key.
        pinned_stage: the activities of this stage are for a version of the worker that nobody runs any more.
    """

    at: float
    stages: tuple[tuple[Step, ...], ...]
    tenant: str = "one"
    terminated_at: float | None = None
    pinned_stage: int | None = None


@dataclass(frozen=True)
class Trace:
    """A load, and what the resource says about it.

    Attributes:
        exports: from a seed.
        until: the end of the simulation, in seconds.
        runs: seeds to simulate.
        outages: from when to when Temporal does not answer those who scale; workers still reach it.
        refusals: from when to when Temporal does not say what the workers do (ListWorkers).
        rate_limit: activities a second that the queue hands out at most.
        scaling: settings of the resource beside the defaults.
        grace: seconds from SIGTERM to SIGKILL; the operator's default.
    """

    name: str
    about: str
    exports: Callable[[Random], list[Export]]
    until: float
    runs: int = 10
    outages: tuple[tuple[float, float], ...] = ()
    refusals: tuple[tuple[float, float], ...] = ()
    rate_limit: float | None = None
    scaling: Mapping[str, Any] = field(default_factory=dict, hash=False)
    grace: float = 300.0


def export(at: float, random: Random, segments: int | None = None, tenant: str = "one") -> Export:
    """An ordinary one: plan, some segments of a few to thirty seconds, assemble, discard the parts."""
    count = segments or random.randint(1, 5)
    return Export(
        at,
        (
            (Step(random.uniform(1, 4)),),
            tuple(Step(random.uniform(5, 30)) for _ in range(count)),
            (Step(random.uniform(2, 8)),),
            (Step(0.5),),
        ),
        tenant,
    )


def arrivals(random: Random, begin: float, end: float, rate: Callable[[float], float], peak: float) -> Iterator[float]:
    """Times of a Poisson process whose rate (a second) changes, at most `peak`."""
    at = begin
    while (at := at + random.expovariate(peak)) < end:
        if random.random() * peak < rate(at):
            yield at


def _start(random: Random) -> float:
    """Some time after the scalers began, anywhere in their intervals."""
    return 10 * MINUTE + random.uniform(0, 30)


def burst(random: Random) -> list[Export]:
    at = _start(random)
    return [export(at + random.uniform(0, 2), random) for _ in range(40)]


def single(random: Random) -> list[Export]:
    return [export(_start(random), random, segments=2)]


def daily_wave(random: Random) -> list[Export]:
    """Nothing at night, up to 12 a minute at noon."""
    peak = 12 / MINUTE
    times = arrivals(random, 0, 24 * HOUR, lambda at: peak * max(0.0, -math.cos(2 * math.pi * at / 24 / HOUR)), peak)
    return [export(at, random) for at in times]


def tenants_thousand(random: Random) -> list[Export]:
    begin = _start(random)
    thousand = [export(begin + number * 0.02, random, tenant="big") for number in range(1000)]
    others = arrivals(random, begin, begin + HOUR, lambda _: 1 / (3 * MINUTE), 1 / (3 * MINUTE))
    return thousand + [export(at, random, tenant=f"small-{number}") for number, at in enumerate(others)]


def phantom(random: Random) -> list[Export]:
    """500 are started by mistake and terminated seconds later, before any worker has polled; then a few real ones."""
    begin = _start(random)
    mistakes = [export(begin + number * 0.002, random) for number in range(500)]
    real = [export(begin + 20 * MINUTE + random.uniform(0, 5), random) for _ in range(5)]
    gone = [Export(each.at, each.stages, each.tenant, begin + 4.0) for each in mistakes]
    return gone + real


def retries(random: Random) -> list[Export]:
    """What a segment needs is not there for a while: pauses longer than any window, invisible to the backlog."""
    begin = _start(random)

    def failing(at: float) -> Export:
        return Export(at, ((Step(2),), (Step(20, retries=(60, 150, 240)),), (Step(4),), (Step(0.5),)))

    return [failing(begin + random.uniform(0, 30)) for _ in range(12)]


def under_load(random: Random) -> list[Export]:
    """Six exports a minute for 40 minutes."""
    begin, rate = _start(random), 6 / MINUTE
    return [export(at, random) for at in arrivals(random, begin, begin + 40 * MINUTE, lambda _: rate, rate)]


def trickle(random: Random) -> list[Export]:
    """One every 90 s on average for 4 hours."""
    rate = 1 / 90
    return [export(at, random) for at in arrivals(random, _start(random), 4 * HOUR, lambda _: rate, rate)]


def rare(random: Random) -> list[Export]:
    """One every 15 minutes on average for 8 hours."""
    rate = 1 / (15 * MINUTE)
    return [export(at, random) for at in arrivals(random, _start(random), 8 * HOUR, lambda _: rate, rate)]


def sawtooth(random: Random) -> list[Export]:
    """Twenty at once, every five minutes."""
    begin = _start(random)
    return [export(begin + turn * 5 * MINUTE, random) for turn in range(12) for _ in range(20)]


def long_steps(random: Random) -> list[Export]:
    """A GIF of hours, or an application's own worker: single activities of 4 to 15 minutes, in small groups."""
    begin = _start(random)
    times = [begin + group * 12 * MINUTE + random.uniform(0, 6 * MINUTE) for group in range(10) for _ in range(6)]
    return [
        Export(at, ((Step(3),), (Step(random.uniform(4 * MINUTE, 15 * MINUTE)),), (Step(4),), (Step(0.5),)))
        for at in times
    ]


def pinned(random: Random) -> list[Export]:
    """Twenty exports whose segments are pinned to a version that nobody runs; later two ordinary ones a minute."""
    begin = _start(random)
    stuck = [replace(export(begin + random.uniform(0, 20), random), pinned_stage=1) for _ in range(20)]
    ordinary = arrivals(random, begin + 10 * MINUTE, begin + 50 * MINUTE, lambda _: 2 / MINUTE, 2 / MINUTE)
    return stuck + [export(at, random) for at in ordinary]


def backfill(random: Random) -> list[Export]:
    """A hundred exports at once."""
    begin = _start(random)
    return [export(begin + random.uniform(0, 5), random) for _ in range(100)]


FLOOR = {"whenUnreachable": {"after": "1m", "replicas": 2}}

TRACES: tuple[Trace, ...] = (
    Trace("single", "one export from zero", single, 20 * MINUTE, runs=60),
    Trace("burst", "40 exports at once from zero", burst, 40 * MINUTE, runs=50),
    Trace("thousand", "one tenant's thousand, others' single ones", tenants_thousand, 4 * HOUR, runs=3),
    Trace("wave", "a day: quiet nights, 12 exports a minute at noon", daily_wave, 25 * HOUR, runs=2),
    Trace("sawtooth", "20 exports every 5 minutes", sawtooth, 2 * HOUR, runs=6),
    Trace("trickle", "an export every 90 s", trickle, 5 * HOUR, runs=5),
    Trace("rare", "an export every 15 minutes", rare, 9 * HOUR, runs=5),
    Trace("long", "activities of 4 to 15 minutes, a grace of 5", long_steps, 3.5 * HOUR, runs=30),
    Trace("long-grace", "the same with a grace of 16 minutes", long_steps, 3.5 * HOUR, runs=30, grace=16 * MINUTE),
    Trace("phantom", "500 exports terminated before anybody polled", phantom, 50 * MINUTE, runs=20),
    Trace("retries", "attempts minutes apart", retries, 50 * MINUTE, runs=20),
    Trace(
        "away-busy",
        "Temporal unreachable for 15 minutes under load",
        under_load,
        80 * MINUTE,
        outages=((25 * MINUTE, 40 * MINUTE),),
        scaling=FLOOR,
    ),
    Trace(
        "away-at-zero",
        "Temporal unreachable while the first exports come",
        under_load,
        80 * MINUTE,
        outages=((9 * MINUTE, 24 * MINUTE),),
        scaling=FLOOR,
    ),
    Trace("pinned", "20 exports pinned to a version that is gone, then ordinary ones", pinned, 80 * MINUTE),
    Trace("limited", "100 exports on a queue of one activity in 2 s", backfill, 45 * MINUTE, rate_limit=0.5),
    Trace(
        "unlisted",
        "under load, Temporal does not list the workers for 20 minutes",
        under_load,
        80 * MINUTE,
        refusals=((25 * MINUTE, 45 * MINUTE),),
    ),
    Trace(
        "slow-polls",
        "20 exports every 5 minutes, Temporal asked every 132 s",
        sawtooth,
        2 * HOUR,
        runs=6,
        scaling={"pollInterval": "132s"},
    ),
)
