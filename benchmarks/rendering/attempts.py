"""What children cost: how soon a segment begins, what a child that waits takes, how soon a cancelled one is gone.

`python -m benchmarks.rendering.attempts RECORDING` prints JSON: seconds and MiB.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final

from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.capacity.limits import MIB
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.contract import ExportPlan, VideoExportRequest, parse_request
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

RUNS: Final = 5
READY_SECONDS: Final = 5.0  # until the successor of a child waits
RENDERING_SECONDS: Final = 3.0  # until a segment is in the middle of its work


class Measurement:
    """Exports of one recording by the children of one worker."""

    def __init__(self, pipeline: IsolatedPipeline, recording: Path, folder: Path) -> None:
        self._pipeline = pipeline
        self._recording = recording
        self._folder = folder

    async def plan(self, request: VideoExportRequest) -> tuple[Path, ExportPlan]:
        """The artefact of the recording, and the plan of an export."""
        artefact = self._make_folder()
        limits = RecordingLimits()
        return artefact, await self._pipeline.plan_export([self._recording], request, artefact, limits=limits)

    async def begin(self, request: VideoExportRequest) -> float:
        """Seconds from the beginning of a segment's attempt to its first captured frame."""
        artefact, plan = await self.plan(request)
        began = time.perf_counter()
        frames: list[float] = []
        await self._pipeline.render_segment(
            artefact,
            request,
            plan,
            plan.segments[0],
            self._make_folder(),
            on_progress=lambda done, total: frames.append(time.perf_counter() - began),
        )
        return frames[0]

    async def cancel_rendering(self, request: VideoExportRequest, after: float) -> float:
        """Seconds until a segment that is cancelled after so many is gone with all of its processes."""
        artefact, plan = await self.plan(request)
        work = self._pipeline.render_segment(artefact, request, plan, plan.segments[0], self._make_folder())
        return await _cancel(work, after)

    async def cancel_planning(self, request: VideoExportRequest, after: float) -> float:
        """The same of planning."""
        return await _cancel(self.plan(request), after)

    def _make_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


async def _cancel(work: Awaitable[Any], after: float) -> float:
    task = asyncio.ensure_future(work)
    await asyncio.sleep(after)
    began = time.perf_counter()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return time.perf_counter() - began


async def measure(recording: Path) -> dict[str, float]:
    """Measure with one slot."""
    short = parse_request({"recording": "file:///recording", "end": 2})
    slow = parse_request({"recording": "file:///recording", "fps": 60, "speed": 0.1})
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with IsolatedPipeline(read_capacity(1), ChromiumSettings(), os.environ) as pipeline:
            worker = Measurement(pipeline, recording, Path(folder))
            await worker.begin(short)  # imports, and the system's caches
            warm, cold = [], []
            for _ in range(RUNS):
                await asyncio.sleep(READY_SECONDS)
                results["waiting_child_mib"] = sum(await pipeline.runner.measure_waiting()) / MIB
                warm.append(await worker.begin(short))
            for _ in range(RUNS):
                pipeline.runner.rest()
                cold.append(await worker.begin(short))
            results["first_frame_seconds"] = statistics.median(warm)
            results["first_frame_seconds_without_waiting"] = statistics.median(cold)
            results["cancel_planning_seconds"] = await worker.cancel_planning(slow, 0.02)
            results["cancel_starting_seconds"] = await worker.cancel_rendering(slow, 0.2)
            results["cancel_rendering_seconds"] = await worker.cancel_rendering(slow, RENDERING_SECONDS)
            pipeline.runner.rest()
    return {name: round(value, 3) for name, value in results.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1])))))
