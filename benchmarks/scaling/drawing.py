"""Draws the outcomes, and how many pods there were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.scaling.simulation import Outcome
from benchmarks.scaling.traces import Trace

COLOURS = {
    "operator": "#d1495b",
    "operator-30s": "#edae49",
    "keda": "#8d96a3",
    "keda-tuned": "#00798c",
    "keda-running": "#30638e",
}
FIXED = "#555555"
ACROSS = 4
LINES = ("operator", "keda", "keda-tuned")

# The same drawing has the same bytes, and its text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 8})


def draw_outcomes(rows: Iterable[Mapping[str, Any]], target: Path) -> None:
    """For each trace, what each policy costs and how long its tasks wait; down and left is better."""
    traces: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        traces.setdefault(row["trace"], []).append(row)
    figure, places = _grid(len(traces), 2.6)
    for place, (name, found) in zip(places, traces.items(), strict=False):
        for row in found:
            _draw_policy(place, row)
        place.set_title(name)
        place.set_xscale("log")
        place.set_ylim(bottom=-0.05 * max(1.0, place.get_ylim()[1]))
        place.margins(0.25)
    figure.supxlabel("pod-minutes")
    figure.supylabel("wait p99, seconds; x: attempts were interrupted")
    _save(figure, target)


def _draw_policy(place: Axes, row: Mapping[str, Any]) -> None:
    name = row["policy"]
    colour = COLOURS.get(name, FIXED)
    at = (row["pod_minutes"], row["wait_p99_s"])
    place.plot(*at, "x" if row["interrupted"] else "o", color=colour, markersize=6)
    place.annotate(name, at, xytext=(4, 3), textcoords="offset points", color=colour, fontsize=6)


def draw_pods(drawn: Mapping[Trace, Mapping[str, Outcome]], target: Path) -> None:
    """For each trace, pods over time in the first run; grey: what waits under the operator, to its own scale."""
    figure, places = _grid(len(drawn), 2.2)
    for place, (trace, outcomes) in zip(places, drawn.items(), strict=False):
        for name in LINES:
            times, counts = _steps(outcomes[name], trace.until)
            place.step(times, counts, where="post", color=COLOURS[name], linewidth=0.9, label=name)
        waiting = place.twinx()
        sampled = outcomes["operator"].waiting[::4]
        waiting.fill_between([at / 60 for at, _ in sampled], [count for _, count in sampled], color="#dddddd")
        waiting.set_yticks([])
        place.set_zorder(waiting.get_zorder() + 1)
        place.patch.set_visible(False)
        place.set_title(trace.name)
    places[0].legend(fontsize=6, frameon=False)
    figure.supxlabel("minutes")
    figure.supylabel("pods, terminating ones included")
    _save(figure, target)


def _steps(outcome: Outcome, until: float) -> tuple[list[float], list[int]]:
    """Minutes and counts, from the beginning to the end."""
    points = [(0.0, 0), *outcome.pods]
    points.append((until, points[-1][1]))
    return [at / 60 for at, _ in points], [count for _, count in points]


def _grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with so many places; those that are left over show nothing."""
    down = math.ceil(count / ACROSS)
    figure = Figure(figsize=(3.2 * min(count, ACROSS), height * down), layout="constrained")
    places = list(figure.subplots(down, min(count, ACROSS), squeeze=False).flat)
    for place in places:
        place.spines[["top", "right"]].set_visible(False)
    for place in places[count:]:
        place.set_axis_off()
    return figure, places


def _save(figure: Figure, target: Path) -> None:
    figure.savefig(target, metadata={"Date": None})
