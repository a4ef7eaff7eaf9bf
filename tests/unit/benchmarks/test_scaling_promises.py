"""What docs/scaling.md says of the operator's own rules, held on short runs of the benchmark."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.scaling.__main__ import rows_of
from benchmarks.scaling.keda import Keda
from benchmarks.scaling.lineup import EAGER, build_spec, play, tuned
from benchmarks.scaling.policies import Operator
from benchmarks.scaling.simulation import Outcome, simulate
from benchmarks.scaling.traces import TRACES, Trace

PAGE = Path(__file__).parents[3] / "docs" / "scaling.md"
BY_NAME = {trace.name: trace for trace in TRACES}


def short(name: str, runs: int = 2) -> Trace:
    return replace(BY_NAME[name], runs=runs)


def ours(trace: Trace, **scaling: object) -> Outcome:
    return simulate(trace, functools.partial(Operator, spec=build_spec({**trace.scaling, **scaling})))


@pytest.mark.parametrize("name", ["single", "burst", "sawtooth", "phantom", "retries", "away-busy", "away-at-zero"])
def test_everything_is_done_nothing_is_interrupted_and_it_returns_to_zero(name: str) -> None:
    outcome = ours(short(name, runs=1))
    assert (outcome.interrupted, outcome.unfinished) == (0, 0)
    assert outcome.pods[-1][1] == 0


def test_long_activities_outlive_their_neighbours_pods() -> None:
    outcome = ours(short("long-grace"))
    assert (outcome.interrupted, outcome.unfinished) == (0, 0)


def test_work_begun_after_the_last_heartbeat_is_not_interrupted_however_long_it_takes() -> None:
    """What begins between the last look and the end of polling, 0.45 s, and then outlasts the grace is rare."""
    outcome = ours(short("long", runs=8))
    assert (outcome.interrupted, outcome.unfinished) == (0, 0)


def test_a_phantom_backlog_costs_no_more_than_the_first_step() -> None:
    def most(outcome: Outcome) -> int:
        return max(count for at, count in outcome.pods if at < 20 * 60)

    trace = short("phantom")
    others = simulate(trace, functools.partial(Keda, settings=tuned(build_spec({}))))
    assert (most(ours(trace)), most(others)) == (2, 10)


def most_pods(outcome: Outcome, begin: float, end: float) -> int:
    """The most pods between two times, in minutes."""
    before = [count for at, count in outcome.pods if at <= begin * 60]
    return max([*before[-1:], *(count for at, count in outcome.pods if begin * 60 < at < end * 60)])


def test_tasks_that_nobody_takes_keep_no_pods() -> None:
    """They are pinned; until that is sure as many pods are made as they ask for."""
    outcome = ours(short("pinned", runs=1))
    assert most_pods(outcome, 10, 16) == 10
    assert most_pods(outcome, 17, 20) == 1
    assert most_pods(outcome, 30, 80) < 10, "and what comes beside them gets what it needs"
    assert outcome.unfinished == 0


def test_a_rate_limit_gets_the_pods_that_it_can_fill_and_nothing_waits_longer() -> None:
    trace = short("limited", runs=1)
    outcome, others = ours(trace), simulate(trace, functools.partial(Keda, settings=tuned(build_spec({}))))
    assert most_pods(outcome, 16, 30) <= 6 < most_pods(others, 16, 30)
    assert outcome.summary()["wait_p50_s"] <= others.summary()["wait_p50_s"] * 1.03


def test_work_that_comes_while_workers_are_not_listed_gets_its_pods() -> None:
    outcome = ours(short("unlisted", runs=1))
    assert (outcome.interrupted, outcome.unfinished) == (0, 0)
    assert outcome.summary()["wait_p99_s"] < 20


def test_an_interval_longer_than_the_window_does_not_empty_it() -> None:
    trace = short("slow-polls", runs=1)
    outcome = ours(trace)
    assert (outcome.interrupted, outcome.unfinished) == (0, 0)


def test_a_run_with_interruptions_can_be_repeated_too() -> None:
    first, second = (simulate(short("long"), functools.partial(Keda, settings=tuned(build_spec({})))) for _ in "12")
    assert first.interrupted > 10
    assert first == second


def test_a_larger_first_step_makes_a_burst_begin_sooner() -> None:
    trace = short("burst", runs=4)
    assert ours(trace, **EAGER).summary()["wait_p50_s"] < ours(trace).summary()["wait_p50_s"]


def test_the_raw_numbers_have_the_promised_names() -> None:
    rows = list(rows_of(short("single"), play(short("single"))))
    wanted = {"trace", "policy", "wait_p50_s", "wait_p99_s", "interrupted", "pod_minutes", "first_pod_s"}
    assert all(wanted <= row.keys() for row in rows)
    assert [row["policy"] for row in rows] == [
        "operator", "operator-eager", "operator-thrifty", "keda", "keda-tuned", "keda-running", "fixed-1", "fixed-10",
    ]  # fmt: skip


def test_the_page_tells_of_every_trace() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in BY_NAME if f"| {name} |" not in page] == []
