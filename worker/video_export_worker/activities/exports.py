"""plan_export, render_segment, assemble, discard_parts: glue between Temporal, the storage and the pipeline."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from temporalio import activity

from video_export_worker import pipeline
from video_export_worker.activities import naming
from video_export_worker.activities.attempt import begin_attempt, count
from video_export_worker.activities.feeding import feed_parts
from video_export_worker.activities.heavy import HeavyRecordings, Place, advise
from video_export_worker.activities.parts import PartStore, list_parts
from video_export_worker.activities.plans import PlanStore
from video_export_worker.activities.publication import Publication
from video_export_worker.activities.results import JoinedVideo, describe_result, describe_segment
from video_export_worker.assets.found import read_links
from video_export_worker.assets.gathering import AssetGatherer
from video_export_worker.assets.settings import AssetSettings
from video_export_worker.attempts.running import ChildDied
from video_export_worker.attempts.spawner import SpawnFailed
from video_export_worker.contract import (
    ASSEMBLE,
    DISCARD_PARTS,
    PLAN_EXPORT,
    RENDER_SEGMENT,
    AssembleInput,
    AssetTable,
    DiscardInput,
    ExportPlan,
    PlanInput,
    PlannedExport,
    Progress,
    Segment,
    SegmentInput,
    SegmentResult,
    StoredPlan,
    StoredSegment,
    VideoExportRequest,
    VideoExportResult,
)
from video_export_worker.errors import BrowserHung, Internal, ProcessDied, RendererDiffers
from video_export_worker.metrics import Metric
from video_export_worker.part_runs import RenderedSegment
from video_export_worker.rendering.version import name_renderer
from video_export_worker.storage import Storage

if TYPE_CHECKING:
    from video_export_worker.attempts.isolated import IsolatedPipeline
    from video_export_worker.recording import RecordingLimits

T = TypeVar("T")


class ExportActivities:
    """The activities of one worker.

    Args:
        storage: where recordings come from and videos go; its root holds the parts.
        limits: what the worker accepts.
        pipeline: plans, renders and joins, in processes of their own.
        assets: how linked assets are fetched.
    """

    def __init__(
        self, storage: Storage, limits: RecordingLimits, pipeline: IsolatedPipeline, assets: AssetSettings | None = None
    ) -> None:
        if storage.root is None:
            raise Internal("the activities need a storage with a root")
        self._storage, self._root = storage, storage.root
        self._plans, self._parts = PlanStore(storage), PartStore(storage)
        self._limits = limits
        self._pipeline = pipeline
        self._heavy = HeavyRecordings(storage, storage.root)
        self._assets = AssetGatherer(assets or AssetSettings(), storage, storage.root)

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
            place = Place(await asyncio.to_thread(_digest, recordings), "planning")
            await self._heavy.refuse(place)
            planning = self._pipeline.plan_export(recordings, given.request, artefact, limits=self._limits)
            plan = await self._watch_over(place, planning)
            assets = await self._gather_assets(artefact, given.request)
            reference = await self._plans.publish(
                artefact,
                self._prefix(given.export_id),
                given.request,
                plan,
                renderer=name_renderer(self._pipeline.chromium),
                output=output,
                assets=assets,
            )
            return PlannedExport(plan=reference, segments=[segment.count for segment in plan.segments])

    @activity.defn(name=RENDER_SEGMENT)
    async def render_segment(self, given: SegmentInput) -> SegmentResult:
        """Render one segment and store its parts, unless an earlier attempt has."""
        segment = given.segment
        async with begin_attempt("rendering", Progress(phase="rendering", frames=segment.count)) as attempt:
            if (found := await self._parts.find(given.plan, segment)) is not None:
                count(Metric.PARTS_REUSED, 1)
                return describe_segment(found, reused=True)
            stored = await self._read_plan(given)
            place = _place_of(stored, segment)
            await self._heavy.refuse(place)
            artefact, workdir = attempt.workdir / "artefact", attempt.workdir / "parts"
            await asyncio.to_thread(workdir.mkdir)
            chunks = await self._plans.fetch(
                given.plan, stored, artefact, lambda index: pipeline.choose_chunks(index, stored.plan, segment)
            )
            if stored.assets is not None:
                table = await self._plans.fetch_table(given.plan, stored.assets, artefact, chunks)
                await self._assets.bring(table, artefact)
            rendering = self._pipeline.render_segment(
                artefact,
                stored.request,
                stored.plan,
                segment,
                workdir,
                on_progress=lambda done, total: attempt.report(frames_done=done, frames=total),
            )
            rendered = await self._watch_over(place, rendering)
            _count_frames(rendered)
            result = await self._parts.publish(given.plan, segment, rendered)
            return describe_segment(result)

    @activity.defn(name=ASSEMBLE)
    async def assemble(self, given: AssembleInput) -> VideoExportResult:
        """Join the parts, verify the videos, and publish them under their final names."""
        async with begin_attempt("assembling", Progress(phase="assembling")) as attempt:
            stored = await self._plans.read(given.plan)
            segments = await self._parts.read_all(given.plan, given.segments)
            joined = [
                video
                for number in range(len(stored.plan.names))
                for video in await self._join(attempt.workdir, stored, given.segments, segments, number)
            ]
            files = {video.name: video.video.path for video in joined}
            files[naming.POSTER_NAME] = _choose_poster(stored.plan, joined)
            publication = Publication(self._storage, stored.output)
            objects = await publication.publish(files)
            assets = await self._plans.read_asset_counts(given.plan)
            result = describe_result(stored, [segment for _, segment in segments], joined, objects, assets)
            await publication.finish(given.export_id, result, objects)
            return result

    @activity.defn(name=DISCARD_PARTS)
    async def discard_parts(self, given: DiscardInput) -> int:
        """Delete what an export kept on the way.

        Returns:
            How many objects there were.
        """
        async with begin_attempt("discarding", Progress(phase="done")):
            return await self._storage.delete(self._prefix(given.export_id))

    async def _gather_assets(self, artefact: Path, request: VideoExportRequest) -> AssetTable | None:
        """Gather what planning has found; a recording without links costs nothing."""
        try:
            found = await asyncio.to_thread(read_links, artefact)
        except ValueError as error:
            raise Internal(f"planning has left no list of links: {error!s:.200}") from error
        if found is None:
            return None
        table = await self._assets.gather(found, artefact, request.assets)
        count(Metric.ASSETS, table.counts.fetched, outcome="fetched")
        count(Metric.ASSETS, table.counts.cached, outcome="cached")
        for group in table.counts.missing:
            count(Metric.ASSETS, group.count, outcome=group.reason)
        return table

    async def _join(
        self,
        workdir: Path,
        stored: StoredPlan,
        frames: Sequence[tuple[int, int]],
        segments: Sequence[tuple[str, StoredSegment]],
        number: int,
    ) -> list[JoinedVideo]:
        """Join the parts of one of the videos, in every format."""
        plan = stored.plan.of_video(number)
        mine = [segment for (first, _), segment in zip(frames, segments, strict=True) if first // plan.frames == number]
        listed = {name: list_parts(mine, name) for name in stored.request.format}
        folder = workdir / f"videos-{number}"
        await asyncio.to_thread(folder.mkdir)
        poster = folder / naming.POSTER_NAME
        async with feed_parts(self._storage, listed, workdir / f"parts-{number}") as parts:
            joining = self._pipeline.assemble(stored.request, plan, parts, folder, poster)
            finished = await self._watch_over(Place(stored.index, "assembly", _look_of(stored)), joining)
        window = stored.plan.names[number]
        place = number + 1 if stored.plan.videos else None
        return [JoinedVideo(naming.video_name(video.format, place), video, window, poster) for video in finished]

    async def _watch_over(self, place: Place, work: Awaitable[T]) -> T:
        """Give the death of a process, and what hangs a browser, its meaning.

        Raises:
            RecordingTooHeavy: the recording has done it again.
            BrowserHung: it has hung the browser for the first time.
            ProcessDied: anything else.
        """
        try:
            return await work
        except ChildDied as died:
            if died.death.is_the_recordings:
                await self._heavy.remember(place, str(died))
            raise ProcessDied(f"{place.stage}: {died}") from died
        except BrowserHung as hung:
            await self._heavy.remember(place, str(hung))
            raise
        except SpawnFailed as error:
            raise ProcessDied(f"{place.stage}: {error}") from error

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
        ours = name_renderer(self._pipeline.chromium)
        if stored.renderer != ours:
            raise RendererDiffers(
                f"the export was planned for the renderer {stored.renderer}, this worker has {ours}: "
                "another worker takes it, or it is planned anew"
            )
        return stored


def _choose_poster(plan: ExportPlan, joined: Sequence[JoinedVideo]) -> Path:
    """The first frame of the video; where each window has one, of the window that was there first."""
    first = min(plan.videos, key=lambda video: video.begin_ms).name if plan.videos else None
    return next(video.poster for video in joined if video.window == first)


def _namespace() -> str:
    return activity.info().namespace


def _place_of(stored: StoredPlan, segment: Segment) -> Place:
    """Where a segment reads its recording, which the digest of the index stands for."""
    stage = f"rendering of frames {segment.first} to {segment.first + segment.count - 1}"
    return Place(stored.index, stage, _look_of(stored), advise(stored.plan))


def _look_of(stored: StoredPlan) -> str:
    """What of a request decides how its recording is read."""
    return stored.request.model_dump_json(exclude={"recording", "output", "priority", "fairness_key"})


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _count_frames(rendered: RenderedSegment) -> None:
    count(Metric.FRAMES_CAPTURED, rendered.captured)
    count(Metric.FRAMES_REPEATED, rendered.repeated)
    count(Metric.BROWSER_RESTARTS, rendered.restarts)
