"""`python -m benchmarks.rendering [RECORDING ...]`: whole commands, in turn, medians of several runs.

What is timed is all that a user waits for: interpreter, Playwright, browser, capture, encoding, verification.
`RRVIDEO=command` compares rrvideo too: a command that takes a recording and a path.
CPU seconds and memory are those of all processes of a run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.drawing import draw_speeds
from benchmarks.rendering.processes import measure
from benchmarks.rendering.rrvideo import COMMAND

CHECKOUT: Final = Path(__file__).parents[2]
RECORDINGS: Final = CHECKOUT / "tests" / "recordings"
DEFAULT: Final = ("form", "animations", "canvas", "long-list", "idle")
IDLE: Final = "idle"  # ten minutes, of which other methods render every frame: for them it is left out
FOLDER: Final = CHECKOUT / "build" / "bench"
COLUMNS: Final = (
    "recording",
    "method",
    "x_realtime",
    "x_realtime_in_worker",
    "fps",
    "wall_s",
    "cpu_s",
    "peak_rss_mb",
    "captures",
    "steps",
)


@dataclass(frozen=True)
class Method:
    """A way to make a video: a command that takes the recording and the video's path."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_baseline: bool = False

    def build(self, recording: Path, video: Path) -> list[str]:
        """The command."""
        paths = {"RECORDING": str(recording), "VIDEO": str(video)}
        return [sys.executable, "-m", *(paths.get(word, word) for word in self.command)]


RENDER: Final = ("video_export_worker", "render", "RECORDING", "-o", "VIDEO", "--force", "--json")
METHODS: Final = (
    Method("product", RENDER),
    Method("in-worker", ("benchmarks.rendering.in_worker", "RECORDING", "VIDEO")),
    Method("product-screenshots", RENDER, {"VIDEO_EXPORT_CHROMIUM_CAPTURE": "screenshot"}),
    Method("every-frame", ("benchmarks.rendering.every_frame", "RECORDING", "VIDEO"), is_baseline=True),
    Method("real-time", ("benchmarks.rendering.real_time", "RECORDING", "VIDEO"), is_baseline=True),
    *(
        [Method("rrvideo", ("benchmarks.rendering.rrvideo", "RECORDING", "VIDEO"), is_baseline=True)]
        if COMMAND in os.environ
        else []
    ),
)


def duration_of(video: Path) -> float:
    """Seconds."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(video)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(recording: Path, runs: int, baseline_runs: int) -> list[dict[str, Any]]:
    """Measure every method on a recording, in turn; the medians."""
    name = recording.name.partition(".")[0]
    methods = [method for method in METHODS if not (method.is_baseline and name == IDLE)]
    taken: dict[str, list[dict[str, Any]]] = {method.name: [] for method in methods}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(max(runs, baseline_runs)):
            for method in methods:
                if turn >= (baseline_runs if method.is_baseline else runs):
                    continue
                video = Path(folder) / f"{method.name}.mp4"
                result = measure(method.build(recording, video), method.environment)
                seconds = duration_of(video)
                result["x_realtime"], result["fps"] = seconds / result["wall_s"], seconds * 25 / result["wall_s"]
                taken[method.name].append(result)
    # Not a method of its own, but the product's time without the start of interpreter and driver.
    inside = [result["report"]["wall_seconds"] for result in taken.pop("in-worker")]
    rows = [_summarise(name, method, results) for method, results in taken.items() if results]
    for row in rows:
        seconds = row["x_realtime"] * row["wall_s"]
        row["x_realtime_in_worker"] = (
            round(seconds / statistics.median(inside), 2) if row["method"] == "product" else None
        )
    return rows


def _summarise(recording: str, method: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    def median(name: str) -> float:
        return round(float(statistics.median(result[name] for result in results)), 2)

    figures = {name: median(name) for name in ("x_realtime", "fps", "wall_s", "cpu_s", "peak_rss_mb")}
    last = results[-1]
    report = last["report"]
    return {
        "recording": recording,
        "method": method,
        **figures,
        "captures": report.get("captures", report.get("captured")),
        "steps": report["steps"],
        "runs": len(results),
        "wall_s_of_runs": [round(result["wall_s"], 2) for result in results],
        "cpu_s_by_part": {part: round(seconds, 2) for part, seconds in sorted(last["cpu_by_part"].items())},
    }


def main() -> None:
    """Measure, print the table and the profile, write the raw numbers and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="recordings; by default the project's own")
    parser.add_argument("--runs", type=int, default=5, help="runs of the product (5)")
    parser.add_argument("--baseline-runs", type=int, default=5, help="runs of what it is compared with (5)")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    print(" | ".join(COLUMNS))
    for recording in given.recordings or [RECORDINGS / f"{name}.json.gz" for name in DEFAULT]:
        for row in run(recording, given.runs, given.baseline_runs):
            rows.append(row)
            print(" | ".join(str(row[name]) for name in COLUMNS), flush=True)
    print("\nwhere the processor time of the product's last run went, in seconds")
    for row in rows:
        if row["method"] == "product":
            print(f"{row['recording']}: {row['cpu_s_by_part']}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "render.json").write_text(json.dumps(rows, indent=2) + "\n")
    draw_speeds(rows, FOLDER / "render.svg")
    print(f"raw numbers and plot: {(FOLDER / 'render.json').relative_to(CHECKOUT)}, render.svg")


if __name__ == "__main__":
    main()
