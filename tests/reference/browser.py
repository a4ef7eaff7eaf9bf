"""Chromium by plain Playwright: the reference page in it, and a lossless picture of every frame."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import secrets
import struct
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import av
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import CDPSession, Page, Route, async_playwright

from dev.recorder.session import CONTENT_TYPES, find_linked
from video_export_worker.composing.pointer import PointerPath, draw_marks
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording import Recording
from video_export_worker.rendering.options import RenderOptions
from video_export_worker.replay.settings import ChromiumSettings

HERE = Path(__file__).parent
RRWEB = HERE.parents[1] / "worker/player/node_modules/rrweb/dist/rrweb.umd.min.cjs"
ORIGIN = "http://reference.test/"
# The same picture needs the same rasterisation; what is not about that is left as Playwright has it.
FLAGS = [
    "--deterministic-mode",
    "--enable-begin-frame-control",
    "--run-all-compositor-stages-before-draw",
    "--disable-new-content-rendering-timeout",
    "--disable-threaded-animation",
    "--disable-threaded-scrolling",
    "--disable-checker-imaging",
    "--disable-image-animation-resync",
    "--enable-surface-synchronization",
    "--disable-partial-raster",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline' http:; img-src data: blob: http:; "
    "font-src data: http:; media-src data: blob:"
)
AHEAD_MS = 1e9  # frame times near the machine's own would let Blink's clock follow that
MOST_HANGS = 3
LIMIT = 20.0  # seconds that any answer may take
SETTLING = 40  # frames for one time: what a page does a frame late belongs to the frame all the same

Picture = NDArray[np.uint8]


@dataclass
class Clock:
    """Time of the begun frames, in milliseconds."""

    zero: float
    now: float = 0.0


class ReferencePage:
    """The reference page, one frame after the other."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self.asked = 0  # requests for files of other hosts
        self._session = session
        self._zero = float(int(time.monotonic() * 1000) + AHEAD_MS)
        self._now = self._zero - 100_000
        self._has_pictures = False

    async def begin(self, picture: bool = False) -> dict[str, Any]:
        self._now += 0.5  # begun again at the same time, a frame with an animated picture may never end
        arguments: dict[str, Any] = {"frameTimeTicks": self._now, "interval": 10}
        if picture:
            arguments["screenshot"] = {"format": "png", "optimizeForSpeed": True}
        return await self._send("HeadlessExperimental.beginFrame", arguments)

    async def _send(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT):
            answer: dict[str, Any] = await self._session.send(method, arguments)
            return answer

    async def call(self, expression: str) -> Any:
        answer = await self._send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    async def open(self, recording: Recording, options: RenderOptions) -> None:
        """Load the page and the recording."""
        stage = options.stage
        self._has_pictures = any("data:image/" in str(event) for event in recording.events)
        shape = {
            "width": stage.width,
            "height": stage.height,
            "maxScale": 16 if options.enlarge else 1,
            "background": options.background,
            "canvas": recording.has_canvas,
            "page": dict(zip(("width", "height"), options.page or recording.viewport, strict=True)),
        }
        await self._session.send("HeadlessExperimental.enable")
        loading = asyncio.ensure_future(self._page.goto(ORIGIN + "page.html"))
        while not loading.done():
            self._now += 10
            await self.begin()
            await asyncio.wait([loading], timeout=0.02)
        await loading
        await self.call(f"reference.open({json.dumps(json.dumps(recording.events))}, {json.dumps(shape)})")

    async def frame(self, at_ms: float) -> tuple[bytes, dict[str, float]]:
        """PNG of the page as it is at `at_ms` of the recording, and where the recorded viewport stands in it."""
        if self._has_pictures:
            # Once a picture that is due has left, a frame may never end: it moves in a frame of its own, before that.
            self._now = max(self._now, self._zero + at_ms)
            await self.begin()
            self._zero += 0.001
        state = await self.call(f"reference.go({at_ms!r})")
        self._now = max(self._now, self._zero + at_ms)
        await self._settle()
        for _ in range(SETTLING):
            # A frame that came in between may take the picture's place.
            if data := (await self.begin(picture=True)).get("screenshotData"):
                return base64.b64decode(data), state["size"]
        raise RuntimeError("Chromium returned no picture")

    async def _settle(self) -> None:
        """Begin frames until nothing changes, and once more after each file that a frame has asked for."""
        asked = -1
        while asked != self.asked:
            asked = self.asked
            for _ in range(SETTLING):
                if not (await self.begin())["hasDamage"] and await self.call("reference.isSeen()"):
                    break
            if self.asked:
                await self.call("reference.come()")


