"""Renders a run of frames: browser after browser where one fails, each picture composed while the next is captured."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Final

from video_export_worker.capture.captures import CaptureDiffers
from video_export_worker.composing.frames import Frame, FrameComposer, Shot
from video_export_worker.errors import BrowserHung, RecordingInvalid, RenderFailed
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording import ReplaySource
from video_export_worker.rendering.allotments import Allotment
from video_export_worker.rendering.browser_run import BrowserRun
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.rendering.windows import ShownWindows
from video_export_worker.replay.answers import WITHOUT_ASSETS, StoredAnswers
from video_export_worker.replay.page import PageFailed
from video_export_worker.replay.settings import ChromiumSettings

LOG = logging.getLogger(__name__)
MAX_RESTARTS: Final = 3
READ_AHEAD: Final = 4  # captured frames that wait to be encoded


async def render_frames(
    recording: ReplaySource | ShownWindows,
    timeline: Timeline,
    options: RenderOptions,
    frames: range | Allotment,
    *,
    chromium: ChromiumSettings,
    counts: RenderCounts,
    assets: StoredAnswers = WITHOUT_ASSETS,
    on_frame: Callable[[int], None] = lambda frame: None,
) -> AsyncGenerator[Frame]:
    """Yield the frames of the run that differ from the one before; the first of the run always comes.

    A browser that hangs or dies is started again and the run goes on from the frame that was due, at most three times;
    once only where the next one hangs at the same frame.

    Args:
        recording: what is replayed: a window, or several in turn.
        timeline: which time each frame shows.
        options: size and looks.
        frames: numbers of the frames, in steps of one; an allotment may end before them, and tells where.
        chromium: the browser to use.
        counts: is filled with what was done.
        assets: what the page's requests are answered with.
        on_frame: called with each frame's number when it is decided.

    Raises:
        BrowserHung: two browsers did not answer at the same frame.
        RenderFailed: the browser failed more often than it may.
        RecordingInvalid: the page failed in the same way twice, so that no other attempt would do better.
        InvalidRequest: a mask selector is no CSS selector.
    """
    chromium.find_executable()  # one that is missing would be missing again
    allotment = frames if isinstance(frames, Allotment) else Allotment(frames)
    due = allotment.frames.start
    composer = FrameComposer(options.device_scale_factor)
    failures = _Failures(counts)
    while True:
        run = BrowserRun(recording, timeline, options, chromium, counts, assets)
        shots = _read_ahead(run.run(allotment, due))
        try:
            async with contextlib.aclosing(shots):
                async for shot in shots:
                    frame = await asyncio.to_thread(composer.compose, shot)
                    if frame is not None:
                        yield frame
                    due = shot.index + 1
                    on_frame(shot.index)
            if run.handed_over is None:
                on_frame(allotment.stop - 1)
                return
            due = run.handed_over
        except CaptureDiffers:
            raise
        except RenderFailed as error:
            failures.add(error, due)
            if not allotment.admits(due):
                return
            LOG.warning("restarting the browser at frame %d: %s", due, error)


class _Failures:
    """How the browsers of a run failed, which decides whether there is another one."""

    def __init__(self, counts: RenderCounts) -> None:
        self._counts = counts
        self._of_pages: set[str] = set()
        self._hung = -1  # the frame at which the browser before hung

    def add(self, error: RenderFailed, due: int) -> None:
        """Count a failure at the frame that was due as a restart.

        Raises:
            RecordingInvalid, BrowserHung, RenderFailed: it is the last one; see `render_frames`.
        """
        if isinstance(error, PageFailed):
            self._refuse_repeated(error, due)
        self._counts.restarts += 1
        if isinstance(error, BrowserHung) and self._hung == due:
            raise BrowserHung(f"{error}, in two browsers at frame {due}") from error
        self._hung = due if isinstance(error, BrowserHung) else -1
        if self._counts.restarts > MAX_RESTARTS:
            raise RenderFailed(f"{error} (after {MAX_RESTARTS} restarts of the browser)") from error

    def _refuse_repeated(self, error: PageFailed, due: int) -> None:
        """Refuse the recording where the page has failed so before, whatever it did when the failure was noticed."""
        stage, _, failure = str(error).splitlines()[0].partition(": ")
        if failure in self._of_pages:
            raise RecordingInvalid(
                f"the page that shows the recording fails in the same way twice: frame {due}, {stage}: {failure}"
            ) from error
        self._of_pages.add(failure)


async def _read_ahead(source: AsyncGenerator[Shot]) -> AsyncGenerator[Shot]:
    """Let the browser go on while a picture is decoded, drawn and encoded; an error comes after what was captured."""
    queue: asyncio.Queue[Shot | Exception | None] = asyncio.Queue(READ_AHEAD)

    async def fill() -> None:
        end: Exception | None = None
        try:
            async with contextlib.aclosing(source):
                async for shot in source:
                    await queue.put(shot)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised to who waits here
            end = error
        await queue.put(end)

    task = asyncio.create_task(fill())
    try:
        while isinstance(item := await queue.get(), Shot):
            yield item
        if item is not None:
            raise item
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
