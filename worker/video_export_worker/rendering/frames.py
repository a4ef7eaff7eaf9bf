"""Renders a run of frames: steps the page where it may change, captures where it did, and draws the pointer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from video_export_worker.contract import Mouse
from video_export_worker.errors import InvalidRequest, RenderFailed
from video_export_worker.recording import Recording
from video_export_worker.rendering.captures import Capture, CaptureDiffers, open_capture
from video_export_worker.rendering.chromium import ChromiumSettings, open_page
from video_export_worker.rendering.page import ReplayPage, Stage
from video_export_worker.rendering.pointer import (
    Picture,
    PointerMarks,
    PointerPath,
    Rows,
    draw_marks,
    rows_of_marks,
)
from video_export_worker.rendering.steps import Step, StepPlanner
from video_export_worker.rendering.timeline import Timeline

LOG = logging.getLogger(__name__)
MAX_RESTARTS = 3
TOP: Final = {"x": 0.0, "y": 0.0, "scale": 1.0}  # where the top document begins, which holds all nodes of most pages
READ_AHEAD = 4  # captured frames that wait to be encoded
CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True)
class RenderOptions:
    """How the page is shown.

    Attributes:
        width: of the video in device pixels.
        height: of the video in device pixels.
        device_scale_factor: device pixels per CSS pixel.
        mask_selectors: elements that are hidden.
        enlarge: scale a smaller page up to the video's size instead of showing it on the background.
    """

    width: int
    height: int
    device_scale_factor: float = 1.0
    background: str = "#ffffff"
    mouse: Mouse = field(default_factory=Mouse)
    mask_selectors: tuple[str, ...] = ()
    enlarge: bool = False

    @property
    def stage(self) -> Stage:
        """The page's size in CSS pixels: rounded up, the surplus is cut off the captured picture."""
        ratio = self.device_scale_factor
        return Stage(int(np.ceil(self.width / ratio)), int(np.ceil(self.height / ratio)), ratio)


@dataclass(frozen=True)
class Frame:
    """A frame that differs from the one before it.

    Attributes:
        index: number of the frame in the whole video.
        picture: height x width x 4, BGRA, opaque.
        changed: for each row whether it may differ from the frame before.
    """

    index: int
    picture: Picture
    changed: Rows


@dataclass
class RenderCounts:
    """What the renderer did; filled while it runs."""

    steps: int = 0
    captures: int = 0
    restarts: int = 0
    warnings: list[str] = field(default_factory=list)


async def render_frames(
    recording: Recording,
    timeline: Timeline,
    options: RenderOptions,
    frames: range,
    *,
    chromium: ChromiumSettings,
    counts: RenderCounts,
    on_frame: Callable[[int], None] = lambda frame: None,
) -> AsyncGenerator[Frame]:
    """Yield the frames of the run that differ from the one before; the first of the run always comes.

    A browser that hangs or dies is started again and the run goes on from the frame that was due, at most three times.

    Args:
        recording: what is replayed.
        timeline: which time each frame shows.
        options: size and looks.
        frames: numbers of the frames, in steps of one.
        chromium: the browser to use.
        counts: is filled with what was done.
        on_frame: called with each frame's number when it is decided.

    Raises:
        RenderFailed: the browser failed more often than it may.
        InvalidRequest: a mask selector is no CSS selector.
    """
    chromium.find_executable()  # one that is missing would be missing again
    due = frames.start
    canvas = _Canvas(options)
    while True:
        shots = _read_ahead(_Run(recording, timeline, options, chromium, counts).run(range(due, frames.stop)))
        try:
            async with contextlib.aclosing(shots):
                async for shot in shots:
                    frame = await asyncio.to_thread(canvas.show, shot)
                    if frame is not None:
                        yield frame
                    due = shot.index + 1
                    on_frame(shot.index)
            on_frame(frames.stop - 1)
            return
        except CaptureDiffers:
            raise
        except RenderFailed as error:
            counts.restarts += 1
            if counts.restarts > MAX_RESTARTS:
                raise RenderFailed(f"{error} (after {MAX_RESTARTS} restarts of the browser)") from error
            LOG.warning("restarting the browser at frame %d: %s", due, error)


@dataclass(frozen=True)
class _Shot:
    """What one frame is made of: the page as it was captured last, and the marks to draw on it."""

    index: int
    page: Picture
    marks: PointerMarks


