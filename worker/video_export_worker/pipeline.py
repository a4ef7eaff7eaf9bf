"""An export on one machine: plan, render a segment, assemble. Files in, files out; no storage and no Temporal."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from video_export_worker.assets.found import ASSETS_FOLDER, FoundLinks, write_links
from video_export_worker.assets.links import LinkFinder
from video_export_worker.assets.recorded import RecordedFiles
from video_export_worker.capture.captures import CaptureDiffers
from video_export_worker.composing.masks import merge_counts
from video_export_worker.contract import (
    ExportPlan,
    Segment,
    VideoExportRequest,
    VideoFormat,
)
from video_export_worker.encoding import (
    PARTS,
    Expected,
    FinishedVideo,
    join_parts,
    write_parts,
)
from video_export_worker.errors import RecordingNotFound, RecordingTooLarge
from video_export_worker.planning.size import choose_size, choose_viewport, list_viewports
from video_export_worker.planning.timeline import Timeline, build_timeline, restore_timeline
from video_export_worker.planning.work_estimate import estimate_work
from video_export_worker.recording import (
    INDEX_NAME,
    ChunkFolder,
    RecordingIndex,
    RecordingLimits,
    ReplaySource,
    open_recording,
    parse_recording,
    save_index,
)
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.answers import StoredAnswers, open_answers
from video_export_worker.replay.beginnings import choose_beginning
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

READ_BYTES: Final = 1 << 20
WORTH_A_BROWSER: Final = 1.5  # seconds of work, of which a browser's start is the better half
SEGMENT_WORK: Final = 20.0  # seconds of work that a segment has at most, as far as can be told before
MAX_SEGMENTS: Final = 1000
# Parts of these formats are joined without decoding, and read once from their begin to their end.
READ_AS_A_STREAM: Final = frozenset({VideoFormat.MP4, VideoFormat.WEBM})
# A GIF is encoded in one piece from all of its lossless parts: in a quarter of an hour they take some GiB of the disk.
MAX_GIF_SECONDS: Final = 900.0

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part:
    """A file with some of a video's frames."""

    path: Path
    frames: int


@dataclass(frozen=True)
class RenderedSegment:
    """The parts of one segment on this machine's disk, in order, and how they came about."""

    parts: Mapping[VideoFormat, Sequence[Part]]
    captured: int
    repeated: int
    steps: int
    restarts: int
    masked: Mapping[str, int]
    warnings: tuple[str, ...] = ()


def part_suffix(name: VideoFormat) -> str:
    """File suffix of a part of this format."""
    return PARTS[name].suffix


async def plan_export(
    recordings: Sequence[Path], request: VideoExportRequest, folder: Path, *, limits: RecordingLimits
) -> ExportPlan:
    """Read the recording's parts, write its index, chunks and links into `folder`, and lay out the video.

    Args:
        recordings: the parts, in order.
        request: what is asked for.
        folder: an empty folder for the artefact: `index.npz`, `chunk-00000.json` ..., and `links.json`
            where the recording links to assets.
        limits: what is accepted.

    Raises:
        RecordingNotFound, RecordingInvalid, RecordingTooLarge: the recording cannot be replayed.
        NothingToRender: the range holds no frame.
    """

    def read() -> ExportPlan:
        files = [_read_file(path) for path in recordings]
        links = LinkFinder(RecordedFiles(folder / ASSETS_FOLDER).keep)
        recording = parse_recording(
            files, limits=limits, strict=request.strict, chunks=ChunkFolder(folder), observer=links
        )
        found = FoundLinks(uses=links.uses, recorded=links.recorded, href=links.href, left_out=links.left_out)
        write_links(folder, found)
        save_index(recording.index, folder / INDEX_NAME)
        return build_plan(recording.index, request, limits)

    return await asyncio.to_thread(read)


def build_plan(recording: RecordingIndex, request: VideoExportRequest, limits: RecordingLimits) -> ExportPlan:
    """Lay out the video of a recording. Raises NothingToRender and RecordingTooLarge."""
    idle = recording.find_idle(request.skip_inactivity.threshold) if request.skip_inactivity else []
    timeline = build_timeline(request, recording.duration_ms, idle, limits.video_seconds)
    seconds = float(timeline.frames / timeline.fps)
    if VideoFormat.GIF in request.format and seconds > MAX_GIF_SECONDS:
        raise RecordingTooLarge(
            f"the GIF would be {seconds / 60:.0f} minutes long, the limit is {MAX_GIF_SECONDS / 60:g} minutes: "
            "choose MP4 or WebM, a range, a higher speed or skip_inactivity"
        )
    page = choose_viewport(request, list_viewports(recording, 0.0, math.inf), timeline)
    width, height = choose_size(request, page)
    work = estimate_work(recording, timeline)
    frames = range(timeline.frames)
    pieces = work.cut(frames, min(MAX_SEGMENTS, math.ceil(work.of(frames) / SEGMENT_WORK)))
    return ExportPlan(
        width=width,
        height=height,
        page=page,
        fps=request.fps,
        frames=timeline.frames,
        time_map=list(timeline.spans),
        end=timeline.end_ms / 1000,
        shows_end=timeline.shows_end,
        segments=[Segment(first=piece.start, count=len(piece)) for piece in pieces],
        warnings=list(recording.warnings),
    )


