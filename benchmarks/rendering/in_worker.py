"""An export in a process that runs already, as a worker's does: its modules are loaded, its driver runs.

What is timed is reading the recording, planning, browser, capture, encoding and verification:
`python -m benchmarks.rendering.in_worker RECORDING OUTPUT`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from video_export_worker.contract import Segment, VideoExportRequest, parse_request
from video_export_worker.driver import Driver
from video_export_worker.encoding import FinishedVideo
from video_export_worker.part_runs import RenderedSegment
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings


async def export(
    source: Path, request: VideoExportRequest, folder: Path, chromium: ChromiumSettings
) -> tuple[RenderedSegment, FinishedVideo]:
    """One export, as one segment."""
    artefact = folder / "artefact"
    artefact.mkdir()
    plan = await plan_export([source], request, artefact, limits=RecordingLimits())
    whole = Segment(first=0, count=plan.frames)
    rendered = await render_segment(artefact, request, plan, whole, folder, chromium=chromium)
    [video] = await assemble(request, plan, rendered.parts, folder)
    return rendered, video


async def measure(source: Path, output: Path) -> dict[str, float]:
    """Export a fifth of a second, then all of it."""
    begin, whole = ({"recording": "file:///recording", **end} for end in ({"end": 0.2}, {}))
    async with Driver() as driver:
        chromium = dataclasses.replace(ChromiumSettings.from_environment(os.environ), driver=driver)
        with tempfile.TemporaryDirectory() as folder:
            await export(source, parse_request(begin), Path(folder), chromium)
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            rendered, video = await export(source, parse_request(whole), Path(folder), chromium)
            seconds = time.monotonic() - began
            video.path.rename(output)
    return {"steps": rendered.steps, "captures": rendered.captured, "wall_seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), Path(sys.argv[2])))))
