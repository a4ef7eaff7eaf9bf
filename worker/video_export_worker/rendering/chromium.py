"""Chromium, driven frame by frame: it paints when it is told to, and its clock is the recording's.

Flags and the reason for each: `--deterministic-mode` and the compositor flags make one `beginFrame` produce one
complete frame; the threaded flags keep animation and scrolling on the main thread, where a frame's time decides;
checker imaging and image resync would show images late or move animated ones by the wall clock.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import math
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.async_api import CDPSession, Error, Page, Playwright, Route, async_playwright

from video_export_worker.errors import RenderFailed

LOG = logging.getLogger(__name__)

FLAGS = (
    "--deterministic-mode",
    "--enable-begin-frame-control",
    "--run-all-compositor-stages-before-draw",
    "--disable-new-content-rendering-timeout",
    "--disable-threaded-animation",
    "--disable-threaded-scrolling",
    "--disable-checker-imaging",
    "--disable-image-animation-resync",
    "--enable-surface-synchronization",
    # A tile is rastered as a whole: at the edge of a partly repainted one antialiasing depends on what was there.
    "--disable-partial-raster",
    # Nothing leaves the browser: the page has a CSP without network, requests are aborted, and no name resolves.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Identical pixels on every machine: no LCD text, no hinting by the display's settings, sRGB.
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)
PAGE_URL = "http://player.invalid/player.html"
CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'; frame-src 'none'"
)
# Blink's animation clock follows the wall clock where frame times are near it, so ours lie far ahead.
CLOCK_OFFSET_MS = 1e9
LAUNCH_TIMEOUT = 30.0
FRAME_TIMEOUT = 20.0
LOAD_TIMEOUT = 60.0
CHUNK_BYTES = 4 * 2**20
MAX_REPAINTS = 50
PNG = {"format": "png", "optimizeForSpeed": True}  # lossless, and cheaper than a JPEG


@dataclass(frozen=True)
class ChromiumSettings:
    """Which Chromium runs, and whether its own sandbox is on.

    Attributes:
        executable: path of `chromium-headless-shell`; by default it is looked up on PATH, then among Playwright's.
        sandbox: True, False, or None to use it wherever the machine allows it.
    """

    executable: str | None = None
    sandbox: bool | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ChromiumSettings:
        """Read `VIDEO_EXPORT_CHROMIUM` (a path) and `VIDEO_EXPORT_CHROMIUM_SANDBOX` (true, false or auto)."""
        sandbox = environment.get("VIDEO_EXPORT_CHROMIUM_SANDBOX", "auto").lower()
        if sandbox not in ("true", "false", "auto"):
            raise ValueError(f"VIDEO_EXPORT_CHROMIUM_SANDBOX is {sandbox!r}: use true, false or auto")
        return cls(environment.get("VIDEO_EXPORT_CHROMIUM") or None, {"true": True, "false": False}.get(sandbox))

    def find_executable(self) -> str:
        """Path of the browser.

        Raises:
            RenderFailed: there is none; the message says how to get one.
        """
        path = self.executable or shutil.which("chromium-headless-shell") or _find_of_playwright()
        if path is None or not os.access(path, os.X_OK):
            raise RenderFailed(
                f"launch: no Chromium headless shell at {path or 'any place on PATH'}; "
                "install Debian's chromium-headless-shell or set VIDEO_EXPORT_CHROMIUM"
            )
        return path


def _find_of_playwright() -> str | None:
    """Path of the newest headless shell that `playwright install --only-shell chromium` has fetched, if any."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = [*folder.glob("chromium_headless_shell-*/*/*headless[-_]shell")]
    return str(max(found, key=lambda path: path.stat().st_mtime)) if found else None


@dataclass(frozen=True)
class Stage:
    """Size of what is painted: CSS pixels of the page, and device pixels for each."""

    width: int
    height: int
    device_scale_factor: float = 1.0


class ReplayPage:
    """The replay page in a browser whose frames are begun one by one. Made by `open_page`."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        # Whole milliseconds: a fraction would move animations by parts of a pixel from run to run.
        self._origin_ms = math.floor(time.monotonic() * 1000) + CLOCK_OFFSET_MS
        self._clock_ms = self._origin_ms - 60_000.0
        self.frames_begun = 0
        self.captures = 0

    async def _begin_frame(self, screenshot: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.frames_begun += 1
        arguments: dict[str, Any] = {"frameTimeTicks": self._clock_ms, "interval": 1000 / 60}
        if screenshot:
            arguments["screenshot"] = dict(screenshot)
        call = self._session.send("HeadlessExperimental.beginFrame", arguments)
        answer: dict[str, Any] = await _bounded(call, FRAME_TIMEOUT, "frame")
        return answer

    async def pump_until(self, work: Awaitable[Any], stage: str) -> Any:
        """Keep beginning frames, 10 ms of page time apart, until `work` is done: without frames a page never loads."""
        task = asyncio.ensure_future(work)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT):
                while not task.done():
                    self._clock_ms += 10
                    await self._begin_frame()
                    await asyncio.wait([task], timeout=0.01)
                return task.result()
        except TimeoutError as error:
            raise RenderFailed(f"{stage}: no answer from the page within {LOAD_TIMEOUT:g} s") from error
        finally:
            task.cancel()

    async def evaluate(self, expression: str, stage: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited.

        Raises:
            RenderFailed: the page threw, or did not answer in time.
        """
        call = self._session.send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
        answer = await _bounded(call, FRAME_TIMEOUT, stage)
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {})
            raise RenderFailed(f"{stage}: {thrown.get('description') or answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    async def paint(self, offset_ms: float, *, changed: bool) -> bool:
        """Paint the page as it is at `offset_ms` of the recording; True if any pixel may have changed.

        A renderer that was idle asks for frames by a message of its own, and a frame that begins before it arrives
        passes without the page. Such a frame shows no damage, so a page that was `changed` is asked, and the frame
        begun again.
        """
        self._clock_ms = max(self._clock_ms, self._origin_ms + offset_ms)
        for _ in range(MAX_REPAINTS):
            if (await self._begin_frame())["hasDamage"]:
                return True
            if not changed or await self.evaluate("videoExportPlayer.isPainted()", "frame"):
                return False
        raise RenderFailed(f"frame: the page took part in none of {MAX_REPAINTS} frames")

    async def capture(self, offset_ms: float | None = None, picture: Mapping[str, Any] = PNG) -> bytes:
        """Encoded picture of what was painted last; with `offset_ms` the page is painted in the same frame."""
        self.captures += 1
        if offset_ms is not None:
            self._clock_ms = max(self._clock_ms, self._origin_ms + offset_ms)
        answer = await self._begin_frame(picture)
        if not answer.get("screenshotData"):
            raise RenderFailed("capture: Chromium returned a frame without a picture")
        return base64.b64decode(answer["screenshotData"])


async def _bounded(call: Awaitable[Any], seconds: float, stage: str) -> Any:
    try:
        # Not wait_for: before Python 3.12 it loses a cancellation that comes together with the answer.
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError as error:
        raise RenderFailed(f"{stage}: Chromium did not answer within {seconds:g} s") from error
    except Error as error:
        raise RenderFailed(f"{stage}: {error.message.splitlines()[0]}") from error


@contextlib.asynccontextmanager
async def open_page(settings: ChromiumSettings, stage: Stage) -> AsyncIterator[ReplayPage]:
    """A browser of its own with the replay page loaded; browser and profile are gone at the end.

    Raises:
        RenderFailed: Chromium does not start, or the page does not load.
    """
    async with async_playwright() as playwright:
        with tempfile.TemporaryDirectory(prefix="video-export-chromium-", ignore_cleanup_errors=True) as profile:
            context = await _launch(playwright, settings, stage, profile)
            try:
                page = context.pages[0]
                await page.route("**/*", _serve_player)
                session = await context.new_cdp_session(page)
                await session.send("HeadlessExperimental.enable")
                replay = ReplayPage(page, session)
                await replay.pump_until(page.goto(PAGE_URL), "load")
                yield replay
            except Error as error:
                raise RenderFailed(f"browser: {error.message.splitlines()[0]}") from error
            finally:
                with contextlib.suppress(Error, TimeoutError):
                    await asyncio.wait_for(context.close(), 5)


