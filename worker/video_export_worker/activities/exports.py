"""plan_export, render_segment, assemble, discard_parts: glue between Temporal, the storage and the pipeline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from video_export_worker import pipeline
from video_export_worker.activities import naming
from video_export_worker.activities.attempt import begin_attempt, count
from video_export_worker.activities.parts import PartStore
from video_export_worker.activities.plans import PlanStore
from video_export_worker.composing.masks import merge_counts, warn_of_unmatched
from video_export_worker.contract import (
    ASSEMBLE,
    DISCARD_PARTS,
    PLAN_EXPORT,
    RENDER_SEGMENT,
    AssembleInput,
    DiscardInput,
    PlanInput,
    PlannedExport,
    Progress,
    SegmentInput,
    SegmentResult,
    StoredPlan,
    VideoExportResult,
    VideoObject,
)
from video_export_worker.encoding import make_poster
from video_export_worker.errors import Internal, RendererDiffers
from video_export_worker.metrics import Metric
from video_export_worker.rendering.version import name_renderer
from video_export_worker.storage import Storage, join_uri

if TYPE_CHECKING:
    from video_export_worker.encoding import FinishedVideo
    from video_export_worker.recording import RecordingLimits
    from video_export_worker.replay.settings import ChromiumSettings


class ExportActivities:
    """The activities of one worker.

    Args:
        storage: where recordings come from and videos go; its root holds the parts.
        limits: what the worker accepts.
        chromium: the browser it renders with.
    """

    def __init__(self, storage: Storage, limits: RecordingLimits, chromium: ChromiumSettings) -> None:
        if storage.root is None:
            raise Internal("the activities need a storage with a root")
        self._storage, self._root = storage, storage.root
        self._plans, self._parts = PlanStore(storage), PartStore(storage)
        self._limits = limits
        self._chromium = chromium

    @activity.defn(name=PLAN_EXPORT)
    async def plan_export(self, given: PlanInput) -> PlannedExport:
        """Fetch and check the recording, lay out the video, store index, chunks and plan."""
        async with begin_attempt("planning", Progress(phase="planning")) as attempt:
            default = naming.output_prefix(self._root, _namespace(), given.export_id)
            output = (given.request.output or default).rstrip("/")
            self._storage.places.check_sources(given.request.recording)
            self._storage.places.check_output(output, default)
            await self._storage.check_writable(output)
            recordings = await self._fetch_recordings(given.request.recording, attempt.workdir)
            artefact = attempt.workdir / "artefact"
            await asyncio.to_thread(artefact.mkdir)
            plan = await pipeline.plan_export(recordings, given.request, artefact, limits=self._limits)
            reference = await self._plans.publish(
                artefact,
                self._prefix(given.export_id),
                given.request,
                plan,
                renderer=name_renderer(self._chromium),
                output=output,
            )
            return PlannedExport(plan=reference, segments=[segment.count for segment in plan.segments])

    @activity.defn(name=RENDER_SEGMENT)
    async def render_segment(self, given: SegmentInput) -> SegmentResult:
        """Render one segment and store its parts, unless an earlier attempt has."""
        segment = given.segment
        async with begin_attempt("rendering", Progress(phase="rendering", frames=segment.count)) as attempt:
            if (found := await self._parts.find(given.plan, segment)) is not None:
                count(Metric.PARTS_REUSED, 1)
                return SegmentResult(count=found.count, captured=found.captured, repeated=found.repeated, reused=True)
            stored = await self._read_plan(given)
            artefact = attempt.workdir / "artefact"
            await self._plans.fetch(
                given.plan, stored, artefact, lambda index: pipeline.choose_chunks(index, stored.plan, segment)
            )
            rendered = await pipeline.render_segment(
                artefact,
                stored.request,
                stored.plan,
                segment,
                attempt.workdir,
                chromium=self._chromium,
                on_progress=lambda done, total: attempt.report(frames_done=done, frames=total),
            )
            _count_frames(rendered)
            result = await self._parts.publish(given.plan, segment, rendered)
            return SegmentResult(count=result.count, captured=result.captured, repeated=result.repeated)

    @activity.defn(name=ASSEMBLE)
    async def assemble(self, given: AssembleInput) -> VideoExportResult:
        """Join the parts, verify the videos, and publish them under their final names."""
        async with begin_attempt("assembling", Progress(phase="assembling")) as attempt:
            stored = await self._plans.read(given.plan)
            segments = await self._parts.read_all(given.plan, given.segments)
            parts = await self._parts.fetch(segments, stored.request.format, attempt.workdir)
            finished = await pipeline.assemble(stored.request, stored.plan, parts, attempt.workdir)
            picture = await make_poster(finished[0].path, attempt.workdir / naming.POSTER_NAME)
            poster = await self._storage.publish(picture, join_uri(stored.output, naming.POSTER_NAME))
            videos = [await self._publish(video, stored.output) for video in finished]
            masked = merge_counts(segment.masked for _, segment in segments)
            warnings = [*stored.plan.warnings, *(line for _, segment in segments for line in segment.warnings)]
            return VideoExportResult(
                videos=videos,
                poster=poster.uri,
                time_map=stored.plan.time_map,
                captured=sum(segment.captured for _, segment in segments),
                repeated=sum(segment.repeated for _, segment in segments),
                masked=masked,
                warnings=list(dict.fromkeys([*warnings, *warn_of_unmatched(masked)])),
            )

    @activity.defn(name=DISCARD_PARTS)
    async def discard_parts(self, given: DiscardInput) -> int:
        """Delete what an export kept on the way.

        Returns:
            How many objects there were.
        """
        async with begin_attempt("discarding", Progress(phase="done")):
            return await self._storage.delete(self._prefix(given.export_id))

    def _prefix(self, export_id: str) -> str:
        return naming.parts_prefix(self._root, _namespace(), export_id)

    async def _fetch_recordings(self, uris: list[str], workdir: Path) -> list[Path]:
        """Fetch the parts of the recording, all of them together within the limit."""
        left = self._limits.compressed_bytes
        paths = []
        for index, uri in enumerate(uris):
            path = workdir / f"recording-{index}"
            left -= await self._storage.fetch(uri, path, limit=left)
            paths.append(path)
        return paths

    async def _read_plan(self, given: SegmentInput) -> StoredPlan:
        stored = await self._plans.read(given.plan)
        ours = name_renderer(self._chromium)
        if stored.renderer != ours:
            raise RendererDiffers(
                f"the export was planned for the renderer {stored.renderer}, this worker has {ours}: "
                "another worker takes it, or it is planned anew"
            )
        return stored

    async def _publish(self, video: FinishedVideo, prefix: str) -> VideoObject:
        stored = await self._storage.publish(video.path, join_uri(prefix, naming.video_name(video.format)))
        count(Metric.VIDEO_SECONDS, round(video.duration), format=video.format)
        return VideoObject(
            format=video.format,
            uri=stored.uri,
            size=stored.size,
            sha256=stored.sha256,
            duration=video.duration,
            frames=video.frames,
            width=video.width,
            height=video.height,
            codec=video.codec,
        )


def _namespace() -> str:
    return activity.info().namespace


def _count_frames(rendered: pipeline.RenderedSegment) -> None:
    count(Metric.FRAMES_CAPTURED, rendered.captured)
    count(Metric.FRAMES_REPEATED, rendered.repeated)
    count(Metric.BROWSER_RESTARTS, rendered.restarts)
