"""A browser that is started before anybody needs it: while a recording is read, or while a worker waits for work."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, Self

from video_export_worker.capture.captures import prepare_capture
from video_export_worker.contract import VideoExportRequest
from video_export_worker.errors import RenderFailed
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page import USUAL_BOX, ReplayPage, Stage, is_served_by
from video_export_worker.replay.settings import ChromiumSettings

LOG = logging.getLogger(__name__)

USUAL_STAGE: Final = Stage(*USUAL_BOX)


def stage_ahead(stage: Stage) -> Stage:
    """The stage that a browser is started for ahead of an export of this one: the largest with the same tiles."""
    ratio = stage.device_scale_factor
    usual = Stage(int(USUAL_BOX[0] / ratio), int(USUAL_BOX[1] / ratio), ratio)
    return usual if is_served_by(stage, usual) else stage


def guess_stage(request: VideoExportRequest) -> Stage:
    """The stage that an export most likely has, before its recording is read."""
    width, height = (request.width, request.height) if request.width and request.height else USUAL_BOX
    return stage_ahead(Stage(width, height, request.device_scale_factor))


class BrowserAhead:
    """One browser with the replay page loaded and the capture found; used once. As a context it starts at once.

    Args:
        settings: of the browser.
        stage: that it is started for; it serves others of the same tiles.
    """

    def __init__(self, settings: ChromiumSettings, stage: Stage = USUAL_STAGE) -> None:
        self._settings = dataclasses.replace(settings, ahead=None)
        self._stage = stage
        self._stack = AsyncExitStack()
        self._opening: asyncio.Task[ReplayPage] | None = None

    async def __aenter__(self) -> Self:
        self._opening = asyncio.create_task(self._open())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
            self._opening = None
            await self._stack.aclose()

    async def ready(self) -> None:
        """Wait until it is there. Raises RenderFailed."""
        if self._opening is not None:
            await asyncio.shield(self._opening)

    async def take(self, stage: Stage) -> AbstractAsyncContextManager[ReplayPage] | None:
        """The page, sized for `stage`, or None if it serves another one, has been taken, or did not start."""
        if self._opening is None or not is_served_by(stage, self._stage):
            return None
        opening, self._opening = self._opening, None
        try:
            page = await opening
            await page.fit(stage)
        except RenderFailed as error:
            LOG.info("the browser that was started ahead is of no use: %s", error)
            await self._stack.aclose()
            return None
        except BaseException:
            await self._stack.aclose()
            raise
        return self._lend(page)

    @contextlib.asynccontextmanager
    async def _lend(self, page: ReplayPage) -> AsyncIterator[ReplayPage]:
        async with self._stack:
            yield page

    async def _open(self) -> ReplayPage:
        page = await self._stack.enter_async_context(open_page(self._settings, self._stage))
        ratio = self._stage.device_scale_factor
        width, height = round(self._stage.width * ratio), round(self._stage.height * ratio)
        await prepare_capture(page, width, height, self._settings.capture)
        return page