async def _launch(playwright: Playwright, settings: ChromiumSettings, stage: Stage, profile: str) -> Any:
    executable = settings.find_executable()
    attempts = [settings.sandbox] if settings.sandbox is not None else [os.geteuid() != 0, False]
    for sandbox in attempts:
        try:
            return await playwright.chromium.launch_persistent_context(
                profile,
                executable_path=executable,
                # Begun frames are captured in the size of the window, so the ratio has to be the window's own.
                args=[*FLAGS, f"--force-device-scale-factor={stage.device_scale_factor:g}"],
                chromium_sandbox=sandbox,
                viewport={"width": stage.width, "height": stage.height},
                device_scale_factor=stage.device_scale_factor,
                timeout=LAUNCH_TIMEOUT * 1000,
            )
        except Error as error:
            if sandbox is attempts[-1] or "sandbox" not in error.message.lower():
                raise RenderFailed(f"launch: {error.message.splitlines()[0]}") from error
            LOG.warning("Chromium's own sandbox is not available here: starting without it")
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _serve_player(route: Route) -> None:
    """Answer the two requests of the replay page from the package; everything else is refused."""
    name = route.request.url.removeprefix("http://player.invalid/")
    folder = resources.files("video_export_worker") / "player_dist"
    if name == "player.html" and route.request.resource_type == "document":
        nonce = secrets.token_urlsafe(16)
        body = (folder / name).read_text().replace("__NONCE__", nonce)
        headers = {"content-security-policy": CSP.format(nonce=nonce)}
        await route.fulfill(body=body, content_type="text/html", headers=headers)
    elif name == "player.js":
        await route.fulfill(body=(folder / name).read_text(), content_type="text/javascript")
    else:
        await route.abort("blockedbyclient")
