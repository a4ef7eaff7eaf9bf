"""What passes between the workflow and the activities of one export: a few hundred bytes each.

What is large lies in the storage: the plan, the recording's index and chunks, the parts. A message names it by URI and
digest. Workers of two versions talk to each other while an update is rolled out, so a message may gain fields with a
default; none is removed or changes its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from video_export_worker.contract.request import VideoExportRequest, VideoFormat
from video_export_worker.contract.result import TimeSpan
from video_export_worker.contract.values import TolerantValue

WORKFLOW_NAME: Final = "VideoExportWorkflow"
DEFAULT_TASK_QUEUE: Final = "video-export-task-queue"

PLAN_EXPORT: Final = "plan_export"
RENDER_SEGMENT: Final = "render_segment"
ASSEMBLE: Final = "assemble"
DISCARD_PARTS: Final = "discard_parts"

# A worker that is gone is noticed after this. Activities report every second.
HEARTBEAT_TIMEOUT: timedelta = timedelta(seconds=30)


class Segment(TolerantValue):
    """A run of frames that one activity renders: video frames `first` up to but not including `first + count`."""

    first: int = Field(ge=0)
    count: int = Field(ge=1)

    @property
    def stop(self) -> int:
        """The frame after the last."""
        return self.first + self.count

    def moved(self, frames: int) -> Segment:
        """The segment so many frames later."""
        return self.model_copy(update={"first": self.first + frames})


def list_between(whole: Segment, cut_out: Sequence[Segment]) -> list[Segment]:
    """List the stretches of a segment that lie around others in it, in order; those that touch are one."""
    bounds = [whole.first, *(at for part in cut_out for at in (part.first, part.stop)), whole.stop]
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return [Segment(first=first, count=stop - first) for first, stop in pairs if stop > first]


class ShownWindow(TolerantValue):
    """From `begin_ms` of the recording on, in milliseconds, the window of that number is shown."""

    begin_ms: float
    window: int


class PlannedVideo(TolerantValue):
    """The video of one window, where each has its own.

    Attributes:
        window: number of the window.
        name: the recorder's name for it.
        width: pixels, even.
        height: pixels, even.
        page: size of the page that it was made for, in CSS pixels.
        begin_ms: offset in the recording at which the window opens; nothing is shown before.
    """

    window: int
    name: str | None
    width: int
    height: int
    page: tuple[int, int]
    begin_ms: float = 0.0


class ExportPlan(TolerantValue):
    """Everything that is decided before the first frame is rendered.

    Where each window has a video of its own, `width` and the like are those of the first. All have the same frames at
    the same times, which are numbered through: the frames of the second video come after those of the first.
    """

    width: int = Field(description="Width of the video in pixels, even.")
    height: int = Field(description="Height of the video in pixels, even.")
    page: tuple[int, int] | None = Field(
        None, description="Size of the page in CSS pixels that the video was made for; by default the first."
    )
    fps: float
    frames: int = Field(ge=1, description="Frames of the whole video.")
    time_map: list[TimeSpan] = Field(min_length=1)
    end: float = Field(description="Second of the recording that no frame goes beyond.")
    shows_end: bool = Field(description="The last frame shows `end`, even where the frame grid ends before it.")
    windows: list[ShownWindow] = Field(
        default_factory=list, description="Which window is shown when; without any, the one that the index begins with."
    )
    videos: list[PlannedVideo] = Field(default_factory=list, description="Where each window has a video of its own.")
    nodes: int = Field(default=0, description="Nodes that a browser holds at once, at most: of all windows of a video.")
    segments: list[Segment] = Field(min_length=1)
    warnings: list[str] = Field(default_factory=list)

    @property
    def duration(self) -> float:
        """Length of the video in seconds: every frame stands for 1/fps."""
        return self.frames / self.fps

    @property
    def names(self) -> list[str | None]:
        """The name of each video's window, where each window has a video; else one nothing, for the only video."""
        return [video.name for video in self.videos] or [None]

    def of_video(self, number: int) -> ExportPlan:
        """The plan of one of the videos by itself."""
        if not self.videos:
            return self
        video = self.videos[number]
        shown = [ShownWindow(begin_ms=video.begin_ms, window=video.window)]
        spans = [span.model_copy(update={"window": video.name}) for span in self.time_map]
        size = {"width": video.width, "height": video.height, "page": video.page}
        return self.model_copy(update={**size, "windows": shown, "videos": [], "time_map": spans})

    def split_frames(self, segment: Segment) -> tuple[int, Segment]:
        """Number of the video that a segment belongs to, and the segment within that video."""
        number, first = divmod(segment.first, self.frames)
        return number, segment.model_copy(update={"first": first})


