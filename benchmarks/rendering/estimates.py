"""The work estimate against measured work. `python -m benchmarks.rendering.estimates [NAMES]`.

Work is processor time of this process, the driver and the browser, from the first to the last frame of a recording's
beginning. A row for each recording; the last says how many are within a factor of two.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.rendering.moving import MOVING
from benchmarks.rendering.processes import cpu_seconds
from benchmarks.rendering.sessions import list_events
from video_export_worker.contract import Segment, parse_request
from video_export_worker.pipeline import plan_export, render_segment
from video_export_worker.planning.timeline import restore_timeline
from video_export_worker.planning.work_estimate import estimate_work
from video_export_worker.recording import INDEX_NAME, RecordingLimits, load_index
from video_export_worker.replay.settings import ChromiumSettings

RECORDINGS: Final = Path("tests/recordings")
SECONDS: Final = 5.0  # of each recording
FACTOR: Final = 2.0
GOAL: Final = 0.9  # share of the recordings
LITTLE: Final = 0.25  # seconds that nothing is decided by


@dataclass(frozen=True)
class Comparison:
    """Processor seconds of a recording's frames, as estimated and as measured; and how many frames were captured."""

    name: str
    estimated: float
    measured: float
    captured: int

    @property
    def factor(self) -> float:
        """How many times too small the estimate is; below one where it is too large."""
        return self.measured / self.estimated

    @property
    def is_close(self) -> bool:
        """Whether it is within the factor, or both are next to nothing."""
        return 1 / FACTOR <= self.factor <= FACTOR or max(self.estimated, self.measured) < LITTLE


def list_recordings() -> dict[str, Callable[[], bytes]]:
    """The project's recordings, one with all that moves by itself, each kind alone, and a busy session."""
    stored = {path.name.removesuffix(".json.gz"): path.read_bytes for path in sorted(RECORDINGS.glob("*.json.gz"))}
    made = {name: lambda page=page: json.dumps(page().events).encode() for name, page in MOVING.items()}
    return {**stored, **made, "busy": lambda: json.dumps(list(list_events(20))).encode()}


async def compare(name: str, recording: bytes, folder: Path) -> Comparison:
    """Render the first seconds."""
    source, artefact, workdir = folder / "recording", folder / "artefact", folder / "parts"
    for path in (artefact, workdir):
        path.mkdir()
    source.write_bytes(recording)
    request = parse_request({"recording": "file:///a", "end": SECONDS})
    plan = await plan_export([source], request, artefact, limits=RecordingLimits())
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    estimated = estimate_work(load_index(artefact / INDEX_NAME), timeline).of_frames(range(1, plan.frames))
    seen: list[float] = []
    done = await render_segment(
        artefact,
        request,
        plan,
        Segment(first=0, count=plan.frames),
        workdir,
        chromium=ChromiumSettings(),
        on_progress=lambda done, total: seen.append(max([cpu_seconds(), *seen[-1:]])),
    )
    return Comparison(name, estimated, max(0.001, seen[-1] - seen[0]), done.captured)


def compare_all(names: list[str]) -> Iterator[Comparison]:
    """Compare recordings one after the other; all of them where none is named."""
    known = list_recordings()
    for name in names or known:
        with tempfile.TemporaryDirectory() as folder:
            yield asyncio.run(compare(name, known[name](), Path(folder)))


def count_close(comparisons: list[Comparison]) -> float:
    """The share of recordings whose estimate is within the factor."""
    return sum(comparison.is_close for comparison in comparisons) / len(comparisons)


def main() -> None:
    """Print the table."""
    print("recording | estimated | measured | factor | captured")
    found = []
    for row in compare_all(sys.argv[1:]):
        found.append(row)
        print(
            f"{row.name} | {row.estimated:.2f} s | {row.measured:.2f} s | {row.factor:.2f} | {row.captured}", flush=True
        )
    print(f"within a factor of {FACTOR:g}: {count_close(found):.0%} (goal {GOAL:.0%})")


if __name__ == "__main__":
    main()
