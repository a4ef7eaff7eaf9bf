"""`python -m tests.reference [RECORDING ...]`: every frame of the product against the reference, pixel by pixel.

Prints the exactness table and writes it to build/exactness.json. The reference paints and captures every frame, so a
minute of recording takes minutes; `--fps`, `--start` and `--end` look at less. A session of several windows has a row
for the video that follows the user, and one for the video of each window.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tests.reference.browser import Picture, reference_frames
from tests.reference.linked import linked_files
from tests.reference.windows import Session, reference_of_windows
from video_export_worker.capture.captures import CaptureDiffers
from video_export_worker.contract import Mouse, VideoExportRequest
from video_export_worker.planning.timeline import Timeline, build_timeline
from video_export_worker.planning.windows import Schedule, find_window, follow_user, show_only
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.rendering.windows import ShownWindows
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


@dataclass(frozen=True)
class Subject:
    """What is compared: a recording, or one of the videos of a session.

    Attributes:
        recording: all of it.
        shown: what the product shows of it.
        size: of the video, which is that of its page.
        duration_ms: of the recording.
        reference: the frames that are right.
    """

    name: str
    recording: Recording
    shown: ShownWindows
    size: tuple[int, int]
    duration_ms: float
    reference: Callable[[Timeline, RenderOptions, ChromiumSettings], AsyncIterator[Picture]]


def list_subjects(path: Path) -> Iterator[Subject]:
    """What a file is compared for."""
    name, recording = path.name.partition(".")[0], parse_recording([path.read_bytes()])
    session = Session.read(path)
    if session is None:

        async def alone(
            timeline: Timeline, options: RenderOptions, chromium: ChromiumSettings
        ) -> AsyncIterator[Picture]:
            frames = range(timeline.frames)
            async for _, picture in reference_frames(recording, timeline, options, frames, chromium=chromium):
                yield picture

        shown = ShownWindows.only(recording)
        yield Subject(name, recording, shown, recording.viewport, recording.duration_ms, alone)
        return
    for only in (None, *session.windows):

        def windows(
            timeline: Timeline, options: RenderOptions, chromium: ChromiumSettings, only: str | None = only
        ) -> AsyncIterator[Picture]:
            return reference_of_windows(session, timeline, options, chromium=chromium, only=only)

        index = recording.index
        sizes = [window.viewport for window in index.session if only in (None, window.name)]
        schedule: Schedule = show_only(find_window(index, only)) if only else follow_user(index.session)
        title = f"{name}: {only}" if only else name
        shown = ShownWindows(recording.session, schedule)
        yield Subject(title, recording, shown, max(sizes), index.session_ms, windows)


async def _every_frame(
    shown: ShownWindows,
    timeline: Timeline,
    options: RenderOptions,
    chromium: ChromiumSettings,
    counts: RenderCounts,
    assets: StoredAnswers,
) -> AsyncGenerator[Picture]:
    """The product's frames; one that repeats the one before comes again."""
    frames = range(timeline.frames)
    rendered = render_frames(shown, timeline, options, frames, chromium=chromium, counts=counts, assets=assets)
    latest: Picture | None = None
    index = 0
    async with contextlib.aclosing(rendered):
        async for frame in rendered:
            for _ in range(frame.index - index):
                assert latest is not None, "the first frame did not come"
                yield latest
            latest, index = frame.picture.copy(), frame.index + 1
            yield latest
    for _ in range(timeline.frames - index):
        assert latest is not None, "no frame came"
        yield latest


async def compare(subject: Subject, request: VideoExportRequest, chromium: ChromiumSettings) -> Row:
    """Render it both ways, side by side."""
    began = time.monotonic()
    timeline = build_timeline(request, subject.duration_ms, [], 1e9)
    width, height = subject.size
    options = RenderOptions(width=width, height=height, mouse=Mouse(trail=True), page=subject.size)
    counts = RenderCounts()
    different, pixels, levels, first = 0, 0, 0, None
    async with contextlib.AsyncExitStack() as stack:
        assets = stack.enter_context(linked_files(subject.recording))
        product = _every_frame(subject.shown, timeline, options, chromium, counts, assets)
        await stack.enter_async_context(contextlib.aclosing(product))
        index = -1
        async for theirs in subject.reference(timeline, options, chromium):
            index += 1
            ours = await anext(product)
            if np.array_equal(ours, theirs):
                continue
            different += 1
            first = timeline.recording_ms(index) if first is None else first
            pixels = max(pixels, int((ours != theirs).any(axis=2).sum()))
            levels = max(levels, int(np.abs(ours.astype(int) - theirs).max()))
    seconds = round(time.monotonic() - began, 1)
    how = chromium.capture.value
    name, frames, captures = subject.name, timeline.frames, counts.captures
    return Row(name, request.fps, frames, different, pixels, levels, first, captures, how, seconds)


async def compare_as_exported(subject: Subject, request: VideoExportRequest, chromium: ChromiumSettings) -> Row:
    """With screenshots where the pictures from memory cannot be trusted, as an export does it."""
    try:
        return await compare(subject, request, chromium)
    except CaptureDiffers:
        safe = replace(chromium, capture=CaptureMode.SCREENSHOT)
        return replace(await compare(subject, request, safe), capture="again")


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
    paths = given.recordings or sorted(RECORDINGS.glob("*.json.gz"))
    for subject in (subject for path in paths for subject in list_subjects(path)):
        wanted = {"recording": "file:///a", "fps": given.fps, "start": given.start, "end": given.end}
        row = asyncio.run(compare_as_exported(subject, VideoExportRequest.model_validate(wanted), chromium))
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