@contextlib.asynccontextmanager
async def open_reference(chromium: ChromiumSettings, options: RenderOptions) -> AsyncIterator[ReferencePage]:
    """A browser with the reference page, not yet loaded."""
    stage = options.stage
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find_executable(),
            args=[*FLAGS, *_tiles(options), f"--force-device-scale-factor={stage.device_scale_factor:g}"],
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            page = await browser.new_page(
                viewport={"width": stage.width, "height": stage.height},
                device_scale_factor=stage.device_scale_factor,
                color_scheme=options.color_scheme.value,
            )
            reference = ReferencePage(page, await page.context.new_cdp_session(page))
            await page.route("**/*", partial(_serve, reference))
            yield reference
        finally:
            await browser.close()


def _tiles(options: RenderOptions) -> list[str]:
    """Tiles that are larger than the picture, or than 1280x720 where it fits into that, by at most 64 pixels.

    At the edge of a tile gradients, blurs and antialiasing differ by some levels from those within one.
    """
    fits = options.width <= 1280 and options.height <= 720
    width, height = (1280, 720) if fits else (options.width, options.height)
    sides = {"width": width // 64 * 64 + 64, "height": height // 64 * 64 + 64}
    kinds = ("default-tile", "max-untiled-layer")
    return [f"--{kind}-{side}={length}" for kind in kinds for side, length in sides.items()]


async def reference_frames(
    recording: Recording,
    timeline: Timeline,
    options: RenderOptions,
    frames: range,
    *,
    chromium: ChromiumSettings,
) -> AsyncIterator[tuple[int, Picture]]:
    """Every frame's picture (height x width x 4, BGRA), with its number; equal ones come as the same object."""
    pointer = PointerPath(recording.mouse, options.mouse)
    due, hangs = frames.start, 0
    while due < frames.stop:
        try:
            async with open_reference(chromium, options) as page:
                await page.open(recording, options)
                before: tuple[bytes, Picture] | None = None
                for index in range(due, frames.stop):
                    at_ms = timeline.recording_ms(index)
                    png, size = await page.frame(at_ms)
                    if before is None or before[0] != png:
                        before = png, _decode(png)[: options.height, : options.width]
                    marks = await _marks(page, pointer, at_ms, size, options.device_scale_factor)
                    yield index, draw_marks(before[1], marks, options.device_scale_factor)
                    due = index + 1
        except TimeoutError:
            # Once in some dozens of launches a frame never ends; another browser goes on from there.
            hangs += 1
            if hangs > MOST_HANGS:
                raise


async def _marks(page: ReferencePage, pointer: PointerPath, at_ms: float, size: dict[str, float], ratio: float) -> Any:
    nodes: dict[int, list[float]] = {}

    def project(x: float, y: float, node: int) -> tuple[float, float]:
        left, top, scale = nodes.setdefault(node, [0, 0, 1])
        return (
            (size["left"] + (left + x * scale) * size["scale"]) * ratio,
            (size["top"] + (top + y * scale) * size["scale"]) * ratio,
        )

    pointer.marks_at(at_ms, project)
    for node in nodes:
        nodes[node] = await page.call(f"reference.offsetOf({node})")
    return pointer.marks_at(at_ms, project)


def _decode(png: bytes) -> Picture:
    with av.open(BytesIO(png), "r", format="png_pipe") as container:
        picture = np.array(next(container.decode(video=0)).to_ndarray(format="bgra"), np.uint8)
    picture[..., 3] = 255
    return picture


async def _serve(reference: ReferencePage, route: Route) -> None:
    if linked := find_linked(unquote(route.request.url.removeprefix(f"{ORIGIN}of/"))):
        reference.asked += 1
        headers = {"content-type": CONTENT_TYPES[linked.suffix], "access-control-allow-origin": "*"}
        body = linked.read_bytes()
        if linked.suffix == ".css":
            body = re.sub(rb"(?<![\\(]):hover\b", rb":is(:hover, .\\:hover)", body)
        await route.fulfill(body=body, headers=headers)
        return
    name = route.request.url.removeprefix(ORIGIN)
    if name == "page.html":
        nonce = secrets.token_hex(8)
        await route.fulfill(
            body=(HERE / name).read_text().replace("NONCE", nonce),
            content_type="text/html",
            headers={"content-security-policy": POLICY.format(nonce=nonce)},
        )
    elif name in ("page.js", "rrweb.js"):
        source = RRWEB if name == "rrweb.js" else HERE / name
        await route.fulfill(body=source.read_text(), content_type="text/javascript")
    elif route.request.resource_type == "image":
        await route.fulfill(body=_grey_pixel(), content_type="image/png")  # what is missing is a quiet box
    else:
        await route.abort()


def _grey_pixel() -> bytes:
    """A PNG of one pixel: grey, a quarter opaque."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
    pixel = chunk(b"IDAT", zlib.compress(b"\0" + bytes((128, 128, 128, 64))))
    return b"\x89PNG\r\n\x1a\n" + header + pixel + chunk(b"IEND", b"")
