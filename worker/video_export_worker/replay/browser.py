"""Chromium, driven frame by frame: it paints when it is told to, and its clock is the recording's.

Flags and the reason for each: `--deterministic-mode` and the compositor flags make one `beginFrame` produce one
complete frame; the threaded flags keep animation and scrolling on the main thread, where a frame's time decides;
checker imaging and image resync would show images late or move animated ones by the wall clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.async_api import Error, Page, Playwright

from video_export_worker.driver import Driver
from video_export_worker.errors import RenderFailed
from video_export_worker.replay.answers import Answer
from video_export_worker.replay.devtools import connect_devtools
from video_export_worker.replay.environment import browser_environment
from video_export_worker.replay.page import ReplayPage, Stage, tiles_for
from video_export_worker.replay.settings import ChromiumSettings

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
    # So is a frame drawn, and what the memory holds is what a screenshot, which is drawn anew, would show: where only
    # the damage is drawn, edges of scaled layers blend with what was there. It costs 0.7 ms a frame.
    "--ui-disable-partial-swap",
    # Nothing leaves the browser: every request is answered or refused by DevTools, no name resolves, and every
    # connection would go through a proxy that does not exist. WebRTC may use that proxy alone.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://proxy.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Identical pixels on every machine: no LCD text, no hinting by the display's settings, sRGB.
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    # What Blink has dropped is collected after half as much again has come: left to themselves, heaps grow to three
    # times what is in use. It costs no time that could be measured.
    "--js-flags=--heap-growing-percent=50",
)
PAGE_URL = "http://player.invalid/player.html"
SCRIPT_URL = "http://player.invalid/player.js"
# Images, styles, fonts and media may have any URL: each request is answered from what was stored, or refused.
CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline' http: https:; "
    "img-src data: blob: http: https:; font-src data: http: https:; media-src data: blob: http: https:; "
    "base-uri 'none'; form-action 'none'; frame-src 'none'; webrtc 'block'"
)
LAUNCH_TIMEOUT = 30.0
CLOSE_TIMEOUT = 5.0


@contextlib.asynccontextmanager
async def open_page(settings: ChromiumSettings, stage: Stage) -> AsyncIterator[ReplayPage]:
    """A browser of its own with the replay page loaded; browser and profile are gone at the end.

    Raises:
        RenderFailed: Chromium does not start, or the page does not load.
    """
    ahead = None if settings.ahead is None else await settings.ahead.take(stage)
    async with _start(settings, stage) if ahead is None else ahead as page:
        yield page


@contextlib.asynccontextmanager
async def _start(settings: ChromiumSettings, stage: Stage) -> AsyncIterator[ReplayPage]:
    async with _use_driver(settings.driver) as playwright:
        with tempfile.TemporaryDirectory(prefix="video-export-chromium-", ignore_cleanup_errors=True) as profile:
            context = await _launch(playwright, settings, stage, profile)
            try:
                page = context.pages[0]
                async with connect_devtools(Path(profile)) as devtools:
                    await devtools.call("HeadlessExperimental.enable", "connect", LAUNCH_TIMEOUT)
                    replay = ReplayPage(devtools, stage, lambda wanted: _resize(page, wanted))
                    await replay.answer_requests(PlayerFiles())
                    # No frame is begun meanwhile: one for which a page that goes away was asked need not ever end.
                    await page.goto(PAGE_URL, timeout=LAUNCH_TIMEOUT * 1000)
                    yield replay
            except Error as error:
                raise RenderFailed(f"browser: {error.message.splitlines()[0]}") from error
            except TimeoutError as error:
                raise RenderFailed(f"browser: no answer within {LAUNCH_TIMEOUT:g} s") from error
            finally:
                with contextlib.suppress(Error, TimeoutError):
                    async with asyncio.timeout(CLOSE_TIMEOUT):
                        await context.close()


@contextlib.asynccontextmanager
async def _use_driver(shared: Driver | None) -> AsyncIterator[Playwright]:
    async with contextlib.AsyncExitStack() as stack:
        driver = await stack.enter_async_context(Driver()) if shared is None else shared
        yield await stack.enter_async_context(driver.use())


async def _resize(page: Page, stage: Stage) -> None:
    try:
        await page.set_viewport_size({"width": stage.width, "height": stage.height})
    except Error as error:
        raise RenderFailed(f"resize: {error.message.splitlines()[0]}") from error


async def _launch(playwright: Playwright, settings: ChromiumSettings, stage: Stage, profile: str) -> Any:
    executable = settings.find_executable()
    attempts = [settings.sandbox] if settings.sandbox is not None else [os.geteuid() != 0, False]
    for sandbox in attempts:
        try:
            async with asyncio.timeout(LAUNCH_TIMEOUT + CLOSE_TIMEOUT):  # the driver itself may hang
                return await playwright.chromium.launch_persistent_context(
                    profile,
                    executable_path=executable,
                    # Begun frames are captured in the size of the window, so the ratio has to be the window's own.
                    args=[*FLAGS, *_flags_of(stage), "--remote-debugging-port=0"],
                    chromium_sandbox=sandbox,
                    env=dict(browser_environment(os.environ)),
                    viewport={"width": stage.width, "height": stage.height},
                    device_scale_factor=stage.device_scale_factor,
                    timeout=LAUNCH_TIMEOUT * 1000,
                )
        except TimeoutError as error:
            raise RenderFailed(f"launch: no answer within {LAUNCH_TIMEOUT:g} s") from error
        except Error as error:
            if sandbox is attempts[-1] or "sandbox" not in error.message.lower():
                raise RenderFailed(f"launch: {error.message.splitlines()[0]}") from error
            LOG.warning("Chromium's own sandbox is not available here: starting without it")
    raise AssertionError("unreachable: the last attempt returns or raises")


def _flags_of(stage: Stage) -> list[str]:
    """Flags that depend on the size.

    One tile shows the whole stage. Tiles that border on others are drawn pixel by pixel, which takes two thirds of the
    compositor's time, and rastering all of a tile for a small change costs less than that.
    """
    ratio = stage.device_scale_factor
    sides = dict(zip(("width", "height"), tiles_for(stage), strict=True))
    return [
        f"--force-device-scale-factor={ratio:g}",
        *(
            f"--{kind}-{side}={length}"
            for kind in ("default-tile", "max-untiled-layer")
            for side, length in sides.items()
        ),
    ]


class PlayerFiles:
    """Answers the two requests of the replay page from the package."""

    def find(self, url: str, kind: str, headers: Mapping[str, str]) -> Answer | None:
        """Answer one of the two."""
        folder = resources.files("video_export_worker") / "player_dist"
        if url == PAGE_URL and kind == "Document":
            nonce = secrets.token_urlsafe(16)
            body = (folder / "player.html").read_text().replace("__NONCE__", nonce)
            policy = {"Content-Security-Policy": CSP.format(nonce=nonce)}
            return Answer(body.encode(), {"Content-Type": "text/html", **policy})
        if url == SCRIPT_URL:
            return Answer((folder / "player.js").read_bytes(), {"Content-Type": "text/javascript; charset=utf-8"})
        return None
