"""`python -m benchmarks.rendering [RECORDING ...]`: whole commands, in turn, medians of several runs.

What is timed is all that a user waits for: interpreter, Playwright, browser, capture, encoding, verification.
CPU seconds and memory are those of all processes of a run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
RECORDINGS = CHECKOUT / "tests" / "recordings"
DEFAULT = ("form", "animations", "canvas", "long-list", "idle")
SAMPLE = 0.1  # seconds between two looks at the memory


def product(recording: Path, output: Path) -> list[str]:
    """The command that users run."""
    return [
        sys.executable,
        "-m",
        "video_export_worker",
        "render",
        str(recording),
        "-o",
        str(output),
        "--force",
        "--json",
    ]


def every_frame(recording: Path, output: Path) -> list[str]:
    """The baseline."""
    return [sys.executable, "-m", "benchmarks.rendering.every_frame", str(recording), str(output)]


METHODS: dict[str, Callable[[Path, Path], list[str]]] = {"product": product, "every-frame": every_frame}


def measure(command: list[str]) -> dict[str, Any]:
    """Run a command in a session of its own; return what it printed and what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, start_new_session=True)
    peak = [0.0]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE):
            peak[0] = max(peak[0], memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed, _ = process.communicate()
    ended.set()
    watcher.join()
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "cpu_s": cpu, "peak_rss_mb": peak[0], "report": json.loads(printed)}


def memory_of(leader: int) -> float:
    """Resident megabytes of all processes below `leader`, what they share counted in parts."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = {leader}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(map(_proportional_size, family)) / 1024


def _proportional_size(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def duration_of(video: Path) -> float:
    """Seconds."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(video)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(recording: Path, runs: int) -> list[dict[str, Any]]:
    """Measure every method on a recording, in turn; the medians."""
    taken: dict[str, list[dict[str, Any]]] = {method: [] for method in METHODS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for method, command in METHODS.items():
                video = Path(folder) / f"{method}.mp4"
                result = measure(command(recording, video))
                result["x_realtime"] = duration_of(video) / result["wall_s"]
                taken[method].append(result)
    return [_summarise(recording, method, results) for method, results in taken.items()]


def _summarise(recording: Path, method: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {
        name: round(statistics.median(result[name] for result in results), 2)
        for name in ("x_realtime", "wall_s", "cpu_s", "peak_rss_mb")
    }
    report = results[-1]["report"]
    captures = report.get("captures", report.get("captured"))
    name = recording.name.partition(".")[0]
    return {"recording": name, "method": method, **figures, "captures": captures, "steps": report["steps"]}


def main() -> None:
    """Measure, print the table, write the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="recordings; by default the project's own")
    parser.add_argument("--runs", type=int, default=5, help="runs of each method (5)")
    given = parser.parse_args()
    rows = []
    header = ("recording", "method", "x_realtime", "wall_s", "cpu_s", "peak_rss_mb", "captures", "steps")
    print(" | ".join(header))
    for recording in given.recordings or [RECORDINGS / f"{name}.json.gz" for name in DEFAULT]:
        for row in run(recording, given.runs):
            rows.append(row)
            print(" | ".join(str(row[name]) for name in header), flush=True)
    target = CHECKOUT / "build" / "bench" / "render.json"
    os.makedirs(target.parent, exist_ok=True)
    target.write_text(json.dumps(rows, indent=2) + "\n")
    print(f"raw numbers: {target.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
