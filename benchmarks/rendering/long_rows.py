"""The measurements behind `make bench-long`: each makes its recording and answers with rows of the table."""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.rendering import attempts, planning
from benchmarks.rendering.huge import write_texts
from benchmarks.rendering.processes import cpu_seconds, measure
from benchmarks.rendering.sessions import write_session
from benchmarks.rendering.sharing import PLAN, REQUEST
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest, parse_request
from video_export_worker.pipeline import plan_export, render_segment
from video_export_worker.planning.timeline import restore_timeline
from video_export_worker.planning.work_estimate import WorkEstimate, estimate_work
from video_export_worker.recording import INDEX_NAME, RecordingLimits, load_index
from video_export_worker.rendering.allotments import TimeBudget
from video_export_worker.replay.settings import ChromiumSettings

RECORDINGS: Final = Path("tests/recordings")
SAMPLES: Final = 5  # segments of two hours that are measured
SAMPLE_SECONDS: Final = 15.0  # of each, beside its replay
RUNS: Final = 3  # of whole commands that are compared
PUBLIC: Final = "PUBLIC"  # environment variable: a recording that is not in the repository
RENDER: Final = ("-m", "video_export_worker", "render")


@dataclass(frozen=True)
class Row:
    """A figure, and what it should be: at most, or at least where the name says so."""

    name: str
    value: float
    goal: float
    unit: str


def _render(source: Path, video: Path, *options: str) -> dict[str, Any]:
    """Run a whole command."""
    command = [sys.executable, *RENDER, str(source), "-o", str(video), "--force", "--json", *options]
    return measure(command, {})


def late(folder: Path) -> list[Row]:
    """Ten seconds at the end of an hour that has one snapshot."""
    source = folder / "hour.json.gz"
    write_session(source, 60)
    measured = _render(source, folder / "late.mp4", "--start", "3580", "--end", "3590")
    return [Row("render --start 3580 --end 3590 of an hour with one snapshot", round(measured["wall_s"], 1), 15, "s")]


def clip(folder: Path) -> list[Row]:
    """Four seconds in the middle of a huge recording with snapshots."""
    source = folder / "texts.json.zst"
    write_texts(source, changes=100_000, seconds=120, snapshot_seconds=24)
    measured = _render(source, folder / "clip.mp4", "--start", "100", "--end", "104")
    name = "4 s, 100 s into 300 MB with a snapshot every 24 s"
    return [
        Row(name, round(measured["wall_s"], 1), 10, "s"),
        Row(f"{name}: all processes", round(measured["peak_rss_mb"]), 900, "MB"),
    ]


def segments(folder: Path) -> list[Row]:
    """Work of all segments of two busy hours against one piece: some are measured, the others follow from these."""
    return [
        _compare_segments(folder / "checkouts", 5, "snapshots every 5 min", 1.15),
        _compare_segments(folder / "alone", None, "one snapshot", 1.4),
    ]


def _compare_segments(folder: Path, snapshot_minutes: float | None, how: str, goal: float) -> Row:
    folder.mkdir()
    source = folder / "hours.json.gz"
    write_session(source, 120, snapshot_minutes=snapshot_minutes)
    request = parse_request({"recording": "file:///a"})
    plan = asyncio.run(plan_export([source], request, folder, limits=RecordingLimits()))
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    work = estimate_work(load_index(folder / INDEX_NAME), timeline)
    chosen = np.unique(np.linspace(0, len(plan.segments) - 1, SAMPLES).astype(int))
    sampled = [_sample(folder, request, plan, plan.segments[number], work) for number in chosen]
    before = [seconds for seconds, _ in sampled]
    pace = statistics.mean(factor for _, factor in sampled)
    frames = pace * work.of_frames(range(plan.frames))
    if snapshot_minutes is None:  # it grows with the time before the segment
        replayed = float(np.interp(np.arange(len(plan.segments)), chosen, before).sum())
    else:
        replayed = before[0] + statistics.mean(before[1:]) * (len(plan.segments) - 1)
    name = f"work of {len(plan.segments)} segments of two busy hours against one piece, {how}"
    return Row(name, round((frames + replayed) / (frames + before[0]), 2), goal, "x")


def _sample(
    folder: Path, request: VideoExportRequest, plan: ExportPlan, segment: Segment, work: WorkEstimate
) -> tuple[float, float]:
    """Processor seconds before the first frame of a segment; and of its frames, against the estimate."""
    workdir = folder / f"sample-{segment.first}"
    workdir.mkdir()
    began, seen = cpu_seconds(), list[float]()
    done = asyncio.run(
        render_segment(
            folder,
            request,
            plan,
            segment,
            workdir,
            chromium=ChromiumSettings(),
            budget=TimeBudget(SAMPLE_SECONDS),
            on_progress=lambda done, total: seen.append(max([cpu_seconds(), *seen[-1:]])),
        )
    )
    rendered = range(segment.first, segment.first + done.runs[0].count)
    return seen[0] - began, (seen[-1] - seen[0]) / work.of_frames(rendered)


