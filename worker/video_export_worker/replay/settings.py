"""Which Chromium renders, and how."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from video_export_worker.capacity.limits import choose_browsers
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.driver import Driver
from video_export_worker.errors import RenderFailed
from video_export_worker.replay.page import USUAL_BOX, ReplayPage, Stage


class CaptureMode(StrEnum):
    """How frames are captured."""

    AUTO = "auto"
    """From memory where that works."""
    SCREENSHOT = "screenshot"
    """By screenshots only."""


class PagesAhead(Protocol):
    """Pages that were opened before anybody needed them."""

    async def take(self, stage: Stage) -> AbstractAsyncContextManager[ReplayPage] | None:
        """A page of this stage, to be used once, or None if there is none that serves it."""


@dataclass(frozen=True)
class ChromiumSettings:
    """Which Chromium runs, whether its own sandbox is on, and how frames are captured.

    Attributes:
        executable: path of `chromium-headless-shell`; by default it is looked up on PATH, then among Playwright's.
        sandbox: True, False, or None to use it wherever the machine allows it.
        capture: from the compositor's memory where that works, or by screenshots only.
        browsers: how many may work on one segment side by side.
        driver: of Playwright, shared with others; by default each browser starts one, which takes half a second.
        ahead: pages that are there already; what it has none for is opened.
    """

    executable: str | None = None
    sandbox: bool | None = None
    capture: CaptureMode = CaptureMode.AUTO
    browsers: int = 1
    driver: Driver | None = None
    ahead: PagesAhead | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ChromiumSettings:
        """Read VIDEO_EXPORT_CHROMIUM (a path), ..._SANDBOX (true, false, auto), ..._CAPTURE (auto, screenshot), and
        VIDEO_EXPORT_BROWSERS (a number; by default as many as there are processors and memory for).
        """
        sandbox = environment.get("VIDEO_EXPORT_CHROMIUM_SANDBOX", "auto").lower()
        if sandbox not in ("true", "false", "auto"):
            raise ValueError(f"VIDEO_EXPORT_CHROMIUM_SANDBOX is {sandbox!r}: use true, false or auto")
        capture = environment.get("VIDEO_EXPORT_CHROMIUM_CAPTURE", CaptureMode.AUTO).lower()
        if capture not in tuple(CaptureMode):
            raise ValueError(f"VIDEO_EXPORT_CHROMIUM_CAPTURE is {capture!r}: use {' or '.join(CaptureMode)}")
        executable = environment.get("VIDEO_EXPORT_CHROMIUM") or None
        browsers = count_browsers(environment, *USUAL_BOX)
        return cls(executable, {"true": True, "false": False}.get(sandbox), CaptureMode(capture), browsers)

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


def count_browsers(environment: Mapping[str, str], width: int, height: int) -> int:
    """Browsers for a video of so many pixels, if one is made at a time: VIDEO_EXPORT_BROWSERS, or as there is room.

    Raises:
        ValueError: the variable is no number.
    """
    wanted = environment.get("VIDEO_EXPORT_BROWSERS")
    if not wanted:
        return choose_browsers(read_capacity(slots=1), width, height)
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"VIDEO_EXPORT_BROWSERS is {wanted!r}: use a whole number from 1 up")
    return int(wanted)


def _find_of_playwright() -> str | None:
    """Path of the newest headless shell that `playwright install --only-shell chromium` has fetched, if any."""
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = [*folder.glob("chromium_headless_shell-*/*/*headless[-_]shell")]
    return str(max(found, key=lambda path: path.stat().st_mtime)) if found else None
