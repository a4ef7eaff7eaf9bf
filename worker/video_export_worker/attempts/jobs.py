"""The jobs of an export, and the children that do them: planning, a segment, joining. Files in, files out.

A child of the kind `plain` waits for nothing. One of the kind `browser` has started a browser when it is ready, with
the replay page loaded and the capture found, for the stage that it was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from video_export_worker import pipeline
from video_export_worker.attempts.child import Progress, serve_one_job
from video_export_worker.attempts.messages import ChildStart, Job
from video_export_worker.attempts.pool import Kind
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest, VideoFormat
from video_export_worker.driver import Driver
from video_export_worker.encoding import FinishedVideo, make_poster
from video_export_worker.errors import RenderFailed
from video_export_worker.part_runs import Part, RenderedSegment
from video_export_worker.recording import RecordingLimits
from video_export_worker.rendering.ahead import BrowserAhead
from video_export_worker.rendering.allotments import TimeBudget
from video_export_worker.replay.page import Stage
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

LOG = logging.getLogger(__name__)

ENTRY: Final = "video_export_worker.attempts.jobs:main"
PRELOADED: Final = (
    "video_export_worker.attempts.jobs",
    "playwright.async_api",
    "websockets.asyncio.client",
    "concurrent.futures.thread",
)
PLAIN: Final = Kind("plain")


class PlanJob(BaseModel):
    """Read the recording's parts, write its artefact into the folder, lay out the video."""

    recordings: list[Path]
    request: VideoExportRequest
    folder: Path
    limits: RecordingLimits


class SegmentJob(BaseModel):
    """Render a segment into parts, as long as there is time: `seconds` from its beginning."""

    folder: Path
    request: VideoExportRequest
    plan: ExportPlan
    segment: Segment
    workdir: Path
    browsers: int
    seconds: float


class AssembleJob(BaseModel):
    """Join parts into videos, and make the poster of the first."""

    request: VideoExportRequest
    plan: ExportPlan
    parts: dict[VideoFormat, list[Part]]
    workdir: Path
    poster: Path


PLANNED: Final = TypeAdapter(ExportPlan)
RENDERED: Final = TypeAdapter(RenderedSegment)
ASSEMBLED: Final = TypeAdapter(list[FinishedVideo])


def browser_kind(chromium: ChromiumSettings, stage: Stage) -> Kind:
    """The kind of child that waits with a browser for this stage."""
    settings = {
        field.name: getattr(chromium, field.name)
        for field in dataclasses.fields(chromium)
        if field.name not in ("browsers", "driver", "ahead")
    }
    return Kind("browser", tuple(sorted({**settings, **_stage_fields(stage)}.items())))


def main(connection: socket.socket, start: ChildStart) -> None:
    """Run a child."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve_one_job(connection, _prepare(start), _perform))


@contextlib.asynccontextmanager
async def _prepare(start: ChildStart) -> AsyncIterator[ChromiumSettings]:
    if start.kind != "browser":
        yield ChromiumSettings()
        return
    given = dict(start.given)
    stage = Stage(**{name: given.pop(name) for name in _stage_fields(Stage(1, 1))})
    settings = ChromiumSettings(**{**given, "capture": CaptureMode(given["capture"])})
    async with Driver() as driver:
        driven = dataclasses.replace(settings, driver=driver)
        async with BrowserAhead(driven, stage) as ahead:
            with contextlib.suppress(RenderFailed):  # the job tries again, and says what is wrong
                await ahead.ready()
            yield dataclasses.replace(driven, ahead=ahead)


def _stage_fields(stage: Stage) -> dict[str, Any]:
    return dataclasses.asdict(stage)


async def _perform(job: Job, chromium: ChromiumSettings, progress: Progress) -> Any:
    return await JOBS[job.name](job.given, chromium, progress)


async def _plan(given: Mapping[str, Any], chromium: ChromiumSettings, progress: Progress) -> Any:
    job = PlanJob.model_validate(given)
    plan = await pipeline.plan_export(job.recordings, job.request, job.folder, limits=job.limits)
    return PLANNED.dump_python(plan, mode="json")


async def _render(given: Mapping[str, Any], chromium: ChromiumSettings, progress: Progress) -> Any:
    job = SegmentJob.model_validate(given)
    settings = dataclasses.replace(chromium, browsers=job.browsers)
    rendered = await pipeline.render_segment(
        job.folder,
        job.request,
        job.plan,
        job.segment,
        job.workdir,
        chromium=settings,
        budget=TimeBudget(job.seconds),
        on_progress=progress,
    )
    return RENDERED.dump_python(rendered, mode="json")


async def _assemble(given: Mapping[str, Any], chromium: ChromiumSettings, progress: Progress) -> Any:
    job = AssembleJob.model_validate(given)
    videos = await pipeline.assemble(job.request, job.plan, job.parts, job.workdir)
    await make_poster(videos[0].path, job.poster)
    return ASSEMBLED.dump_python(videos, mode="json")


JOBS: Final[Mapping[str, Callable[[Mapping[str, Any], ChromiumSettings, Progress], Awaitable[Any]]]] = {
    "plan": _plan,
    "segment": _render,
    "assemble": _assemble,
}