class StoredPlan(TolerantValue):
    """The plan of an export as it lies in the storage, and what belongs to it.

    Attributes:
        renderer: that made the plan, and that has to render all of it: parts of two renderers are never joined.
        request: what was asked for, with all defaults of the version that made the plan.
        asked: the same without defaults. A version that does not know one of these fields cannot render the plan; a
            field that the request does not use is nothing to it.
        plan: what was decided.
        index: SHA-256 of the stored index, which is its name.
        chunks: SHA-256 of each stored chunk, which is its name.
        output: URI prefix of the results.
        assets: SHA-256 of the stored table of assets, which is its name; None where the recording links to none.
    """

    renderer: str
    request: VideoExportRequest
    asked: dict[str, Any] = Field(default_factory=dict)
    plan: ExportPlan
    index: str
    chunks: list[str] = Field(min_length=1)
    output: str
    assets: str | None = None


class StoredSegment(TolerantValue):
    """What lies in the storage beside the parts of a segment, once they are all there.

    Attributes:
        runs: frames of each part, in the video's order: one part for each browser.
        parts: names of the parts by format, one for each run.
        captured: frames that Chromium captured.
        repeated: frames that show the picture before them.
        masked: for each mask selector how many elements it has covered at once, at most.
        colours: of the page's pictures, as far as they tell whether anything is to be seen.
        warnings: of the renderer.
        rest: what was not rendered, as `SegmentResult` has it. Frames that were rendered after some of it are stored as
            a segment of their own, and are counted here.
    """

    runs: list[int] = Field(min_length=1)
    parts: dict[VideoFormat, list[str]]
    captured: int
    repeated: int
    masked: dict[str, int] = Field(default_factory=dict)
    colours: list[int] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    rest: list[Segment] = Field(default_factory=list)

    @property
    def count(self) -> int:
        """Frames of all parts of a format."""
        return sum(self.runs)


class PlanReference(TolerantValue):
    """Where the stored plan of an export is.

    Attributes:
        uri: of the plan.
        digest: SHA-256 of its bytes.
    """

    uri: str
    digest: str


class PlanInput(TolerantValue):
    """Input of `plan_export`."""

    export_id: str
    request: VideoExportRequest


class PlannedExport(TolerantValue):
    """Result of `plan_export`.

    Attributes:
        plan: where the plan is.
        segments: frames of each segment, in order.
    """

    plan: PlanReference
    segments: list[int] = Field(min_length=1)


class SegmentInput(TolerantValue):
    """Input of `render_segment`."""

    plan: PlanReference
    segment: Segment


class SegmentResult(TolerantValue):
    """Result of `render_segment`; the parts themselves are named in the storage.

    Attributes:
        count: frames from the segment's first on that were rendered, up to the first that was not.
        captured: frames that Chromium captured.
        repeated: frames that show the picture before them.
        reused: the parts of an earlier attempt were found.
        rest: what there was no time for, in order, cut into segments of their own. Where it is empty, the rest is all
            that follows `count`.
    """

    count: int = Field(ge=1)
    captured: int
    repeated: int
    reused: bool = False
    rest: list[Segment] = Field(default_factory=list)

    def list_rest(self, segment: Segment) -> list[Segment]:
        """List what is left to render of the segment."""
        return self.rest or list_between(segment, [Segment(first=segment.first, count=self.count)])


class AssembleInput(TolerantValue):
    """Input of `assemble`.

    Attributes:
        export_id: of the export.
        plan: where the plan is.
        segments: what was rendered, in the video's order: number of the first frame and of frames.
    """

    export_id: str
    plan: PlanReference
    segments: list[tuple[int, int]]


class DiscardInput(TolerantValue):
    """Input of `discard_parts`: clean-up after an export, however it ended."""

    export_id: str
