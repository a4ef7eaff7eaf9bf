"""One browser's run of frames becomes a part for each format: rendered, composed and encoded side by side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from video_export_worker.composing.masks import merge_counts
from video_export_worker.composing.visibility import merge_colours
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest, VideoFormat
from video_export_worker.encoding import write_parts
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording import ReplaySource
from video_export_worker.rendering.allotments import Allotment
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.rendering.windows import ShownWindows
from video_export_worker.replay.answers import StoredAnswers
from video_export_worker.replay.settings import ChromiumSettings


@dataclass(frozen=True)
class Part:
    """A file with some of a video's frames."""

    path: Path
    frames: int


@dataclass(frozen=True)
class RenderedSegment:
    """The parts of one segment on this machine's disk, in order, and how they came about.

    Attributes:
        parts: by format, one for each run.
        runs: the frames of each, in order.
        rest: the frames that there was no time for, cut into segments.
        colours: of the page's pictures, as far as they tell whether anything is to be seen.
    """

    parts: Mapping[VideoFormat, Sequence[Part]]
    runs: Sequence[Segment]
    captured: int
    repeated: int
    steps: int
    restarts: int
    masked: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    rest: Sequence[Segment] = ()
    colours: Sequence[int] = ()


@dataclass(frozen=True)
class PartRun:
    """Frames that one browser renders into one part for each format."""

    recording: ReplaySource | ShownWindows
    timeline: Timeline
    request: VideoExportRequest
    plan: ExportPlan
    assets: StoredAnswers
    workdir: Path
    on_frame: Callable[[int], None]

    async def render(self, allotment: Allotment, chromium: ChromiumSettings) -> RenderedSegment:
        """Render into the folder, over what an attempt before may have left there."""
        counts = RenderCounts()
        written, first = 0, allotment.frames.start
        plan, request = self.plan, self.request
        encoding = write_parts(
            request.format, self.workdir, self.timeline.fps, plan.width, plan.height, request.quality
        )
        async with encoding as (writer, paths):
            rendered = render_frames(
                self.recording,
                self.timeline,
                _options(request, plan),
                allotment,
                chromium=chromium,
                counts=counts,
                assets=self.assets,
                on_frame=self.on_frame,
            )
            async with contextlib.aclosing(rendered):
                async for frame in rendered:
                    await writer.write(frame.index - first, frame.picture, frame.changed)
                    written += 1
            count = len(allotment.rendered)
            await writer.finish(count)
        return RenderedSegment(
            parts={name: [Part(path, count)] for name, path in paths.items()},
            runs=[Segment(first=first, count=count)],
            captured=counts.captures,
            repeated=count - written,
            steps=counts.steps,
            restarts=counts.restarts,
            masked=counts.masked,
            warnings=tuple(counts.warnings),
            colours=merge_colours([counts.colours]),
        )


def merge_runs(runs: Sequence[RenderedSegment]) -> RenderedSegment:
    """The runs of one segment, in order, as one."""
    return RenderedSegment(
        parts={name: [part for run in runs for part in run.parts[name]] for name in runs[0].parts},
        runs=[segment for run in runs for segment in run.runs],
        captured=sum(run.captured for run in runs),
        repeated=sum(run.repeated for run in runs),
        steps=sum(run.steps for run in runs),
        restarts=sum(run.restarts for run in runs),
        masked=merge_counts(run.masked for run in runs),
        warnings=tuple(dict.fromkeys(warning for run in runs for warning in run.warnings)),
        rest=[segment for run in runs for segment in run.rest],
        colours=merge_colours(run.colours for run in runs),
    )


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
