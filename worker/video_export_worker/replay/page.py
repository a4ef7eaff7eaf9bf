"""A page in a browser of its own: its frames are begun one by one, at times of the recording."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from video_export_worker.errors import RenderFailed
from video_export_worker.replay.devtools import DevTools

# Blink's animation clock follows the wall clock where frame times are near it, so ours lie far ahead.
CLOCK_OFFSET_MS: Final = 1e9
FRAME_TIMEOUT: Final = 20.0
LOAD_TIMEOUT: Final = 60.0
PNG: Final = {"format": "png", "optimizeForSpeed": True}  # lossless, and cheaper than a JPEG


@dataclass(frozen=True)
class Stage:
    """Size of what is painted: CSS pixels of the page, and device pixels for each."""

    width: int
    height: int
    device_scale_factor: float = 1.0


class ReplayPage:
    """The page. Made by `open_page`."""

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

    def set_time(self, offset_ms: float) -> None:
        """Begin the next frame at `offset_ms` of the recording; frames never go back."""
        self._clock_ms = max(self._clock_ms, self._origin_ms + offset_ms)

    def advance_time(self, ms: float) -> None:
        """Begin the next frame so much later."""
        self._clock_ms += ms

    async def begin_frame(self) -> bool:
        """Begin a frame; True if any pixel may have changed."""
        damaged: bool = (await self._begin_frame())["hasDamage"]
        return damaged

    async def screenshot(self, picture: Mapping[str, Any] = PNG) -> bytes:
        """Encoded picture of the page, painted in a frame of its own."""
        answer = await self._begin_frame(screenshot=dict(picture))
        if not answer.get("screenshotData"):
            raise RenderFailed("capture: Chromium returned a frame without a picture")
        return base64.b64decode(answer["screenshotData"])

    async def pump(self) -> bool:
        """Begin one frame before the recording's start; True if any pixel may have changed."""
        self.advance_time(10)
        return await self.begin_frame()

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
