"""What a worker with two slots does with a huge recording: `python -m benchmarks.rendering.pod [MiB]` prints JSON.

It plans the recording and renders two clips of it side by side, as two activities of one pod would.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.rendering.huge import write_huge
from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.contract import Segment, parse_request
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

MIB = 2**20
SECONDS = 2  # of each clip


async def run(mebibytes: int, folder: Path) -> dict[str, Any]:
    """Plan and render."""
    source, artefact = folder / "recording.json.zst", folder / "artefact"
    artefact.mkdir()
    write_huge(source, mebibytes * MIB)
    request = parse_request({"recording": "file:///a"})
    limits = RecordingLimits(decompressed_bytes=2 * mebibytes * MIB)
    async with IsolatedPipeline(read_capacity(2), ChromiumSettings(), os.environ) as pipeline:
        plan = await pipeline.plan_export([source], request, artefact, limits=limits)
        clips = [Segment(first=plan.frames * part // 3, count=int(SECONDS * plan.fps)) for part in (1, 2)]
        folders = [folder / f"clip-{clip.first}" for clip in clips]
        for workdir in folders:
            workdir.mkdir()
        rendered = await asyncio.gather(
            *(
                pipeline.render_segment(artefact, request, plan, clip, workdir)
                for clip, workdir in zip(clips, folders, strict=True)
            )
        )
        pipeline.runner.rest()
    return {"MiB": mebibytes, "frames": plan.frames, "captured": [segment.captured for segment in rendered]}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        size = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
        print(json.dumps(asyncio.run(run(size, Path(name)))))
