"""The outcomes as one line for each trace, for docs/scaling.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

HEADINGS = ("trace", "operator", "keda", "keda-tuned", "keda-running", "fixed, as many on average", "fixed, the most")


def lines_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of a Markdown table; each cell has wait p50 / p99 in seconds, then pod-minutes."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield f"|{' --- |' * len(HEADINGS)}"
    traces: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        traces.setdefault(row["trace"], []).append(row)
    for name, found in traces.items():
        cells = {row["policy"]: _cell(row) for row in found}
        fixed = [f"{policy.removeprefix('fixed-')}: {cell}" for policy, cell in cells.items() if "fixed" in policy]
        yield f"| {' | '.join([name, *(cells[policy] for policy in HEADINGS[1:5]), *fixed])} |"


def _cell(row: Mapping[str, Any]) -> str:
    interrupted = f", **{row['interrupted']} interrupted**" if row["interrupted"] else ""
    return f"{row['wait_p50_s']:g} / {row['wait_p99_s']:g}, {row['pod_minutes']:g}{interrupted}"
