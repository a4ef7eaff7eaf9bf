"""A page in a browser of its own: its frames are begun one by one, at times of the recording."""

from __future__ import annotations

import asyncio
import base64
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from video_export_worker.errors import BrowserHung, RenderFailed
from video_export_worker.replay.answers import Answers, NoAnswers, fulfilment
from video_export_worker.replay.devtools import DevTools

# Blink's animation clock follows the wall clock where frame times are near it, so ours lie far ahead.
CLOCK_OFFSET_MS: Final = 1e9
SPLIT_MS: Final = 0.001  # between the frames of one time: the least that Chromium tells apart
FRAME_TIMEOUT: Final = 20.0
LOAD_TIMEOUT: Final = 60.0
PNG: Final = {"format": "png", "optimizeForSpeed": True}  # lossless, and cheaper than a JPEG


@dataclass(frozen=True)
class Stage:
    """Size of what is painted: CSS pixels of the page, and device pixels for each."""

    width: int
    height: int
    device_scale_factor: float = 1.0


class PageFailed(RenderFailed):
    """The page threw: with the same recording it may well do so again, whatever browser shows it."""


USUAL_BOX: Final = (1280, 720)  # device pixels; without a wish videos are fitted into it
TILE: Final = 64  # pixels that a tile's sides are multiples of


def tiles_for(stage: Stage) -> tuple[int, int]:
    """Sides of the tiles, in device pixels, that one browser is started with: more than the stage's.

    All stages within the usual box have the same, so that a browser that waits serves any of them.
    """
    sides = stage.width * stage.device_scale_factor, stage.height * stage.device_scale_factor
    if all(side <= usual for side, usual in zip(sides, USUAL_BOX, strict=True)):
        sides = USUAL_BOX
    width, height = (TILE * (math.floor(side / TILE) + 1) for side in sides)
    return width, height


def is_served_by(stage: Stage, started: Stage) -> bool:
    """Whether a browser that was started for another stage shows this one too, pixel by pixel, once it is resized."""
    return stage.device_scale_factor == started.device_scale_factor and tiles_for(stage) == tiles_for(started)


class ReplayPage:
    """The page. Made by `open_page`.

    Attributes:
        devtools: the connection with its browser.
        stage: what it is sized for.
        remembered: what was found out about this page and stage, by whoever looked.
        answers: what the page's requests are answered with.
        restless: Blink moves something of what is shown.
    """

    def __init__(self, devtools: DevTools, stage: Stage, resize: Callable[[Stage], Awaitable[None]]) -> None:
        self.devtools = devtools
        self.stage = stage
        self.remembered: dict[object, Any] = {}
        self.answers: Answers = NoAnswers()
        self._resize = resize
        # Whole milliseconds: a fraction would move animations by parts of a pixel from run to run.
        self._origin_ms = math.floor(time.monotonic() * 1000) + CLOCK_OFFSET_MS
        self._clock_ms = self._origin_ms - 60_000.0
        self.restless = False
        self._damaged_before = False

    async def answer_requests(self, player: Answers) -> None:
        """Have every request paused and answered from `player` or from `answers`, or refused."""

        async def answer(paused: dict[str, Any]) -> None:
            request, kind = paused["request"], paused["resourceType"]
            url = request["url"].partition("#")[0]
            found = player.find(url, kind, {})
            if found is None and request["method"] == "GET":
                found = await asyncio.to_thread(self.answers.find, url, kind, request["headers"])
            if found is None:
                refusal = {"requestId": paused["requestId"], "errorReason": "BlockedByClient"}
                await self.devtools.call("Fetch.failRequest", "load", FRAME_TIMEOUT, **refusal)
            else:
                answered = fulfilment(paused["requestId"], found)
                await self.devtools.call("Fetch.fulfillRequest", "load", FRAME_TIMEOUT, **answered)

        self.devtools.listen("Fetch.requestPaused", answer)
        await self.devtools.call("Fetch.enable", "connect", FRAME_TIMEOUT, patterns=[{"urlPattern": "*"}])

    async def evaluate(self, expression: str, stage: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited.

        Raises:
            BrowserHung: the page did not answer in time.
            PageFailed: it threw.
        """
        answer = await self.devtools.call(
            "Runtime.evaluate", stage, FRAME_TIMEOUT, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {})
            raise PageFailed(f"{stage}: {thrown.get('description') or answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    async def fit(self, stage: Stage) -> None:
        """Resize the page, on which nothing has been loaded yet, for another stage that its browser serves."""
        if stage != self.stage:
            await self.pump_until(self._resize(stage), "resize")
            self.stage = stage
            self.remembered.clear()

    async def prefer(self, color_scheme: str) -> None:
        """Tell pages which colour scheme the user prefers: `light` or `dark`."""
        feature = {"name": "prefers-color-scheme", "value": color_scheme}
        await self.devtools.call("Emulation.setEmulatedMedia", "load", FRAME_TIMEOUT, features=[feature])

    def set_time(self, offset_ms: float) -> bool:
        """Begin the next frame at `offset_ms` of the recording; False if frames are there already: none goes back."""
        before, self._clock_ms = self._clock_ms, max(self._clock_ms, self._origin_ms + offset_ms)
        return self._clock_ms > before

    def advance_time(self, ms: float) -> None:
        """Begin the next frame so much later."""
        self._clock_ms += ms

    async def move_pictures(self, offset_ms: float) -> None:
        """Begin a frame at `offset_ms` of the recording for what Blink moves, before the page changes at that time.

        A frame in which an animated picture is due and leaves the page never ends. So a picture that is due moves in
        this frame, and the page changes in the next one, which stands a microsecond later. All frames after it do as
        well: a picture is due whole milliseconds after a frame that has shown it, so it is never due in between.
        """
        self.set_time(offset_ms)
        self._damaged_before |= await self.begin_frame()
        self._origin_ms += SPLIT_MS

    def take_damage(self) -> bool:
        """Whether `move_pictures` may have changed any pixel since the last call."""
        damaged, self._damaged_before = self._damaged_before, False
        return damaged

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
            raise BrowserHung(f"{stage}: no answer from the page within {LOAD_TIMEOUT:g} s") from error
        finally:
            task.cancel()

    async def _begin_frame(self, **screenshot: Any) -> dict[str, Any]:
        return await self.devtools.call(
            "HeadlessExperimental.beginFrame",
            "capture" if screenshot else "frame",
            FRAME_TIMEOUT,
            frameTimeTicks=self._clock_ms,
            interval=1000 / 60,
            **screenshot,
        )