def workers(folder: Path) -> list[Row]:
    """Ten busy minutes by one worker with a processor, by two, and by eight as the segments' times tell."""
    source = folder / "minutes.json.gz"
    write_session(source, 10)
    request = parse_request({"recording": "file:///a"})
    began = time.monotonic()
    plan = asyncio.run(plan_export([source], request, folder, limits=RecordingLimits()))
    planned = time.monotonic() - began
    (folder / REQUEST).write_text(request.model_dump_json())
    (folder / PLAN).write_text(plan.model_dump_json())
    one, seconds = _share(folder, [0])
    two, _ = _share(folder, sorted(os.sched_getaffinity(0))[:2])
    eight = _schedule([seconds[str(number)] for number in range(len(plan.segments))], 8)
    name = f"one-core workers against one, 10 min recording in {len(plan.segments)} segments, at least"
    whole = planned + one
    return [
        Row(f"two {name}", round(whole / (planned + two), 2), 1.7, "x"),
        Row(f"eight {name} (computed)", round(whole / (planned + eight + one - sum(seconds.values())), 2), 6, "x"),
    ]


def _share(folder: Path, processors: list[int]) -> tuple[float, dict[str, float]]:
    """Seconds until workers on these processors have rendered all, and seconds of each segment."""
    for claimed in folder.glob("taken-*"):
        claimed.unlink()
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.rendering.sharing", str(folder)]
    running = [subprocess.Popen([*command, str(cpu)], stdout=subprocess.PIPE, text=True) for cpu in processors]
    printed = [process.communicate()[0] for process in running]
    seconds = {number: taken for text in printed for number, taken in json.loads(text).items()}
    return time.monotonic() - began, seconds


def _schedule(seconds: list[float], count: int) -> float:
    """Seconds until so many workers have done these, each taking the next when it is free."""
    free = [0.0] * count
    for taken in seconds:
        heapq.heappush(free, heapq.heappop(free) + taken)
    return max(free)


def plan(folder: Path) -> list[Row]:
    """Planning of a recording of 1 GiB."""
    return [Row("peak of planning 1 GiB", planning.measure(1024)["peak MiB"], 400, "MiB")]


def pod(folder: Path) -> list[Row]:
    """A worker with two slots that plans 1 GiB and renders two clips of it side by side."""
    measured = measure([sys.executable, "-m", "benchmarks.rendering.pod", "1024"], {})
    return [Row("peak of a worker with two slots over 1 GiB", round(measured["peak_rss_mb"]), 2048, "MB")]


def memory(folder: Path) -> list[Row]:
    """Two hours against ten minutes of the same, twenty times as fast and at two frames a second."""
    peaks = []
    for minutes in (120, 10):
        source = folder / f"session-{minutes}.json.gz"
        write_session(source, minutes, snapshot_minutes=5)
        measured = _render(source, folder / "memory.mp4", "--speed", "20", "--fps", "2")
        peaks.append(measured["peak_rss_mb"])
    return [Row("memory of two hours against ten minutes of the same", round(peaks[0] / peaks[1], 2), 1.15, "x")]


def start(folder: Path) -> list[Row]:
    """A segment in a worker whose child waits."""
    figures = asyncio.run(attempts.measure(RECORDINGS / "form.json.gz"))
    return [Row("activity start to first captured frame, in a worker", figures["first_frame_seconds"], 0.35, "s")]


def methods(folder: Path) -> list[Row]:
    """Whole commands against every frame, the same recording in turn."""
    rows = [_compare_methods(folder, RECORDINGS / "animations.json.gz", 2.4)]
    if os.environ.get(PUBLIC):
        rows.append(_compare_methods(folder, Path(os.environ[PUBLIC]), 11))
    return rows


def _compare_methods(folder: Path, recording: Path, goal: float) -> Row:
    video = str(folder / "video.mp4")
    every = [sys.executable, "-m", "benchmarks.rendering.every_frame", str(recording), video]
    times = [(_render(recording, Path(video))["wall_s"], measure(every, {})["wall_s"]) for _ in range(RUNS)]
    product, frames = (statistics.median(column) for column in zip(*times, strict=True))
    name = recording.name.partition(".")[0]
    return Row(f"against every frame, whole commands: {name}, at least", round(frames / product, 2), goal, "x")


MEASUREMENTS: Final[dict[str, Callable[[Path], list[Row]]]] = {
    measurement.__name__: measurement
    for measurement in (late, clip, segments, workers, plan, pod, memory, start, methods)
}
