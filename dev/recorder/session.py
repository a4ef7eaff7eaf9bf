"""One recorded session: Chromium, the page, its clock, rrweb's recorder, and the file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Route

from dev.recorder.user import User
from dev.recorder.windows import Windows

PAGES = Path(__file__).parent / "pages"
HOSTS = Path(__file__).parent / "hosts"
RRWEB = Path(__file__).parents[2] / "worker/player/node_modules/rrweb/dist/rrweb.umd.min.cjs"
ORIGIN = "http://recorder.test"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOADED = START + timedelta(seconds=2)
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

# The page's own frames and tasks run in real time; only what it asks of a clock is paused. __nextFrame waits for one
# real frame, in which Chromium dispatches scroll and resize events. It keeps the real function from before the clock.
KEEP_REAL_FRAMES = """
    const realFrame = window.requestAnimationFrame.bind(window);
    window.__nextFrame = () => new Promise((done) => realFrame(() => realFrame(() => done())));
"""
BATCH_MS = 2000  # recorders of products send what they have every few seconds, each window by itself


@dataclass(frozen=True)
class Scenario:
    """What is recorded.

    Attributes:
        page: File in `pages/`.
        act: What the user does.
        viewport: Width and height in CSS pixels.
        options: Of rrweb's `record`.
        window: Name of the first window, where the user opens others.
    """

    page: str
    act: Callable[[User], Awaitable[None]]
    viewport: tuple[int, int] = (1280, 720)
    options: dict[str, Any] = field(default_factory=dict)
    window: str = ""


async def record(browser: Browser, name: str, scenario: Scenario, recorder: str) -> dict[str, list[dict[str, Any]]]:
    """Play a scenario and return rrweb's events of each window.

    Args:
        browser: Any Chromium.
        name: Seeds the user's irregularities.
        scenario: What to play.
        recorder: Source of rrweb's UMD bundle.

    Raises:
        RuntimeError: if the page or the recorder reports an error.
    """
    width, height = scenario.viewport
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC")
    try:
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        await context.route("**/*", _serve)
        await context.add_init_script(KEEP_REAL_FRAMES)
        page = await context.new_page()
        await page.clock.install(time=START)
        await page.goto(f"{ORIGIN}/{scenario.page}", wait_until="load")
        await page.clock.pause_at(LOADED)
        windows = Windows(recorder, scenario.options)
        await windows.begin(scenario.window, page)
        user = User(page, windows, seed=sum(name.encode()))
        await user.wait(200)
        await scenario.act(user)
        await user.wait(600)  # the last batch of mouse moves is sent after half a second
        if errors:
            raise RuntimeError(f"{scenario.page}: {'; '.join(errors)}")
        return await windows.collect()
    finally:
        await context.close()


def write(windows: dict[str, list[dict[str, Any]]], path: Path) -> int:
    """Write a recording, compressed with gzip, and return its bytes: the same events give the same file.

    One window is a JSON array. Several are JSON lines of a window and an event, as PostHog stores them.
    """
    text = _write_array(*windows.values()) if len(windows) == 1 else _write_lines(windows)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
    return path.stat().st_size


def _write_array(events: list[dict[str, Any]]) -> str:
    return json.dumps(events, ensure_ascii=False, separators=(",", ":"))


def _write_lines(windows: dict[str, list[dict[str, Any]]]) -> str:
    """The events as they come to a server: each window sends a batch of its own every few seconds."""
    begin = min(events[0]["timestamp"] for events in windows.values())
    pairs = [(name, event) for name, events in windows.items() for event in events]
    pairs.sort(key=lambda pair: (int(pair[1]["timestamp"] - begin) // BATCH_MS, list(windows).index(pair[0])))
    return "".join(f"{json.dumps(pair, ensure_ascii=False, separators=(',', ':'))}\n" for pair in pairs)


def find_linked(url: str) -> Path | None:
    """The file of another host: `hosts/HOST/NAME`."""
    path = HOSTS / url.partition("?")[0].removeprefix("http://")
    return path if path.parent.parent == HOSTS and path.is_file() else None


async def _serve(route: Route) -> None:
    """Answer from `pages/` and `hosts/`; there is no network."""
    if linked := find_linked(route.request.url):
        headers = {"access-control-allow-origin": "*"} if linked.suffix == ".woff2" else {}
        await route.fulfill(body=linked.read_bytes(), headers={"content-type": CONTENT_TYPES[linked.suffix], **headers})
        return
    name = route.request.url.removeprefix(f"{ORIGIN}/").partition("?")[0]
    path = PAGES / name
    if not route.request.url.startswith(ORIGIN) or path.parent != PAGES or not path.is_file():
        await route.fulfill(status=404, body="")
        return
    await route.fulfill(body=path.read_bytes(), content_type=CONTENT_TYPES[path.suffix])
