"""The replay page: its frames are begun one by one, and its clock is the recording's."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from video_export_worker.errors import RenderFailed
from video_export_worker.rendering.devtools import DevTools

# Blink's animation clock follows the wall clock where frame times are near it, so ours lie far ahead.
CLOCK_OFFSET_MS: Final = 1e9
FRAME_TIMEOUT: Final = 20.0
LOAD_TIMEOUT: Final = 60.0
MAX_REPAINTS: Final = 50
PNG: Final = {"format": "png", "optimizeForSpeed": True}  # lossless, and cheaper than a JPEG


@dataclass(frozen=True)
class Stage:
    """Size of what is painted: CSS pixels of the page, and device pixels for each."""

    width: int
    height: int
    device_scale_factor: float = 1.0


class ReplayPage:
    """The page in a browser of its own. Made by `open_page`."""

    def __init__(self, devtools: DevTools) -> None:
        self.devtools = devtools
        # Whole milliseconds: a fraction would move animations by parts of a pixel from run to run.
        self._origin_ms = math.floor(time.monotonic() * 1000) + CLOCK_OFFSET_MS
        self._clock_ms = self._origin_ms - 60_000.0
        self.frames_begun = 0

    async def evaluate(self, expression: str, stage: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited.

        Raises:
            RenderFailed: the page threw, or did not answer in time.
        """
        answer = await self.devtools.call(
            "Runtime.evaluate", stage, FRAME_TIMEOUT, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {})
            raise RenderFailed(f"{stage}: {thrown.get('description') or answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    async def paint(self, offset_ms: float, *, changed: bool, restless: bool = False) -> bool:
        """Paint the page as it is at `offset_ms` of the recording; True if any pixel may have changed.

        A renderer that was idle asks for frames by a message of its own, and a frame that begins before it arrives
        passes without the page. Such a frame shows no damage, so a page that was `changed` is asked, and the frame
        begun again. A `restless` page is asked even so: the damage may be that of an animated picture alone.
        """
        self._clock_ms = max(self._clock_ms, self._origin_ms + offset_ms)
        damaged: bool = False
        for _ in range(MAX_REPAINTS):
            damaged |= bool((await self._begin_frame())["hasDamage"])
            if damaged and not restless:
                return True
            if not changed or await self.evaluate(f"videoExportPlayer.isPainted({offset_ms!r})", "frame"):
                return damaged
            # Begun again at the same time, a frame with an animated picture may never end.
            self._clock_ms += 0.5 if restless else 0
        raise RenderFailed(f"frame: the page took part in none of {MAX_REPAINTS} frames")

    async def screenshot(self, offset_ms: float | None = None, picture: Mapping[str, Any] = PNG) -> bytes:
        """Encoded picture of what was painted last; with `offset_ms` the page is painted in the same frame."""
        if offset_ms is not None:
            self._clock_ms = max(self._clock_ms, self._origin_ms + offset_ms)
        answer = await self._begin_frame(screenshot=dict(picture))
        if not answer.get("screenshotData"):
            raise RenderFailed("capture: Chromium returned a frame without a picture")
        return base64.b64decode(answer["screenshotData"])

    async def pump(self) -> bool:
        """Begin one frame before the recording's start; True if any pixel may have changed."""
        self._clock_ms += 10
        damaged: bool = (await self._begin_frame())["hasDamage"]
        return damaged

    async def pump_until(self, work: Awaitable[Any], stage: str) -> Any:
        """Keep beginning frames, 10 ms of page time apart, until `work` is done: without frames a page never loads."""
        task = asyncio.ensure_future(work)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                while not task.done():
                    await self.pump()
                    await asyncio.wait([task], timeout=0.01)
                return task.result()
        except TimeoutError as error:
            raise RenderFailed(f"{stage}: no answer from the page within {LOAD_TIMEOUT:g} s") from error
        finally:
            task.cancel()

    async def _begin_frame(self, **screenshot: Any) -> dict[str, Any]:
        self.frames_begun += 1
        return await self.devtools.call(
            "HeadlessExperimental.beginFrame",
            "capture" if screenshot else "frame",
            FRAME_TIMEOUT,
            frameTimeTicks=self._clock_ms,
            interval=1000 / 60,
            **screenshot,
        )
