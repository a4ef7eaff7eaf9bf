"""`python -m benchmarks.rendering.windows`: a session of three windows, against each of them by itself.

Three of the project's recordings, cut at their first seconds and put on one clock, are its windows. The user is in each
of them for some seconds in turn; what was done in the others meanwhile is left out. Medians of whole commands.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.rendering.processes import measure

RECORDINGS: Final = Path(__file__).parents[2] / "tests" / "recordings"
WINDOWS: Final = ("form", "long-list", "iframe")
SECONDS: Final = 15
TURN: Final = 2.5  # seconds that the user stays in a window
BY_THE_USER: Final = {1, 2, 3, 4, 5, 6, 7, 12}  # sources of events
FOLLOW: Final = "three windows, followed"


def build_session() -> list[tuple[str, dict[str, Any]]]:
    """Events of all windows with the names of these, on one clock, in order of time."""
    events: list[tuple[str, dict[str, Any]]] = []
    for number, name in enumerate(WINDOWS):
        recorded: list[dict[str, Any]] = json.loads(gzip.decompress((RECORDINGS / f"{name}.json.gz").read_bytes()))
        start = recorded[0]["timestamp"]
        for event in recorded:
            at = event["timestamp"] - start
            is_away = event["type"] == 3 and event["data"]["source"] in BY_THE_USER and _turn(at) != number
            if at <= SECONDS * 1000 and not is_away:
                events.append((name, {**event, "timestamp": 1_760_000_000_000 + at}))
    return sorted(events, key=lambda pair: pair[1]["timestamp"])


def _turn(at_ms: float) -> int:
    """Number of the window that the user is in."""
    return int(at_ms / 1000 / TURN) % len(WINDOWS)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    ways = {FOLLOW: "follow", **{name: name for name in WINDOWS}}
    taken: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        session = folder / "session.jsonl"
        session.write_text("\n".join(json.dumps(pair) for pair in build_session()))
        for _ in range(runs):
            for way, windows in ways.items():
                command = ["video_export_worker", "render", str(session), "-o", str(folder / "video.mp4")]
                command += ["--windows", windows, "--force", "--json"]
                taken[way].append(measure([sys.executable, "-m", *command], {}))
        turns = len(taken[FOLLOW][0]["report"]["time_map"]) - 1
    print(f"{SECONDS} s, the user changes the window {turns} times | wall_s | cpu_s | x_realtime")
    for way, results in taken.items():
        wall, cpu = (statistics.median(result[column] for result in results) for column in ("wall_s", "cpu_s"))
        print(f"{way} | {wall:.2f} | {cpu:.2f} | {SECONDS / wall:.1f}")


if __name__ == "__main__":
    main()
