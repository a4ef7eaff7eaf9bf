"""`python -m tests.reference [RECORDING ...]`: every frame of the product against the reference, pixel by pixel.

Prints the exactness table and writes it to build/exactness.json. The reference paints and captures every frame, so a
minute of recording takes minutes; `--fps`, `--start` and `--end` look at less.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tests.reference.browser import Picture, reference_frames
from tests.reference.linked import linked_files
from video_export_worker.capture.captures import CaptureDiffers
from video_export_worker.contract import Mouse, VideoExportRequest
from video_export_worker.planning.timeline import Timeline, build_timeline
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.answers import StoredAnswers
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

CHECKOUT = Path(__file__).parents[2]
RECORDINGS = CHECKOUT / "tests" / "recordings"
SECONDS = 600.0  # of recording, from its begin


@dataclass(frozen=True)
class Row:
    """What came of one recording.

    Attributes:
        pixels: that differ in the frame where most do.
        levels: by which a channel of a pixel differs at most, of 255.
        first_ms: time of the first frame that differs.
        captures: frames that the product captured.
        capture: how; `again` if what was read from memory could not be trusted, and screenshots were taken instead.
        seconds: that comparing took.
    """

    recording: str
    fps: float
    frames_compared: int
    frames_different: int
    pixels: int
    levels: int
    first_ms: float | None
    captures: int
    capture: str
    seconds: float


async def _every_frame(
    recording: Recording,
    timeline: Timeline,
    options: RenderOptions,
    chromium: ChromiumSettings,
    counts: RenderCounts,
    assets: StoredAnswers,
) -> AsyncGenerator[Picture]:
    """The product's frames; one that repeats the one before comes again."""
    frames = range(timeline.frames)
    rendered = render_frames(recording, timeline, options, frames, chromium=chromium, counts=counts, assets=assets)
    shown: Picture | None = None
    index = 0
    async with contextlib.aclosing(rendered):
        async for frame in rendered:
            for _ in range(frame.index - index):
                assert shown is not None, "the first frame did not come"
                yield shown
            shown, index = frame.picture.copy(), frame.index + 1
            yield shown
    for _ in range(timeline.frames - index):
        assert shown is not None, "no frame came"
        yield shown


async def compare(name: str, recording: Recording, request: VideoExportRequest, chromium: ChromiumSettings) -> Row:
    """Render a recording both ways, side by side."""
    began = time.monotonic()
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    width, height = recording.viewport
    options = RenderOptions(width=width, height=height, mouse=Mouse(trail=True))
    counts = RenderCounts()
    different, pixels, levels, first = 0, 0, 0, None
    frames = reference_frames(recording, timeline, options, range(timeline.frames), chromium=chromium)
    async with contextlib.AsyncExitStack() as stack:
        assets = stack.enter_context(linked_files(recording))
        product = _every_frame(recording, timeline, options, chromium, counts, assets)
        await stack.enter_async_context(contextlib.aclosing(product))
        async for index, theirs in frames:
            ours = await anext(product)
            if np.array_equal(ours, theirs):
                continue
            different += 1
            first = timeline.recording_ms(index) if first is None else first
            pixels = max(pixels, int((ours != theirs).any(axis=2).sum()))
            levels = max(levels, int(np.abs(ours.astype(int) - theirs).max()))
    seconds = round(time.monotonic() - began, 1)
    how = chromium.capture.value
    return Row(name, request.fps, timeline.frames, different, pixels, levels, first, counts.captures, how, seconds)


async def compare_as_exported(
    name: str, recording: Recording, request: VideoExportRequest, chromium: ChromiumSettings
) -> Row:
    """With screenshots where the pictures from memory cannot be trusted, as an export does it."""
    try:
        return await compare(name, recording, request, chromium)
    except CaptureDiffers:
        safe = replace(chromium, capture=CaptureMode.SCREENSHOT)
        return replace(await compare(name, recording, request, safe), capture="again")


def main() -> None:
    """Compare, print the table, write it; the exit status is 1 if any frame differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="recordings; by default the project's own")
    parser.add_argument("--fps", type=float, default=25)
    parser.add_argument("--start", type=float, default=0, help="second of the recording")
    parser.add_argument("--end", type=float, default=SECONDS, help="second of the recording")
    parser.add_argument("--screenshots", action="store_true", help="the product captures by screenshots only")
    given = parser.parse_args()
    chromium = ChromiumSettings(capture=CaptureMode.SCREENSHOT if given.screenshots else CaptureMode.AUTO)
    rows = []
    print("recording | fps | frames compared | frames different | pixels | levels | captures | capture | seconds")
    for path in given.recordings or sorted(RECORDINGS.glob("*.json.gz")):
        recording = parse_recording([path.read_bytes()])
        wanted = {"recording": "file:///a", "fps": given.fps, "start": given.start, "end": given.end}
        name = path.name.partition(".")[0]
        row = asyncio.run(compare_as_exported(name, recording, VideoExportRequest.model_validate(wanted), chromium))
        rows.append(row)
        figures = (
            row.fps,
            row.frames_compared,
            row.frames_different,
            row.pixels,
            row.levels,
            row.captures,
            row.capture,
            row.seconds,
        )
        print(" | ".join(map(str, (row.recording, *figures))), flush=True)
    target = CHECKOUT / "build" / "exactness.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print(f"written to {target.relative_to(CHECKOUT)}")
    sys.exit(any(row.frames_different for row in rows))


if __name__ == "__main__":
    main()
