"""The driver that browsers share: one process, replaced when it fails, gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
from pathlib import Path

import pytest

from tests.waiting import wait_for
from video_export_worker import driver as drivers
from video_export_worker.driver import Driver
from video_export_worker.errors import RenderFailed
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page import Stage
from video_export_worker.replay.settings import ChromiumSettings

STAGE = Stage(320, 240)


def driver_processes() -> set[int]:
    """Ids of the drivers that this test process has started."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for child in (task / "children").read_text().split():
                if b"\0run-driver\0" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(int(child))
    return found


async def test_browsers_share_a_driver_that_is_gone_at_the_end(chromium: ChromiumSettings) -> None:
    before = driver_processes()
    async with Driver() as driver:
        shared = dataclasses.replace(chromium, driver=driver)
        async with open_page(shared, STAGE), open_page(shared, STAGE) as page:
            assert await page.evaluate("1 + 1", "load") == 2
        [started] = driver_processes() - before
        async with open_page(shared, STAGE):
            assert driver_processes() - before == {started}
    await wait_for(lambda: driver_processes() == before, "every driver has ended")


async def test_a_driver_that_dies_is_replaced(chromium: ChromiumSettings) -> None:
    before = driver_processes()

    async def evaluate_without_driver() -> None:
        async with open_page(shared, STAGE) as page:
            os.kill(killed, signal.SIGKILL)
            async with asyncio.timeout(30):
                while True:  # its browser ends with it
                    await page.evaluate("1", "seek")

    async with Driver() as driver:
        shared = dataclasses.replace(chromium, driver=driver)
        async with driver.use():
            [killed] = driver_processes() - before
        with pytest.raises(RenderFailed):
            await evaluate_without_driver()
        async with open_page(shared, STAGE) as page:
            assert await page.evaluate("1 + 1", "load") == 2
            assert killed not in driver_processes()
    await wait_for(lambda: driver_processes() == before, "every driver has ended")


async def test_a_failure_of_one_browser_leaves_the_driver_to_the_others(chromium: ChromiumSettings) -> None:
    async with Driver() as driver:
        shared = dataclasses.replace(chromium, driver=driver)
        async with open_page(shared, STAGE) as page:
            with pytest.raises(RenderFailed, match="no such thing"):
                async with open_page(shared, STAGE) as other:
                    await other.evaluate("(() => { throw new Error('no such thing') })()", "load")
            assert await page.evaluate("1 + 1", "load") == 2


async def test_a_driver_serves_so_many_browsers_and_no_more(
    chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers, "MAX_USES", 1)
    before = driver_processes()
    seen: set[int] = set()
    async with Driver() as driver:
        for _ in range(2):
            async with driver.use():
                seen |= driver_processes() - before
    assert len(seen) == 2, f"drivers that were used one after the other: {seen}"
    await wait_for(lambda: driver_processes() == before, "every driver has ended")


async def test_a_driver_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", "/bin/false")
    async with Driver() as driver:
        for _ in range(2):
            with pytest.raises(RenderFailed, match="launch: Playwright's driver does not start: "):
                async with driver.use():
                    pass
        monkeypatch.delenv("PLAYWRIGHT_NODEJS_PATH")
        async with driver.use() as playwright:
            assert playwright.chromium.name == "chromium"


async def test_a_driver_that_nobody_used_is_ended_too() -> None:
    before = driver_processes()
    async with Driver():
        pass
    await wait_for(lambda: driver_processes() == before, "every driver has ended")
