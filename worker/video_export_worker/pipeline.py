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
from video_export_worker.errors import RecordingNotFound
from video_export_worker.part_runs import Part, PartRun, RenderedSegment, merge_runs
from video_export_worker.planning.export_plan import build_plan, read_schedule
from video_export_worker.planning.segments import cut_rest
from video_export_worker.planning.timeline import restore_timeline
from video_export_worker.planning.windows import stretches_between
from video_export_worker.planning.work_estimate import estimate_session
from video_export_worker.recording import (
    INDEX_NAME,
    WHOLE,
    ChunkFolder,
    RecordingIndex,
    RecordingLimits,
    ShownRange,
    open_recording,
    parse_recording,
    save_index,
)
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.rendering.allotments import Allotment, TimeBudget
from video_export_worker.rendering.windows import ShownWindows
from video_export_worker.replay.answers import open_answers
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

READ_BYTES: Final = 1 << 20
WORTH_A_BROWSER: Final = 4.0  # seconds of work, beside which a browser's start is little
# Parts of these formats are joined without decoding, and read once from their begin to their end.
READ_AS_A_STREAM: Final = frozenset({VideoFormat.MP4, VideoFormat.WEBM})

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
        folder: an empty folder for the artefact: `index.npz`, `chunk-00000.json` ... as far as frames of the video
            need them, and `links.json` where the recording links to assets.
        limits: what is accepted.

    Raises:
        RecordingNotFound, RecordingInvalid, RecordingTooLarge: the recording cannot be replayed.
        NothingToRender: the range holds no frame.
    """

    def read() -> ExportPlan:
        index = read_recordings(recordings, folder, limits=limits, strict=request.strict, shown=_find_range(request))
        return build_plan(index, request, limits)

    return await asyncio.to_thread(read)


def read_recordings(
    recordings: Sequence[Path],
    folder: Path,
    *,
    limits: RecordingLimits,
    strict: bool = False,
    shown: ShownRange = WHOLE,
) -> RecordingIndex:
    """Read the recording's parts, and write its index, chunks and links into `folder`.

    Raises:
        RecordingNotFound, RecordingInvalid, RecordingTooLarge: the recording cannot be replayed.
    """
    files = [_read_file(path) for path in recordings]
    links = LinkFinder(RecordedFiles(folder / ASSETS_FOLDER).keep)
    chunks = ChunkFolder(folder)
    recording = parse_recording(files, limits=limits, strict=strict, chunks=chunks, observer=links, shown=shown)
    found = FoundLinks(
        uses=links.uses,
        recorded=links.recorded,
        href=links.href,
        left_out=links.left_out,
        shown=[sorted(chunk) for chunk in links.shown],
    )
    write_links(folder, found)
    save_index(recording.index, folder / INDEX_NAME)
    return recording.index


def choose_chunks(index: RecordingIndex, plan: ExportPlan, segment: Segment) -> Sequence[int]:
    """Choose the chunks of a recording that rendering a segment reads: from the last full snapshot before it on.

    For each window that it shows. What a replay hands to the page (`ChunkFeed`) and what is chosen here have to change
    together.
    """
    number, segment = plan.split_frames(segment)
    plan = plan.of_video(number)
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    begin_ms = timeline.recording_ms(segment.first)
    end_ms = timeline.recording_ms(segment.stop - 1)
    windows = {window.number: window for window in index.session}
    chosen: set[int] = set()
    for shown, shown_ms, until_ms in stretches_between(read_schedule(plan, index), begin_ms, end_ms):
        window = windows[shown]
        beginning = choose_beginning(window, shown_ms)
        stop = max(window.chunks_until(until_ms), beginning.chunk + 1)
        chosen |= {window.first_chunk + chunk for chunk in (*beginning.font_chunks, *range(beginning.chunk, stop))}
    return sorted(chosen)


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
    number, segment = plan.split_frames(segment)
    before = number * plan.frames
    plan = plan.of_video(number)
    timeline = restore_timeline(plan.time_map, plan.frames, plan.fps, plan.end * 1000, plan.shows_end)
    frames = range(segment.first, segment.stop)
    shown = ShownWindows(replayed.session, read_schedule(plan, replayed.index))
    work = estimate_session({window.number: window for window in replayed.index.session}, shown.schedule, timeline)
    pieces = work.cut(frames, min(chromium.browsers, 1 + int(work.of(frames) / WORTH_A_BROWSER)))
    done = [0] * len(pieces)

    def tell(piece: int, frame: int) -> None:
        done[piece] = frame - pieces[piece].start + 1
        on_progress(sum(done), segment.count)

    async def run(index: int, piece: range) -> RenderedSegment:
        folder = workdir / f"run-{index}"
        folder.mkdir()
        job = PartRun(shown, timeline, request, plan, assets, folder, lambda frame: tell(index, frame))
        allotment = Allotment(piece, budget)
        try:
            rendered = await job.render(allotment, chromium)
        except CaptureDiffers as error:
            LOG.warning("%s: its %d frames are rendered again with screenshots", error, len(piece))
            allotment = Allotment(piece, budget)
            rendered = await job.render(allotment, dataclasses.replace(chromium, capture=CaptureMode.SCREENSHOT))
        rest = cut_rest(work, allotment.rendered, allotment.seconds, allotment.rest)
        return dataclasses.replace(rendered, rest=[Segment(first=part.start, count=len(part)) for part in rest])

    merged = merge_runs(await _side_by_side([run(index, piece) for index, piece in enumerate(pieces)]))
    return dataclasses.replace(
        merged, runs=[part.moved(before) for part in merged.runs], rest=[part.moved(before) for part in merged.rest]
    )


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


def _find_range(request: VideoExportRequest) -> ShownRange:
    """What has to be read of the recording. Where inactivity begins before the range counts, too."""
    if request.skip_inactivity is not None:
        return WHOLE
    return ShownRange(request.start * 1000, math.inf if request.end is None else request.end * 1000)


def _read_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(READ_BYTES):
                yield chunk
    except FileNotFoundError as error:
        raise RecordingNotFound(f"there is no recording at {path}") from error
    except IsADirectoryError as error:
        raise RecordingNotFound(f"{path} is a folder, not a recording") from error
