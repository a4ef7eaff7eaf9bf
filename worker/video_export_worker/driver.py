"""Playwright's driver: the Node process that launches browsers. It takes half a second to start, and serves many."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Self

from playwright.async_api import Playwright, async_playwright

from video_export_worker.errors import RenderFailed

START_TIMEOUT: Final = 30.0
STOP_TIMEOUT: Final = 5.0
MAX_USES: Final = 100  # browsers after which a new one takes over, so that nothing gathers in it for months


class Driver:
    """The driver that the browsers of this process share; as a context it starts at once, without being waited for.

    After a failure of any of its browsers the next one gets a new driver, and so it does after `MAX_USES`.
    """

    def __init__(self) -> None:
        self._current: _Started | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._retire(self._current)
        await asyncio.gather(*self._stopping)

    @contextlib.asynccontextmanager
    async def use(self) -> AsyncIterator[Playwright]:
        """The driver, for one browser.

        Raises:
            RenderFailed: it does not start.
        """
        started = self._take()
        started.users += 1
        started.uses += 1
        try:
            yield await started.ready()
        except RenderFailed:
            self._retire(started)
            raise
        finally:
            started.users -= 1
            if started.uses >= MAX_USES or started is not self._current:
                self._retire(started)

    def _take(self) -> _Started:
        if self._current is None:
            self._current = _Started()
        return self._current

    def _retire(self, started: _Started | None) -> None:
        """Give it to nobody any more, and stop it when its last browser is closed."""
        if started is self._current:
            self._current = None
        if started is not None and not started.users:
            task = asyncio.create_task(started.stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)


class _Started:
    """One process, and how many browsers it has now and had in all."""

    def __init__(self) -> None:
        self.users = self.uses = 0
        self._starting = asyncio.create_task(async_playwright().start())

    async def ready(self) -> Playwright:
        try:
            async with asyncio.timeout(START_TIMEOUT):
                return await asyncio.shield(self._starting)
        except TimeoutError as error:
            raise RenderFailed(f"launch: Playwright's driver did not start within {START_TIMEOUT:g} s") from error
        except Exception as error:  # it raises bare exceptions
            raise RenderFailed(f"launch: Playwright's driver does not start: {error}") from error

    async def stop(self) -> None:
        """End the process; one that does not answer ends by itself when it goes on, for its input is closed."""
        with contextlib.suppress(Exception):  # it did not start, or is gone
            async with asyncio.timeout(STOP_TIMEOUT):
                playwright = await self._starting
                await playwright.stop()
