"""Two ways to get a painted frame: the safe one, a lossless screenshot, and the fast one, the compositor's own bitmap.

The fast one is used where it works, compared with screenshots again and again while it is used, and once more at the
end. If it ever differs, nothing that it delivered is kept: `CaptureDiffers` ends the run, and the caller takes it again
with screenshots.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

import av
import numpy as np

from video_export_worker.capture.compositor_memory import (
    PATTERN,
    REMOVE_PATTERN,
    CompositorBitmap,
    find_bitmaps,
    make_pattern,
    open_bitmap,
    require_painted,
)
from video_export_worker.errors import RenderFailed
from video_export_worker.pictures import Picture
from video_export_worker.replay.page import ReplayPage
from video_export_worker.replay.settings import CaptureMode

LOG = logging.getLogger(__name__)
SEEDS: Final = (20_011, 50_021, 90_001)  # of the patterns: each moves the one before by more rows than there are
PATTERN_ROWS: Final = 64
PATTERN_FRAMES: Final = 20


class CaptureDiffers(RenderFailed):
    """The fast capture is not what a screenshot shows: what it delivered cannot be trusted."""


class Capture(Protocol):
    """Takes pictures of what was painted last."""

    @property
    def needs_page(self) -> bool:
        """The next picture takes a frame of the page, which must not change before it is there."""

    async def take(self) -> Picture:
        """The picture: height x width x 4, BGRA; at least as large as the video."""

    async def finish(self) -> None:
        """Vouch for every picture taken. Raises CaptureDiffers if that is not possible."""


class ScreenshotCapture:
    """Lossless screenshots."""

    needs_page = True

    def __init__(self, page: ReplayPage) -> None:
        self._page = page

    async def take(self) -> Picture:
        """A screenshot."""
        return decode_png(await self._page.screenshot())

    async def finish(self) -> None:
        """A screenshot needs nobody to vouch for it."""


class MemoryCapture:
    """The bitmap of the compositor, checked against screenshots: the 1st, 4th, 16th, 64th ... picture and the last."""

    def __init__(self, read: Callable[[], Picture], check: Capture) -> None:
        self._read = read
        self._check = check
        self._taken = 0
        self._next_check = 1

    @property
    def needs_page(self) -> bool:
        """The next picture is compared with a screenshot."""
        return self._taken + 1 == self._next_check

    async def take(self) -> Picture:
        """A copy of the bitmap."""
        try:
            picture = self._read()
        except OSError as error:
            raise RenderFailed(f"capture: the memory of Chromium cannot be read any more: {error}") from error
        self._taken += 1
        if self._taken == self._next_check:
            self._next_check *= 4
            await self._compare(picture)
        return picture

    async def finish(self) -> None:
        """Compare once more."""
        if self._taken:
            await self._compare(self._read())

    async def _compare(self, picture: Picture) -> None:
        height, width = picture.shape[:2]
        expected = (await self._check.take())[:height, :width]
        if not np.array_equal(expected, picture):
            raise CaptureDiffers(f"capture: picture {self._taken} read from memory is not what a screenshot shows")


@contextlib.asynccontextmanager
async def open_capture(page: ReplayPage, width: int, height: int, mode: CaptureMode) -> AsyncIterator[Capture]:
    """The fastest capture that works here; to be opened on a page that has loaded nothing yet.

    Args:
        page: whose frames are captured.
        width: of the part that is wanted, in device pixels.
        height: of the part that is wanted, in device pixels.
        mode: screenshots only, or the best.
    """
    screenshots = ScreenshotCapture(page)
    await prepare_capture(page, width, height, mode)
    bitmap = page.remembered[width, height, mode]
    if bitmap is None:
        yield screenshots
        return
    read, close = open_bitmap(bitmap)
    try:
        yield MemoryCapture(read, screenshots)
    finally:
        close()


async def prepare_capture(page: ReplayPage, width: int, height: int, mode: CaptureMode) -> None:
    """Find out how frames of this size are captured, unless it is known: `open_capture` then begins at once."""
    if (width, height, mode) not in page.remembered:
        bitmap = await _find_bitmap(page, width, height) if mode is CaptureMode.AUTO else None
        page.remembered[width, height, mode] = bitmap


async def _find_bitmap(page: ReplayPage, width: int, height: int) -> CompositorBitmap | None:
    """The one place that shows each of several patterns after the other."""
    process = await page.devtools.find_process("GPU")
    if process is None:
        return None
    rows = min(PATTERN_ROWS, height)
    bitmaps: list[CompositorBitmap] = []
    try:
        for number, seed in enumerate(SEEDS):
            await page.evaluate(PATTERN % (seed, rows), "capture")
            if not await _paint_pattern(page):
                return None
            pattern = make_pattern(seed, width, rows)
            if number == 0:
                bitmaps = find_bitmaps(process, pattern, height)
            bitmaps = [bitmap for bitmap in bitmaps if _shows(bitmap, pattern)]
    except OSError as error:
        LOG.info("frames are captured by screenshots: the memory of Chromium cannot be read here (%s)", error)
        return None
    finally:
        await page.evaluate(REMOVE_PATTERN, "capture")
        await _paint_pattern(page)
    if len(bitmaps) != 1:
        LOG.info("frames are captured by screenshots: Chromium's bitmap was found in %d places", len(bitmaps))
        return None
    return bitmaps[0]


async def _paint_pattern(page: ReplayPage) -> bool:
    """Begin frames until one shows a change."""
    for _ in range(PATTERN_FRAMES):
        if await page.pump():
            return True
    return False


def _shows(bitmap: CompositorBitmap, pattern: Picture) -> bool:
    read, close = open_bitmap(bitmap)
    try:
        return np.array_equal(read()[: len(pattern)], pattern)
    except RenderFailed:  # blank by now
        return False
    finally:
        close()


def decode_png(data: bytes) -> Picture:
    """Pixels of a PNG: height x width x 4, BGRA."""
    decoder = av.CodecContext.create("png", "r")
    frames = decoder.decode(av.Packet(data)) or decoder.decode(None)
    if not frames:
        raise RenderFailed("capture: Chromium returned a picture that is no PNG")
    picture: Picture = np.asarray(frames[0].to_ndarray(format="bgra"), np.uint8)
    require_painted(picture)
    picture[..., 3] = 255  # what is partly transparent has its own colour all the same
    return picture