def choose_chunks(index: RecordingIndex, plan: ExportPlan, segment: Segment) -> Sequence[int]:
    """Choose the chunks of a recording that rendering a segment reads: from the last full snapshot before it on.

    What a replay hands to the page (`ChunkFeed`) and what is chosen here have to change together.
    """
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    beginning = choose_beginning(index, timeline.recording_ms(segment.first))
    stop = index.chunks_until(timeline.recording_ms(segment.first + segment.count - 1))
    return [*beginning.font_chunks, *range(beginning.chunk, max(stop, beginning.chunk + 1))]


async def render_segment(
    folder: Path,
    request: VideoExportRequest,
    plan: ExportPlan,
    segment: Segment,
    workdir: Path,
    *,
    chromium: ChromiumSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> RenderedSegment:
    """Render one segment of a recording into parts, for every format from one capture.

    Args:
        folder: what `plan_export` wrote, and the assets of its links.
        request: what was asked for.
        plan: what was planned.
        segment: the frames to render.
        workdir: an empty folder for the parts.
        chromium: the browser to use, and how many of it side by side; each makes a part of its own.
        on_progress: called with frames done and frames in all.

    Raises:
        RenderFailed, EncodeFailed: after the restarts that are allowed.
    """
    replayed = await asyncio.to_thread(open_recording, folder)
    assets = await asyncio.to_thread(open_answers, folder)
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    frames = range(segment.first, segment.first + segment.count)
    work = estimate_work(replayed.index, timeline)
    pieces = work.cut(frames, min(chromium.browsers, 1 + int(work.of(frames) / WORTH_A_BROWSER)))
    done = [0] * len(pieces)

    def tell(piece: int, frame: int) -> None:
        done[piece] = frame - pieces[piece].start + 1
        on_progress(sum(done), segment.count)

    async def run(index: int, piece: range) -> RenderedSegment:
        folder = workdir / f"run-{index}"
        folder.mkdir()
        job = _PartRun(replayed, timeline, request, plan, assets, piece, folder, lambda frame: tell(index, frame))
        try:
            return await job.render(chromium)
        except CaptureDiffers as error:
            LOG.warning("%s: its %d frames are rendered again with screenshots", error, len(piece))
            return await job.render(dataclasses.replace(chromium, capture=CaptureMode.SCREENSHOT))

    return _merge(await _side_by_side([run(index, piece) for index, piece in enumerate(pieces)]))


@dataclass(frozen=True)
class _PartRun:
    """Frames that one browser renders into one part for each format."""

    recording: ReplaySource
    timeline: Timeline
    request: VideoExportRequest
    plan: ExportPlan
    assets: StoredAnswers
    frames: range
    workdir: Path
    on_frame: Callable[[int], None]

    async def render(self, chromium: ChromiumSettings) -> RenderedSegment:
        """Render into the folder, over what an attempt before may have left there."""
        counts = RenderCounts()
        written = 0
        plan, request = self.plan, self.request
        encoding = write_parts(
            request.format, self.workdir, self.timeline.fps, plan.width, plan.height, request.quality
        )
        async with encoding as (writer, paths):
            rendered = render_frames(
                self.recording,
                self.timeline,
                _options(request, plan),
                self.frames,
                chromium=chromium,
                counts=counts,
                assets=self.assets,
                on_frame=self.on_frame,
            )
            async with contextlib.aclosing(rendered):
                async for frame in rendered:
                    await writer.write(frame.index - self.frames.start, frame.picture, frame.changed)
                    written += 1
            await writer.finish(len(self.frames))
        parts = {name: [Part(path, len(self.frames))] for name, path in paths.items()}
        repeated = len(self.frames) - written
        return RenderedSegment(
            parts,
            counts.captures,
            repeated,
            counts.steps,
            counts.restarts,
            counts.masked,
            tuple(counts.warnings),
        )


async def _side_by_side(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Results in order; the first failure ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _merge(runs: Sequence[RenderedSegment]) -> RenderedSegment:
    return RenderedSegment(
        {name: [part for run in runs for part in run.parts[name]] for name in runs[0].parts},
        sum(run.captured for run in runs),
        sum(run.repeated for run in runs),
        sum(run.steps for run in runs),
        sum(run.restarts for run in runs),
        merge_counts(run.masked for run in runs),
        tuple(dict.fromkeys(warning for run in runs for warning in run.warnings)),
    )


async def assemble(
    request: VideoExportRequest, plan: ExportPlan, parts: Mapping[VideoFormat, Sequence[Part]], workdir: Path
) -> list[FinishedVideo]:
    """Join each format's parts, given in the video's order, and verify what came out.

    Raises:
        EncodeFailed: a video is not what was planned.
    """
    fps = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end).fps
    expected = Expected(plan.frames, fps, plan.width, plan.height)

    def join(name: VideoFormat) -> Coroutine[Any, Any, FinishedVideo]:
        counted = [(part.path, part.frames) for part in parts[name]]
        return join_parts(name, counted, workdir, expected, request.quality)

    return await _side_by_side([join(name) for name in request.format])


def _options(request: VideoExportRequest, plan: ExportPlan) -> RenderOptions:
    return RenderOptions(
        width=plan.width,
        height=plan.height,
        device_scale_factor=request.device_scale_factor,
        background=request.background,
        mouse=request.mouse,
        mask_selectors=tuple(request.mask_selectors),
        strict=request.strict,
        enlarge=bool(request.width or request.height),
        page=plan.page,
        color_scheme=request.color_scheme,
    )


def _read_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise RecordingNotFound(f"there is no recording at {path}") from error
    except IsADirectoryError as error:
        raise RecordingNotFound(f"{path} is a folder, not a recording") from error
