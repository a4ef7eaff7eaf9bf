"""The windows of a session: rrweb's recorder runs in each of them, and each knows only its own page."""

from __future__ import annotations

import json
from typing import Any

from playwright.async_api import Page

START_RECORDER = """(options) => {
    window.__events = [];
    rrweb.record({ ...options, emit: (event) => window.__events.push(event) });
}"""


class Windows:
    """Begins a recorder in each window, and keeps what those had recorded that are closed.

    Args:
        recorder: Source of rrweb's UMD bundle.
        options: Of rrweb's `record`.
    """

    def __init__(self, recorder: str, options: dict[str, Any]) -> None:
        self._recorder = recorder
        self._options = options
        self._pages: dict[str, Page] = {}
        self._closed: dict[str, list[dict[str, Any]]] = {}

    async def begin(self, name: str, page: Page) -> None:
        """Record a window whose page is loaded."""
        await page.evaluate(self._recorder)
        await page.evaluate(START_RECORDER, self._options)
        self._pages[name] = page

    def page_of(self, name: str) -> Page:
        """The page of an open window."""
        return self._pages[name]

    async def close(self, name: str) -> None:
        """Close a window; what was recorded of it stays."""
        page = self._pages.pop(name)
        self._closed[name] = await _collect(page)
        await page.close()

    async def collect(self) -> dict[str, list[dict[str, Any]]]:
        """The events of each window, in the order in which they were opened."""
        collected = {**self._closed, **{name: await _collect(page) for name, page in self._pages.items()}}
        return dict(sorted(collected.items(), key=lambda window: window[1][0]["timestamp"]))


async def _collect(page: Page) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(await page.evaluate("JSON.stringify(window.__events)"))
    return events
