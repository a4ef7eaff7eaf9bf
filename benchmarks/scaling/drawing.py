"""Draws the outcomes, and how many pods there were."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from benchmarks.scaling.simulation import Outcome
from benchmarks.scaling.traces import MINUTE, Trace

COLOURS = {
    "operator": "#d1495b",
    "operator-eager": "#e07a5f",
    "operator-thrifty": "#edae49",
    "keda": "#8d96a3",
    "keda-tuned": "#00798c",
    "keda-running": "#30638e",
    "fixed": "#333333",
}
ACROSS = 4
MARGIN = 2 * MINUTE
SHOWN = 90 * MINUTE
"""Seconds that are drawn: before the first pod, and altogether."""
LINES = ("operator", "keda", "keda-tuned")

# The same drawing has the same bytes, and its text stays text.
matplotlib.rcParams.update({"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 8})


def draw_outcomes(rows: Iterable[Mapping[str, Any]], target: Path) -> None:
    """For each trace, what each policy costs and how long its tasks wait; down and left is better."""
    traces: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        traces.setdefault(row["trace"], []).append(row)
    figure, places = _grid(len(traces), 2.4)
    for place, (name, found) in zip(places, traces.items(), strict=False):
        for row in found:
            mark = "x" if row["interrupted"] else "o"
            place.plot(row["pod_minutes"], row["wait_p99_s"], mark, color=_colour(row["policy"]), markersize=5)
        _scale(place)
        place.set_title(name)
    marks = [Line2D([], [], marker="o", linestyle="", color=colour, label=name) for name, colour in COLOURS.items()]
    places[-1].legend(handles=marks, loc="center", frameon=False)
    figure.supxlabel("pod-minutes")
    figure.supylabel("wait p99, seconds; x: attempts were interrupted")
    _save(figure, target)


def _colour(policy: str) -> str:
    return COLOURS[policy.partition("-")[0] if policy.startswith("fixed") else policy]


def _scale(place: Axes) -> None:
    """Logarithmic from a few seconds on, with as few numbers as tell the size."""
    place.set_xscale("log")
    place.set_yscale("symlog", linthresh=10)
    place.margins(0.15)
    place.set_ylim(bottom=-1)
    low, high = place.get_xlim()
    place.set_xlim(low / 1.3, high * 1.3)
    for axis in (place.xaxis, place.yaxis):
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_locator(NullLocator())
    place.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=5))


def draw_pods(drawn: Mapping[Trace, Mapping[str, Outcome]], target: Path) -> None:
    """For each trace, pods over time in the first run; grey: what waits under the operator, to its own scale."""
    figure, places = _grid(len(drawn), 2.0)
    for place, (trace, outcomes) in zip(places, drawn.items(), strict=False):
        begin = next((at for at, _ in outcomes["operator"].pods), 0.0) - MARGIN
        end = min(trace.until, begin + SHOWN)
        _draw_waiting(place, outcomes["operator"], begin, end)
        for name in LINES:
            times, counts = _steps(outcomes[name], begin, end)
            place.step(times, counts, where="post", color=COLOURS[name], linewidth=0.9)
        place.set_title(trace.name)
    lines = [Line2D([], [], color=COLOURS[name], label=name) for name in LINES]
    places[-1].legend(handles=lines, loc="center", frameon=False)
    figure.supxlabel("minutes")
    figure.supylabel("pods, terminating ones included")
    _save(figure, target)


def _draw_waiting(place: Axes, outcome: Outcome, begin: float, end: float) -> None:
    """Behind the lines, what waits."""
    points = [(at / MINUTE, count) for at, count in outcome.waiting if begin <= at <= end]
    behind = place.twinx()
    behind.fill_between([at for at, _ in points], [count for _, count in points], color="#dddddd", linewidth=0)
    behind.set_ylim(bottom=0)
    behind.set_axis_off()
    place.set_zorder(behind.get_zorder() + 1)
    place.patch.set_visible(False)


def _steps(outcome: Outcome, begin: float, end: float) -> tuple[list[float], list[int]]:
    """Minutes and counts between two times."""
    before = [count for at, count in outcome.pods if at <= begin]
    points = [(begin, before[-1] if before else 0), *((at, count) for at, count in outcome.pods if begin < at <= end)]
    points.append((end, points[-1][1]))
    return [at / MINUTE for at, _ in points], [count for _, count in points]


def _grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure with so many places and one more, for the legend; the last shows no axes."""
    down = math.ceil((count + 1) / ACROSS)
    figure = Figure(figsize=(3.0 * ACROSS, height * down), layout="constrained")
    places = list(figure.subplots(down, ACROSS, squeeze=False).flat)
    for place in places[:count]:
        place.spines[["top", "right"]].set_visible(False)
    for place in places[count:]:
        place.set_axis_off()
    return figure, places


def _save(figure: Figure, target: Path) -> None:
    figure.savefig(target, metadata={"Date": None})
