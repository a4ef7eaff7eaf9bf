"""Draws how many times faster than real time each method is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw_speeds(rows: Sequence[dict[str, Any]], target: Path) -> None:
    """One group of bars for each recording, one bar for each method, on a logarithmic scale."""
    recordings = list(dict.fromkeys(row["recording"] for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(methods)
    for number, method in enumerate(methods):
        speeds = {row["recording"]: row["x_realtime"] for row in rows if row["method"] == method}
        places = [recordings.index(name) + (number - (len(methods) - 1) / 2) * width for name in speeds]
        bars = axes.bar(places, list(speeds.values()), width, label=method)
        axes.bar_label(bars, fmt="%.1f", fontsize=7)
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set_ylabel("times faster than real time")
    axes.set_xticks(range(len(recordings)), recordings)
    axes.legend(fontsize=8)
    figure.savefig(target)
