"""A worker with one processor that takes segments from a folder that it shares with others, until none is left.

`python -m benchmarks.rendering.sharing FOLDER CPU` prints JSON: seconds of each segment that it took. The folder holds
what `pipeline.plan_export` wrote, `request.json` and `plan.json`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.capacity.limits import Capacity
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest
from video_export_worker.replay.settings import ChromiumSettings

REQUEST = "request.json"
PLAN = "plan.json"


def _claim(folder: Path, segments: list[Segment]) -> Iterator[tuple[int, Segment]]:
    """The segments that nobody has taken before, one after the other."""
    for number, segment in enumerate(segments):
        with suppress(FileExistsError), (folder / f"taken-{number}").open("x"):
            yield number, segment


async def work(folder: Path) -> dict[int, float]:
    """Render what is left."""
    request = VideoExportRequest.model_validate_json((folder / REQUEST).read_text())
    plan = ExportPlan.model_validate_json((folder / PLAN).read_text())
    capacity = Capacity(read_capacity(1).memory, 1, 1)
    seconds: dict[int, float] = {}
    async with IsolatedPipeline(capacity, ChromiumSettings(), os.environ, segment_seconds=3600) as pipeline:
        for number, segment in _claim(folder, plan.segments):
            with tempfile.TemporaryDirectory() as workdir:
                began = time.perf_counter()
                await pipeline.render_segment(folder, request, plan, segment, Path(workdir))
                seconds[number] = time.perf_counter() - began
        pipeline.runner.rest()
    return seconds


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[2])})
    print(json.dumps(asyncio.run(work(Path(sys.argv[1])))))