class _Canvas:
    """Makes frames of shots, and knows where they differ from the one before."""

    def __init__(self, options: RenderOptions) -> None:
        self._scale = options.device_scale_factor
        self._before: _Shot | None = None

    def show(self, shot: _Shot) -> Frame | None:
        """The frame of a shot, or None if it looks like the one before."""
        before, self._before = self._before, shot
        changed = _changed_rows(None if before is None else before.page, shot.page)
        if before is not None and before.marks != shot.marks:
            for marks in (before.marks, shot.marks):
                changed |= rows_of_marks(marks, self._scale, len(changed))
        if not changed.any():
            return None
        return Frame(shot.index, draw_marks(shot.page, shot.marks, self._scale), changed)


def _changed_rows(before: Picture | None, after: Picture) -> Rows:
    if before is None:
        return np.ones(len(after), bool)
    if before is after:
        return np.zeros(len(after), bool)
    # Pixel by pixel instead of byte by byte: four times as fast.
    changed: Rows = (before.view(np.uint32) != after.view(np.uint32)).any(axis=(1, 2))
    return changed


async def _read_ahead(source: AsyncGenerator[_Shot]) -> AsyncGenerator[_Shot]:
    """Let the browser go on while a picture is decoded, drawn and encoded; an error comes after what was captured."""
    queue: asyncio.Queue[_Shot | Exception | None] = asyncio.Queue(READ_AHEAD)

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
        while isinstance(item := await queue.get(), _Shot):
            yield item
        if item is not None:
            raise item
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Run:
    """One browser's work on a run of frames."""

    def __init__(
        self,
        recording: Recording,
        timeline: Timeline,
        options: RenderOptions,
        chromium: ChromiumSettings,
        counts: RenderCounts,
    ) -> None:
        self._recording = recording
        self._timeline = timeline
        self._options = options
        self._chromium = chromium
        self._counts = counts
        self._planner = StepPlanner([float(event["timestamp"]) - recording.start_ms for event in recording.events])
        self._pointer = PointerPath(recording.mouse, options.mouse)
        self._previous: Step | None = None
        self._viewport = {"scale": 1.0, "x": 0, "y": 0}
        self._origins: dict[int, dict[str, float]] = {}
        self._nested = False
        self._restless = False
        self._ahead: asyncio.Task[Any] | None = None

    async def run(self, frames: range) -> AsyncGenerator[_Shot]:
        """What is shown where it may differ from the frame before; what lies before the first is only replayed."""
        options = self._options
        async with (
            open_page(self._chromium, options.stage) as page,
            open_capture(page, options.width, options.height, self._chromium.capture) as capture,
        ):
            await self._load(page)
            await self._replay_until(page, frames.start)
            shown: _Shot | None = None
            try:
                for index in frames:
                    at_ms = self._timeline.recording_ms(index)
                    damaged = False
                    if self._planner.must_step(at_ms, self._previous):
                        changed = await self._seek(page, at_ms)
                        if changed and index + 1 < frames.stop and not capture.needs_page:
                            self._seek_next(page, index + 1)
                        damaged = await self._paint(page, at_ms, changed)
                    if damaged or shown is None:
                        picture = await self._capture(capture)
                    else:
                        picture = shown.page
                    marks = await self._marks(page, at_ms)
                    if shown is None or picture is not shown.page or marks != shown.marks:
                        shown = _Shot(index, picture, marks)
                        yield shown
                await capture.finish()
            finally:
                if self._ahead is not None:
                    self._ahead.cancel()
                    await asyncio.gather(self._ahead, return_exceptions=True)

    def _seek_next(self, page: ReplayPage, index: int) -> None:
        """Let the page go on to frame `index` as soon as it has taken part in the frame that is about to begin.

        It is sent when this task waits next: right after that frame was begun, which nothing is to delay.
        """
        at_ms = self._timeline.recording_ms(index)
        # Where frames of the page hold the pointer's elements, it is yet to be asked where those begin; and what moves
        # in animated pictures and clips can be painted without the page.
        if not self._nested and not self._restless and self._planner.must_step(at_ms, self._previous):
            self._ahead = asyncio.create_task(page.evaluate(f"videoExportPlayer.seekNext({at_ms!r})", "seek"))

    async def _capture(self, capture: Capture) -> Picture:
        self._counts.captures += 1
        picture = await capture.take()
        height, width = picture.shape[:2]
        if height < self._options.height or width < self._options.width:
            raise RenderFailed(f"capture: a picture of {width}x{height} pixels")
        return picture[: self._options.height, : self._options.width]

    async def _replay_until(self, page: ReplayPage, first: int) -> None:
        """Apply what happened before frame `first`, frame by frame so that animations keep their phase, unpainted."""
        for index in range(first):
            at_ms = self._timeline.recording_ms(index)
            if self._planner.must_step(at_ms, self._previous):
                changed = await self._seek(page, at_ms)
                if self._restless:  # animated pictures begin when they are painted
                    await page.paint(at_ms, changed=changed, restless=True)
        if self._previous is not None:
            # Nothing of it has been painted yet.
            self._previous = replace(self._previous, damaged=True)

    async def _load(self, page: ReplayPage) -> None:
        for chunk in _split(self._recording.events):
            await page.evaluate(f"videoExportPlayer.append({json.dumps(chunk)})", "load")
        stage = self._options.stage
        options = {
            "width": stage.width,
            "height": stage.height,
            "maxScale": 16 if self._options.enlarge else 1,
            "background": self._options.background,
            "canvas": self._recording.has_canvas,
            "maskSelectors": list(self._options.mask_selectors),
        }
        try:
            await page.pump_until(page.evaluate(f"videoExportPlayer.load({json.dumps(options)})", "load"), "load")
        except RenderFailed as error:
            if "InvalidSelector: " in str(error):
                selector = str(error).split("InvalidSelector: ")[1].splitlines()[0]
                raise InvalidRequest(f"mask_selectors: {selector!r} is no CSS selector") from error
            raise

    async def _paint(self, page: ReplayPage, at_ms: float, changed: bool) -> bool:
        """Paint the page as it is at `at_ms`; True if it was painted anew."""
        damaged = await page.paint(at_ms, changed=changed, restless=self._restless)
        if self._previous is not None:
            self._previous = replace(self._previous, damaged=damaged)
        self._counts.steps += 1
        return damaged

    async def _seek(self, page: ReplayPage, at_ms: float) -> bool:
        """Apply the recording up to `at_ms`; True if something was applied or animates."""
        before = -1.0 if self._previous is None else self._previous.at_ms
        ahead, self._ahead = self._ahead, None
        state = await (ahead or page.evaluate(f"videoExportPlayer.seek({at_ms!r})", "seek"))
        self._previous = Step(at_ms, self._planner.has_event(before, at_ms), False, state["animating"])
        self._viewport = state["viewport"]
        self._origins.clear()
        self._nested = state["nested"]
        self._restless = state["restless"]
        if state["unresolved"] and not self._counts.warnings:
            self._counts.warnings.append("an image or a font of the page did not load in time and may be missing")
        changed: bool = state["changed"]
        return changed

    async def _marks(self, page: ReplayPage, at_ms: float) -> PointerMarks:
        """The pointer's marks; the page is asked where a frame that holds an element begins."""
        missing: set[int] = set()

        def project(x: float, y: float, node: int) -> tuple[float, float]:
            origin = self._origins.get(node, TOP if not self._nested else None)
            if origin is None:
                missing.add(node)
                return 0.0, 0.0
            scale, ratio = self._viewport["scale"], self._options.device_scale_factor
            left, top = origin["x"] + x * origin["scale"], origin["y"] + y * origin["scale"]
            return (self._viewport["x"] + left * scale) * ratio, (self._viewport["y"] + top * scale) * ratio

        marks = self._pointer.marks_at(at_ms, project)
        if missing:
            nodes = sorted(missing)
            origins = await page.evaluate(f"videoExportPlayer.origins({json.dumps(nodes)})", "pointer")
            self._origins.update(zip(nodes, origins, strict=True))
            marks = self._pointer.marks_at(at_ms, project)
        return marks


def _split(events: list[dict[str, object]]) -> list[str]:
    """The events as JSON arrays of a few MiB each: one huge message would stall the browser's pipe."""
    chunks: list[str] = []
    current: list[str] = []
    size = 0
    for event in events:
        text = json.dumps(event, separators=(",", ":"))
        if size + len(text) > CHUNK_BYTES and current:
            chunks.append("[" + ",".join(current) + "]")
            current, size = [], 0
        current.append(text)
        size += len(text)
    return [*chunks, "[" + ",".join(current) + "]"]
