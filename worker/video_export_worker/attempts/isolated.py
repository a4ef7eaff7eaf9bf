"""The pipeline, each step of it in a child: the same three functions, and what else may happen to a process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from video_export_worker.attempts.jobs import (
    ASSEMBLED,
    ENTRY,
    PLAIN,
    PLANNED,
    PRELOADED,
    RENDERED,
    AssembleJob,
    PlanJob,
    SegmentJob,
    browser_kind,
)
from video_export_worker.attempts.messages import Job
from video_export_worker.attempts.runner import AttemptRunner, Need
from video_export_worker.attempts.running import ChildDefect
from video_export_worker.attempts.spawner import Spawner, clean_environment
from video_export_worker.capacity.limits import (
    PLAIN_BYTES,
    Capacity,
    assembly_seconds,
    choose_browsers,
    expect_segment,
    plan_seconds,
    segment_seconds,
)
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest, VideoFormat
from video_export_worker.encoding import FinishedVideo
from video_export_worker.part_runs import Part, RenderedSegment
from video_export_worker.recording import RecordingLimits
from video_export_worker.rendering.ahead import USUAL_STAGE, stage_ahead
from video_export_worker.rendering.options import stage_of
from video_export_worker.replay.settings import ChromiumSettings

T = TypeVar("T")

SEGMENT_SECONDS: Final = 60.0  # rendering/allotments.py says where it may take longer


class IsolatedPipeline:
    """Plans, renders and joins in children. As a context it owns them.

    Every method raises the errors of the pipeline's function of its name, and besides:

    Raises:
        ChildDied: the child took more than it may, or crashed.
        ChildDefect: what nobody expected.
        SpawnFailed: no process can be started.

    Args:
        capacity: of this worker.
        chromium: the browser to use; `browsers` of it where they are not to follow the capacity.
        browsers: of one segment; by default as many as there is room for.
        environment: of the worker; what is no secret is handed on.
        segment_seconds: after which a segment returns what it has.
    """

    def __init__(
        self,
        capacity: Capacity,
        chromium: ChromiumSettings,
        environment: Mapping[str, str],
        *,
        browsers: int | None = None,
        segment_seconds: float = SEGMENT_SECONDS,
        wait: bool = True,
    ) -> None:
        self._capacity = capacity
        self.chromium = chromium
        self._browsers = browsers
        self._segment_seconds = segment_seconds
        waiting = browser_kind(chromium, USUAL_STAGE) if wait else None
        self.runner = AttemptRunner(capacity, Spawner(ENTRY, clean_environment(environment), PRELOADED), waiting)

    async def __aenter__(self) -> IsolatedPipeline:
        await self.runner.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.runner.__aexit__(*exception)

    async def plan_export(
        self, recordings: Sequence[Path], request: VideoExportRequest, folder: Path, *, limits: RecordingLimits
    ) -> ExportPlan:
        """Read the recording, write its artefact into `folder`, and lay out the video."""
        size = await asyncio.to_thread(lambda: sum(path.stat().st_size for path in recordings))
        job = PlanJob(recordings=list(recordings), request=request, folder=folder, limits=limits)
        answer = await self.runner.run(_name("plan", job), Need(PLAIN, PLAIN_BYTES, plan_seconds(size)))
        await asyncio.to_thread(remove_links, folder)
        return _check(PLANNED, answer)

    async def render_segment(
        self,
        folder: Path,
        request: VideoExportRequest,
        plan: ExportPlan,
        segment: Segment,
        workdir: Path,
        *,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> RenderedSegment:
        """Render one segment into parts."""
        browsers = self._browsers or choose_browsers(self._capacity, plan.width, plan.height, plan.nodes)
        kind = browser_kind(self.chromium, stage_ahead(stage_of(plan.width, plan.height, request.device_scale_factor)))
        expected = expect_segment(plan.width, plan.height, browsers, plan.nodes)
        job = SegmentJob(
            folder=folder,
            request=request,
            plan=plan,
            segment=segment,
            workdir=workdir,
            browsers=browsers,
            seconds=self._segment_seconds,
        )
        need = Need(kind, expected, segment_seconds(segment.count), successor=kind)
        rendered = _check(RENDERED, await self.runner.run(_name("segment", job), need, on_progress))
        await asyncio.to_thread(remove_links, workdir)
        _require_inside(workdir, [part.path for parts in rendered.parts.values() for part in parts])
        return rendered

    async def assemble(
        self,
        request: VideoExportRequest,
        plan: ExportPlan,
        parts: Mapping[VideoFormat, Sequence[Part]],
        workdir: Path,
        poster: Path,
    ) -> list[FinishedVideo]:
        """Join the parts, and make the poster of the first video."""
        given = {name: list(files) for name, files in parts.items()}
        job = AssembleJob(request=request, plan=plan, parts=given, workdir=workdir, poster=poster)
        need = Need(PLAIN, PLAIN_BYTES, assembly_seconds(plan.frames))
        videos = _check(ASSEMBLED, await self.runner.run(_name("assemble", job), need))
        await asyncio.to_thread(remove_links, workdir)
        _require_inside(workdir, [poster, *(video.path for video in videos)])
        return videos


def _name(name: str, job: PlanJob | SegmentJob | AssembleJob) -> Job:
    return Job(name=name, given=job.model_dump(mode="json"))


def _check(adapter: TypeAdapter[T], answer: Any) -> T:
    """What a child answered, if it has the shape of an answer."""
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        raise ChildDefect(f"a child answered what is no result: {str(error)[:500]}") from None


def remove_links(folder: Path) -> None:
    """Remove from what a child has written all that is no file and no folder.

    The child has ended. A link that it left could name a file that the worker may read and nobody else should.
    """
    for path, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            entry = Path(path, name)
            if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
                entry.unlink()


def _require_inside(folder: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            raise ChildDefect(f"a child answered with a file that is not its own: {path}")
