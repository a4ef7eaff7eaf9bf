"""An export on one machine: plan, render a segment, assemble. Files in, files out; no storage and no Temporal."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from video_export_worker.assets.found import ASSETS_FOLDER, FoundLinks, write_links
from video_export_worker.assets.links import LinkFinder
from video_export_worker.assets.recorded import RecordedFiles
from video_export_worker.capture.captures import CaptureDiffers
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
)
from video_export_worker.errors import RecordingNotFound, RecordingTooLarge
from video_export_worker.part_runs import Part, PartRun, RenderedSegment, merge_runs
from video_export_worker.planning.segments import cut_rest, cut_segments
from video_export_worker.planning.size import choose_size, choose_viewport, list_viewports
from video_export_worker.planning.timeline import build_timeline, restore_timeline
from video_export_worker.planning.work_estimate import estimate_work
from video_export_worker.recording import (
    INDEX_NAME,
    ChunkFolder,
    RecordingIndex,
    RecordingLimits,
    open_recording,
    parse_recording,
    save_index,
)
from video_export_worker.rendering.allotments import Allotment, TimeBudget
from video_export_worker.replay.answers import open_answers
from video_export_worker.replay.beginnings import choose_beginning
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

READ_BYTES: Final = 1 << 20
WORTH_A_BROWSER: Final = 4.0  # seconds of work, beside which a browser's start is little
# Parts of these formats are joined without decoding, and read once from their begin to their end.
READ_AS_A_STREAM: Final = frozenset({VideoFormat.MP4, VideoFormat.WEBM})
# A GIF is encoded in one piece from all of its lossless parts: in a quarter of an hour they take some GiB of the disk.
MAX_GIF_SECONDS: Final = 900.0

LOG = logging.getLogger(__name__)
Result = TypeVar("Result")


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
    pieces = cut_segments(estimate_work(recording, timeline), range(timeline.frames))
    return ExportPlan(
        width=width,
        height=height,
        page=page,
        fps=request.fps,
        frames=timeline.frames,
        time_map=list(timeline.spans),
        end=timeline.end_ms / 1000,
        shows_end=timeline.shows_end,
        segments=_list_segments(pieces),
        warnings=list(recording.warnings),
    )


def choose_chunks(index: RecordingIndex, plan: ExportPlan, segment: Segment) -> Sequence[int]:
    """Choose the chunks of a recording that rendering a segment reads: from the last full snapshot before it on.

    What a replay hands to the page (`ChunkFeed`) and what is chosen here have to change together.
    """
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    beginning = choose_beginning(index, timeline.recording_ms(segment.first))
    stop = index.chunks_until(timeline.recording_ms(segment.stop - 1))
    return [*beginning.font_chunks, *range(beginning.chunk, max(stop, beginning.chunk + 1))]


async def render_segment(
    folder: Path,
    request: VideoExportRequest,
    plan: ExportPlan,
    segment: Segment,
    workdir: Path,
    *,
    chromium: ChromiumSettings,
    budget: TimeBudget | None = None,
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
        budget: the time after which frames are left to others; by default there is no end.
        on_progress: called with frames done and frames in all.

    Raises:
        RenderFailed, EncodeFailed: after the restarts that are allowed.
    """
    replayed = await asyncio.to_thread(open_recording, folder)
    assets = await asyncio.to_thread(open_answers, folder)
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    frames = range(segment.first, segment.stop)
    work = estimate_work(replayed.index, timeline)
    pieces = work.cut(frames, min(chromium.browsers, 1 + int(work.of(frames) / WORTH_A_BROWSER)))
    done = [0] * len(pieces)

    def tell(piece: int, frame: int) -> None:
        done[piece] = frame - pieces[piece].start + 1
        on_progress(sum(done), segment.count)

    async def run(index: int, piece: range) -> RenderedSegment:
        folder = workdir / f"run-{index}"
        folder.mkdir()
        job = PartRun(replayed, timeline, request, plan, assets, folder, lambda frame: tell(index, frame))
        allotment = Allotment(piece, budget)
        try:
            rendered = await job.render(allotment, chromium)
        except CaptureDiffers as error:
            LOG.warning("%s: its %d frames are rendered again with screenshots", error, len(piece))
            allotment = Allotment(piece, budget)
            rendered = await job.render(allotment, dataclasses.replace(chromium, capture=CaptureMode.SCREENSHOT))
        rest = cut_rest(work, allotment.rendered, allotment.seconds, allotment.rest)
        return dataclasses.replace(rendered, rest=_list_segments(rest))

    return merge_runs(await _side_by_side([run(index, piece) for index, piece in enumerate(pieces)]))


def _list_segments(pieces: Sequence[range]) -> list[Segment]:
    return [Segment(first=piece.start, count=len(piece)) for piece in pieces]


async def _side_by_side(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Results in order; the first failure ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(item) for item in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


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


def _read_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise RecordingNotFound(f"there is no recording at {path}") from error
    except IsADirectoryError as error:
        raise RecordingNotFound(f"{path} is a folder, not a recording") from error
