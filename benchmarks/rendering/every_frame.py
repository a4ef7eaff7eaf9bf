"""The baseline: what a renderer does that does not know what changes. Seek, begin a frame with a JPEG, constant rate.

It runs on the product's own page and transport, so that only the method differs:
`python -m benchmarks.rendering.every_frame RECORDING OUTPUT`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from benchmarks.rendering.processes import feed
from video_export_worker.contract import parse_request
from video_export_worker.planning.export_plan import build_plan
from video_export_worker.planning.timeline import restore_timeline
from video_export_worker.recording import Recording, RecordingLimits, parse_recording
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.feeding import ChunkFeed
from video_export_worker.replay.page import ReplayPage, Stage
from video_export_worker.replay.player import Player, Scene
from video_export_worker.replay.settings import ChromiumSettings

FPS = 25
# The product's defaults for MP4, at a constant rate.
ENCODER = "-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -movflags +faststart"


async def render(source: Path, output: Path) -> dict[str, int]:
    """Render `source` and return how many frames were stepped and captured."""
    recording = await asyncio.to_thread(lambda: parse_recording([source.read_bytes()]))
    request = parse_request({"recording": "file:///recording", "fps": FPS})
    plan = build_plan(recording.index, request, RecordingLimits())
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "mjpeg", "-framerate", str(FPS), "-i", "pipe:0"]
    command += [*ENCODER.split(), str(output)]
    with feed(command) as sink:
        async with open_page(ChromiumSettings.from_environment(os.environ), Stage(plan.width, plan.height)) as page:
            player = Player(page)
            await _load(player, recording, plan.width, plan.height)
            for index in range(plan.frames):
                sink.write(await _capture(page, player, timeline.recording_ms(index)))
    return {"steps": plan.frames, "captures": plan.frames}


async def _load(player: Player, recording: Recording, width: int, height: int) -> None:
    index = recording.index
    beginning = choose_beginning(index, 0)
    await player.open(Scene(width, height, 1, "#ffffff", start_ms=index.start_ms, page=index.viewport))
    await player.open_window(beginning, canvas=index.has_canvas, canvas_recorded=index.has_drawing)
    await ChunkFeed(recording, player, beginning).reach(index.duration_ms)
    await player.load()


async def _capture(page: ReplayPage, player: Player, at_ms: float) -> bytes:
    await player.seek(at_ms)
    page.set_time(at_ms)
    return await page.screenshot({"format": "jpeg", "quality": 90})


if __name__ == "__main__":
    print(json.dumps(asyncio.run(render(Path(sys.argv[1]), Path(sys.argv[2])))))
