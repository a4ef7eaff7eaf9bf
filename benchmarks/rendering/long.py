"""`python -m benchmarks.rendering.long`: what long recordings cost, as a table and in build/bench/long.json."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.rendering.processes import measure
from benchmarks.rendering.sessions import write_session
from video_export_worker.contract import VideoExportRequest
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.planning.work_estimate import estimate_work
from video_export_worker.recording import RecordingLimits, parse_recording

TARGET = Path("build/bench/long.json")


@dataclass(frozen=True)
class Row:
    """A figure and what it should be at most."""

    name: str
    value: float
    goal: float
    unit: str


def render_late(folder: Path) -> Row:
    """Ten seconds at the end of an hour that has one snapshot, as a whole command."""
    source = folder / "hour.json.gz"
    write_session(source, 60)
    command = [sys.executable, "-m", "video_export_worker", "render", str(source), "-o", str(folder / "late.mp4")]
    measured = measure([*command, "--start", "3580", "--end", "3590", "--json"], {})
    return Row("render --start 3580 --end 3590 of an hour with one snapshot", round(measured["wall_s"], 1), 15, "s")


def share_out(folder: Path, snapshot_minutes: float | None, goal: float) -> Row:
    """Work of all segments of two busy hours against that of one piece, as the work estimate has it."""
    source = folder / "hours.json.gz"
    write_session(source, 120, snapshot_minutes=snapshot_minutes)
    with source.open("rb") as file:
        recording = parse_recording([iter(lambda: file.read(1 << 20), b"")])
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    plan = build_plan(recording.index, request, RecordingLimits())
    work = estimate_work(recording.index, build_timeline(request, recording.duration_ms, [], 1e9))
    segments = [range(segment.first, segment.first + segment.count) for segment in plan.segments]
    total = sum(work.of(segment) for segment in segments) / work.of(range(plan.frames))
    how = f"snapshots every {snapshot_minutes:g} min" if snapshot_minutes else "one snapshot"
    return Row(
        f"work of {len(segments)} segments of two busy hours against one piece, {how}", round(total, 2), goal, "x"
    )


def main() -> None:
    """Measure, print, and keep the rows that other measures put into the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [render_late(folder), share_out(folder, 5, 1.15), share_out(folder, None, 1.4)]
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(TARGET.read_text()) if TARGET.exists() else []
    names = {row.name for row in rows}
    kept = [row for row in known if row["name"] not in names]
    TARGET.write_text(json.dumps([*kept, *map(asdict, rows)], indent=2) + "\n")
    print("what | value | goal")
    for row in rows:
        print(f"{row.name} | {row.value:g} {row.unit} | {row.goal:g} {row.unit}")


if __name__ == "__main__":
    main()
