"""`python -m benchmarks.scaling [TRACE ...]`: every policy over every trace; a table, raw numbers and drawings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.scaling.drawing import draw_outcomes, draw_pods
from benchmarks.scaling.lineup import play
from benchmarks.scaling.simulation import Outcome
from benchmarks.scaling.table import lines_of
from benchmarks.scaling.traces import TRACES, Trace
from benchmarks.scaling.verdict import judge

CHECKOUT = Path(__file__).parents[2]
TARGET = CHECKOUT / "build" / "bench"
FILES = "scaling.json (all numbers), scaling.md (the table of docs/scaling.md), scaling.svg, scaling-pods.svg"
COLUMNS = {
    "trace": "trace",
    "policy": "policy",
    "first_pod_s": "first pod, s",
    "wait_p50_s": "wait p50, s",
    "wait_p99_s": "wait p99, s",
    "export_p99_s": "export p99, s",
    "interrupted": "interrupted",
    "pod_minutes": "pod-minutes",
    "operator_is": "operator is",
}


def rows_of(trace: Trace, outcomes: Iterable[tuple[str, Outcome]]) -> Iterator[dict[str, Any]]:
    """The numbers of each policy, and how the first one compares with it."""
    first: dict[str, float | int] | None = None
    for policy, outcome in outcomes:
        numbers = outcome.summary()
        first = numbers if first is None else first
        verdict = "" if numbers is first else judge(first, numbers)
        yield {"trace": trace.name, "policy": policy, **numbers, "runs": trace.runs, "operator_is": verdict}


def main() -> None:
    """Simulate, print the table, write the raw numbers, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [trace.name for trace in TRACES]
    parser.add_argument("traces", nargs="*", metavar="TRACE", help=f"by default all: {', '.join(names)}")
    given = parser.parse_args()
    if unknown := set(given.traces) - set(names):
        parser.error(f"no trace is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    rows: list[dict[str, Any]] = []
    drawn: dict[Trace, dict[str, Outcome]] = {}
    print(f"| {' | '.join(COLUMNS.values())} |\n|{' --- |' * len(COLUMNS)}")
    for trace in (trace for trace in TRACES if not given.traces or trace.name in given.traces):
        drawn[trace] = {}
        pairs = ((name, drawn[trace].setdefault(name, outcome)) for name, outcome in play(trace))
        for row in rows_of(trace, pairs):
            rows.append(row)
            print(f"| {' | '.join(str(row[column]) for column in COLUMNS)} |", flush=True)
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "scaling.json").write_text(json.dumps(rows, indent=2) + "\n")
    (TARGET / "scaling.md").write_text("\n".join(lines_of(rows)) + "\n")
    draw_outcomes(rows, TARGET / "scaling.svg")
    draw_pods(drawn, TARGET / "scaling-pods.svg")
    print(f"in {TARGET.relative_to(CHECKOUT)}: {FILES}")


if __name__ == "__main__":
    main()
