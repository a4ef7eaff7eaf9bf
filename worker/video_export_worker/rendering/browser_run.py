"""One browser's work on a run of frames: steps the page where it may change, and captures where it did."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Final

from video_export_worker.capture.captures import Capture, open_capture
from video_export_worker.composing.frames import Shot, paint_plain
from video_export_worker.composing.masks import Box, place_masks
from video_export_worker.composing.pointer import PointerMarks
from video_export_worker.composing.visibility import MANY, colour_of
from video_export_worker.errors import RenderFailed
from video_export_worker.pictures import Picture
from video_export_worker.planning.timeline import Timeline
from video_export_worker.planning.windows import stretches_between
from video_export_worker.recording import ReplaySource
from video_export_worker.rendering.allotments import Allotment
from video_export_worker.rendering.faults import report
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.rendering.windows import ShownWindows, WindowReplay
from video_export_worker.replay.answers import WITHOUT_ASSETS, StoredAnswers, describe_for_page
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page_state import Origin, PageState
from video_export_worker.replay.player import Player, Scene
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.replay.steps import Step

LATE: Final = "an image or a font of the page did not load in time and may be missing"
TOP: Final = Origin()  # where the top document begins, which holds all nodes of most pages
NOTHING_YET: Final = PageState(
    changed=False, animating=False, moving=False, restless=False, nested=False, unresolved=0, viewport=Origin()
)


class BrowserRun:
    """A run of frames, from a new browser to the last frame.

    Attributes:
        handed_over: the frame from which another browser has to go on, if one has.
    """

    def __init__(
        self,
        shown: ReplaySource | ShownWindows,
        timeline: Timeline,
        options: RenderOptions,
        chromium: ChromiumSettings,
        counts: RenderCounts,
        assets: StoredAnswers = WITHOUT_ASSETS,
    ) -> None:
        self._windows = shown if isinstance(shown, ShownWindows) else ShownWindows.only(shown)
        self._timeline = timeline
        self._options = options
        self._chromium = chromium
        self._counts = counts
        self._assets = assets
        self._open: dict[int, WindowReplay] = {}
        self._previous: Step | None = None
        self._state = NOTHING_YET
        self._origins: dict[int, Origin] = {}
        self._masks: tuple[Box, ...] = ()
        self._ahead: asyncio.Task[PageState] | None = None
        self.handed_over: int | None = None

    async def run(self, allotment: Allotment, first: int) -> AsyncGenerator[Shot]:
        """What is shown where it may differ from the frame before; what lies before the first is only replayed.

        Args:
            allotment: the frames, as long as there is time.
            first: of these the one to begin with.

        Raises:
            RenderFailed: the browser failed.
        """
        options = self._options
        async with (
            open_page(self._chromium, options.stage) as page,
            open_capture(page, options.width, options.height, self._chromium.capture) as capture,
        ):
            await page.prefer(options.color_scheme)
            page.answers = self._assets
            player = Player(page)
            await player.open(self._lay_scene())
            try:
                async for shot in self._step(player, capture, allotment, first):
                    yield shot
                await capture.finish()
            finally:
                if self._ahead is not None:
                    self._ahead.cancel()
                    await asyncio.gather(self._ahead, return_exceptions=True)

    def _lay_scene(self) -> Scene:
        options, stage = self._options, self._options.stage
        first = self._windows.at(0).index
        return Scene(
            width=stage.width,
            height=stage.height,
            max_scale=16 if options.enlarge else 1,
            background=options.background,
            start_ms=first.start_ms,
            page=options.page or first.viewport,
            mask_selectors=options.mask_selectors,
            assets=describe_for_page(self._assets),
        )

    async def _step(self, player: Player, capture: Capture, allotment: Allotment, first: int) -> AsyncGenerator[Shot]:
        shown: Shot | None = None
        picture: Picture | None = None
        window: WindowReplay | None = None
        for index in itertools.takewhile(allotment.admits, itertools.count(first)):
            at_ms = self._timeline.recording_ms(index)
            if not self._windows.is_open(at_ms):
                if shown is None:
                    options = self._options
                    plain = paint_plain(options.width, options.height, options.background)
                    shown = Shot(index, plain, PointerMarks())
                    yield shown
                continue
            window = await self._turn(window, player, range(index, allotment.stop))
            if window is None:
                self.handed_over = index
                return
            damaged = False
            if window.planner.must_step(at_ms, self._previous):
                await window.feed.reach(at_ms)
                await self._seek(window, at_ms)
                if index + 1 < allotment.stop and not capture.needs_page and not self._options.mask_selectors:
                    self._seek_next(window, index + 1)
                damaged = await self._paint(window.player, at_ms)
                if self._options.mask_selectors:
                    self._masks = await self._place_masks(window.player)
            if damaged or picture is None:
                picture = await self._capture(capture)
            marks = await self._marks(window, at_ms)
            shot = Shot(index, picture, marks, self._masks)
            if shown is None or picture is not shown.page or (marks, shot.masks) != (shown.marks, shown.masks):
                shown = shot
                yield shown

    async def _turn(self, before: WindowReplay | None, player: Player, frames: range) -> WindowReplay | None:
        """The window that the first frame shows, replayed up to there; `before` is the one that is shown until now.

        None if it cannot be shown here: Blink moves pictures by the time of frames, and one that has begun while the
        window was hidden would begin only now. A browser that begins with this window shows it from its beginning.
        """
        at_ms = self._timeline.recording_ms(frames.start)
        source = self._windows.at(at_ms)
        number = source.index.number
        if before is not None and before.index.number == number:
            return before
        window = self._open.get(number) or WindowReplay(source, player, self._timeline, self._options.mouse)
        self._open[number] = window
        await window.open(at_ms)
        if before is None:
            await window.player.load()
        if not await window.catch_up(frames.start, is_first=before is None):
            return None
        if before is not None and not self._comes_again(before, frames):
            await self._open.pop(before.index.number).close()
        self._previous = None
        return window

    def _comes_again(self, window: WindowReplay, frames: range) -> bool:
        begin_ms, end_ms = (self._timeline.recording_ms(frame) for frame in (frames.start, frames.stop - 1))
        stretches = stretches_between(self._windows.schedule, begin_ms, end_ms)
        return any(number == window.index.number for number, _, _ in stretches)

    async def _seek(self, window: WindowReplay, at_ms: float) -> None:
        """Apply the window's recording up to `at_ms`."""
        before = -1.0 if self._previous is None else self._previous.at_ms
        ahead, self._ahead = self._ahead, None
        is_quiet = not (self._previous is None or self._state.moving or window.planner.has_event(before, at_ms))
        self._state = await (ahead or window.player.seek(at_ms, is_quiet=is_quiet))
        window.reached_ms = at_ms
        self._previous = Step(at_ms, window.planner.has_event(before, at_ms), False, self._state.animating)
        self._origins.clear()
        if self._state.unresolved and LATE not in self._counts.warnings:
            self._counts.warnings.append(LATE)
        report(window.player.faults, self._state.left_out, window.index, self._counts, strict=self._options.strict)

    def _seek_next(self, window: WindowReplay, index: int) -> None:
        """Let the page go on to frame `index` where it is not asked about the frame before any more."""
        at_ms = self._timeline.recording_ms(index)
        is_asked = self._state.nested or self._state.restless
        is_ready = self._state.changed and not is_asked and window.feed.has_reached(at_ms)
        is_shown = self._windows.at(at_ms).index.number == window.index.number
        if is_ready and is_shown and window.planner.must_step(at_ms, self._previous):
            self._ahead = window.player.seek_next(at_ms)

    async def _paint(self, player: Player, at_ms: float) -> bool:
        """Paint the page as it is at `at_ms`; True if it was painted anew."""
        damaged = await player.paint(at_ms, changed=self._state.changed, restless=self._state.restless)
        if self._previous is not None:
            self._previous = replace(self._previous, damaged=damaged)
        self._counts.steps += 1
        return damaged

    async def _place_masks(self, player: Player) -> tuple[Box, ...]:
        """What to cover in the frame that was painted: where masked elements were before it, and where they are now."""
        masked, viewport, options = await player.masks(), self._state.viewport, self._options
        for selector, count in zip(options.mask_selectors, masked.counts, strict=True):
            self._counts.masked[selector] = max(count, self._counts.masked.get(selector, 0))
        return place_masks(
            (*self._state.masked.boxes, *masked.boxes),
            (viewport.x, viewport.y, viewport.scale),
            options.device_scale_factor,
            (options.width, options.height),
        )

    async def _capture(self, capture: Capture) -> Picture:
        self._counts.captures += 1
        picture = await capture.take()
        height, width = picture.shape[:2]
        if height < self._options.height or width < self._options.width:
            raise RenderFailed(f"capture: a picture of {width}x{height} pixels")
        picture = picture[: self._options.height, : self._options.width]
        if len(self._counts.colours) < 2 and MANY not in self._counts.colours:
            self._counts.colours.add(colour_of(picture))
        return picture

    async def _marks(self, window: WindowReplay, at_ms: float) -> PointerMarks:
        """The pointer's marks; the page is asked where a frame that holds an element begins."""
        missing: set[int] = set()

        def project(x: float, y: float, node: int) -> tuple[float, float]:
            origin = self._origins.get(node, TOP if not self._state.nested else None)
            if origin is None:
                missing.add(node)
                return 0.0, 0.0
            viewport, ratio = self._state.viewport, self._options.device_scale_factor
            left, top = origin.x + x * origin.scale, origin.y + y * origin.scale
            return (viewport.x + left * viewport.scale) * ratio, (viewport.y + top * viewport.scale) * ratio

        marks = window.pointer.marks_at(at_ms, project)
        if missing:
            nodes = sorted(missing)
            self._origins.update(zip(nodes, await window.player.origins(nodes), strict=True))
            marks = window.pointer.marks_at(at_ms, project)
        return marks
