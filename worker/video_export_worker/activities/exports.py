"""plan_export, render_segment, assemble, discard_parts: glue between Temporal, the storage and the pipeline."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from video_export_worker import pipeline
from video_export_worker.activities import naming
from video_export_worker.activities.attempt import Attempt, begin_attempt, count
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
    VideoExportResult,
    VideoFormat,
    VideoObject,
)
from video_export_worker.encoding import make_poster
from video_export_worker.errors import Internal
from video_export_worker.metrics import Metric
from video_export_worker.recording import INDEX_NAME, chunk_name, load_index
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
        self._limits = limits
        self._chromium = chromium

    @activity.defn(name=PLAN_EXPORT)
    async def plan_export(self, given: PlanInput) -> PlannedExport:
        """Fetch and check the recording, lay out the video, store the normalised recording once."""
        async with begin_attempt("planning", Progress(phase="planning")) as attempt:
            output = naming.output_prefix(self._root, given.export_id, given.request.output)
            self._storage.places.check_sources(given.request.recording)
            self._storage.places.check_output(output, naming.output_prefix(self._root, given.export_id, None))
            recordings = await self._fetch_recordings(given.request.recording, attempt.workdir)
            artefact = attempt.workdir / "artefact"
            artefact.mkdir()
            plan = await pipeline.plan_export(recordings, given.request, artefact, limits=self._limits)
            prefix = naming.parts_prefix(self._root, given.export_id)
            uri = join_uri(prefix, f"recording-{await asyncio.to_thread(_digest, artefact)}")
            for path in sorted(artefact.iterdir()):
                await self._storage.publish(path, join_uri(uri, path.name))
            return PlannedExport(plan=plan, recording_uri=uri, parts_prefix=prefix, output_prefix=output)

    @activity.defn(name=RENDER_SEGMENT)
    async def render_segment(self, given: SegmentInput) -> SegmentResult:
        """Render one segment and store its parts, unless an earlier attempt has."""
        async with begin_attempt("rendering", Progress(phase="rendering", frames=given.segment.count)) as attempt:
            prefix = naming.segment_prefix(given, pipeline.RENDERER_VERSION)
            if (found := await self._find_parts(prefix)) is not None:
                return found
            artefact = attempt.workdir / "artefact"
            await self._fetch_artefact(given.planned.recording_uri, artefact)
            rendered = await pipeline.render_segment(
                artefact,
                given.request,
                given.planned.plan,
                given.segment,
                attempt.workdir,
                chromium=self._chromium,
                on_progress=lambda done, total: attempt.report(frames_done=done, frames=total),
            )
            return await self._store_parts(given, rendered, prefix)

    @activity.defn(name=ASSEMBLE)
    async def assemble(self, given: AssembleInput) -> VideoExportResult:
        """Join the parts, verify the videos, and publish them under their final names."""
        async with begin_attempt("assembling", Progress(phase="assembling")) as attempt:
            parts = await self._fetch_parts(given, attempt)
            plan = given.planned.plan
            finished = await pipeline.assemble(given.request, plan, parts, attempt.workdir)
            picture = await make_poster(finished[0].path, attempt.workdir / naming.POSTER_NAME)
            poster = await self._storage.publish(picture, join_uri(given.planned.output_prefix, naming.POSTER_NAME))
            videos = [await self._publish(video, given.planned.output_prefix) for video in finished]
            return VideoExportResult(
                videos=videos,
                poster=poster.uri,
                time_map=plan.time_map,
                captured=sum(segment.captured for segment in given.segments),
                repeated=sum(segment.repeated for segment in given.segments),
                warnings=[*plan.warnings, *(line for segment in given.segments for line in segment.warnings)],
            )

    @activity.defn(name=DISCARD_PARTS)
    async def discard_parts(self, given: DiscardInput) -> int:
        """Delete what an export kept on the way.

        Returns:
            How many objects there were.
        """
        async with begin_attempt("discarding", Progress(phase="done")):
            prefix = given.parts_prefix or naming.parts_prefix(self._root, given.export_id)
            return await self._storage.delete(prefix)

    async def _fetch_recordings(self, uris: list[str], workdir: Path) -> list[Path]:
        """Fetch the parts of the recording, all of them together within the limit."""
        left = self._limits.compressed_bytes
        paths = []
        for index, uri in enumerate(uris):
            path = workdir / f"recording-{index}"
            left -= await self._storage.fetch(uri, path, limit=left)
            paths.append(path)
        return paths

    async def _fetch_artefact(self, uri: str, folder: Path) -> None:
        await asyncio.to_thread(folder.mkdir)
        await self._storage.fetch(join_uri(uri, INDEX_NAME), folder / INDEX_NAME)
        index = await asyncio.to_thread(load_index, folder / INDEX_NAME)
        for number in range(index.chunks):
            await self._storage.fetch(join_uri(uri, chunk_name(number)), folder / chunk_name(number))

    async def _find_parts(self, prefix: str) -> SegmentResult | None:
        stored = await self._storage.read(join_uri(prefix, naming.RESULT_NAME))
        if stored is None:
            return None
        count(Metric.PARTS_REUSED, 1)
        return SegmentResult.model_validate_json(stored).model_copy(update={"reused": True})

    async def _store_parts(self, given: SegmentInput, rendered: pipeline.RenderedSegment, prefix: str) -> SegmentResult:
        """Store the parts, and last the result that says they are all there."""
        count(Metric.FRAMES_CAPTURED, rendered.captured)
        count(Metric.FRAMES_REPEATED, rendered.repeated)
        count(Metric.BROWSER_RESTARTS, rendered.restarts)
        parts = {}
        for name, files in rendered.parts.items():
            uris = [join_uri(prefix, f"{name}-{run}{pipeline.part_suffix(name)}") for run in range(len(files))]
            for file, uri in zip(files, uris, strict=True):
                await self._storage.publish(file.path, uri)
            parts[name] = uris
        result = SegmentResult(
            segment=given.segment,
            runs=[file.frames for file in rendered.parts[given.request.format[0]]],
            parts=parts,
            captured=rendered.captured,
            repeated=rendered.repeated,
            warnings=list(rendered.warnings),
        )
        await self._storage.write(result.model_dump_json().encode(), join_uri(prefix, naming.RESULT_NAME))
        return result

    async def _fetch_parts(self, given: AssembleInput, attempt: Attempt) -> dict[VideoFormat, list[pipeline.Part]]:
        parts: dict[VideoFormat, list[pipeline.Part]] = {name: [] for name in given.request.format}
        for result in sorted(given.segments, key=lambda result: result.segment.index):
            for name, files in parts.items():
                for run, (uri, frames) in enumerate(zip(result.parts[name], result.runs, strict=True)):
                    suffix = pipeline.part_suffix(name)
                    path = attempt.workdir / f"part-{result.segment.index:05d}-{run:02d}-{name}{suffix}"
                    await self._storage.fetch(uri, path)
                    files.append(pipeline.Part(path, frames))
        return parts

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


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
