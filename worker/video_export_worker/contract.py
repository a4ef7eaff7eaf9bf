"""The contract of an export: what a client sends, what it gets, and what passes between workflow and activities.

Plain JSON, so that any Temporal SDK or the `temporal` CLI can start an export. Only typed values and object URIs
travel: never data, never a path of one host.

Units: recording and video times are seconds unless a name ends in `_ms`; sizes are bytes; lengths are CSS pixels
of the output before `device_scale_factor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from video_export_worker.errors import InvalidRequest

WORKFLOW_NAME: Final = "VideoExportWorkflow"
DEFAULT_TASK_QUEUE: Final = "video-export-task-queue"
PROGRESS_QUERY: Final = "progress"

PLAN_EXPORT: Final = "plan_export"
RENDER_SEGMENT: Final = "render_segment"
ASSEMBLE: Final = "assemble"
DISCARD_PARTS: Final = "discard_parts"

# A worker that is gone is noticed after this. Activities report every second.
HEARTBEAT_TIMEOUT: timedelta = timedelta(seconds=30)

MAX_WIDTH: Final = 3840
MAX_HEIGHT: Final = 2160
MAX_GIF_FPS: Final = 50.0  # GIF delays are centiseconds, and players slow down delays under 2


class _Value(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class VideoFormat(StrEnum):
    """The containers an export can produce."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"


class Quality(StrEnum):
    """How much detail the encoder keeps; `medium` is visually clean for pages of text."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class SkipInactivity(_Value):
    """How to treat stretches in which the user did nothing."""

    threshold: float = Field(10.0, ge=1, le=3600, description="Seconds without user activity that count as inactive.")
    mode: Literal["cut", "speed"] = Field("cut", description="Cut the stretch out, or play it faster.")
    speed: float = Field(20.0, ge=2, le=1000, description="Factor by which `mode: speed` plays an inactive stretch.")


class Mouse(_Value):
    """What is drawn of the recorded mouse."""

    cursor: bool = True
    trail: bool = False
    clicks: bool = True


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMany = BeforeValidator(_as_list)


class VideoExportRequest(_Value):
    """One export: which recording, which videos of it, and how they look.

    Use `parse_request` to build one from JSON: it reports every problem at once.
    """

    recording: Annotated[list[str], OneOrMany] = Field(
        min_length=1, max_length=1000, description="URI of the recording, or of its parts in order."
    )
    output: str | None = Field(
        None, description="URI prefix of the results; by default the worker's storage and the workflow's id."
    )
    format: Annotated[list[VideoFormat], OneOrMany] = Field(
        default_factory=lambda: [VideoFormat.MP4], min_length=1, description="One format or several."
    )
    width: int | None = Field(None, ge=16, le=MAX_WIDTH, description="By default the recording's, within 1280x720.")
    height: int | None = Field(None, ge=16, le=MAX_HEIGHT, description="By default the recording's, within 1280x720.")
    fps: float = Field(25, ge=1, le=60, description="Frames per second.")
    speed: float = Field(1.0, ge=0.1, le=100, description="Seconds of recording per second of video.")
    start: float = Field(0, ge=0, description="Second of the recording at which the video begins.")
    end: float | None = Field(None, gt=0, description="Second of the recording at which the video ends.")
    skip_inactivity: SkipInactivity | None = None
    quality: Quality = Quality.MEDIUM
    device_scale_factor: float = Field(1.0, ge=0.5, le=3)
    mouse: Mouse = Mouse()
    mask_selectors: list[str] = Field(default_factory=list, max_length=100, description="CSS selectors to black out.")
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour behind a smaller page.")
    strict: bool = Field(False, description="Refuse a recording with broken events instead of skipping them.")
    priority: int | None = Field(None, ge=1, le=5, description="Temporal priority key: 1 runs first.")
    fairness_key: str | None = Field(
        None, max_length=64, description="Temporal fairness key: tenants share the queue evenly."
    )

    @model_validator(mode="after")
    def _check(self) -> VideoExportRequest:
        problems = _find_conflicts(self.model_dump())
        if problems:
            raise ValueError("; ".join(problems))
        return self


class Segment(_Value):
    """A run of frames that one activity renders: video frames `first` up to but not including `first + count`."""

    index: int = Field(ge=0)
    first: int = Field(ge=0)
    count: int = Field(ge=1)


class TimeSpan(_Value):
    """A stretch in which recording time runs evenly against video time.

    At video second `video` the recording stands at second `recording`; from there it runs `speed` times as fast.
    """

    video: float
    recording: float
    speed: float


class ExportPlan(_Value):
    """Everything that is decided before the first frame is rendered."""

    width: int = Field(description="Width of the video in pixels, even.")
    height: int = Field(description="Height of the video in pixels, even.")
    fps: float
    frames: int = Field(ge=1, description="Frames of the whole video.")
    time_map: list[TimeSpan] = Field(min_length=1)
    end: float = Field(description="Second of the recording that no frame goes beyond.")
    shows_end: bool = Field(description="The last frame shows `end`, even where the frame grid ends before it.")
    segments: list[Segment] = Field(min_length=1)
    warnings: list[str] = Field(default_factory=list)

    @property
    def duration(self) -> float:
        """Length of the video in seconds: every frame stands for 1/fps."""
        return self.frames / self.fps


class Progress(_Value):
    """What the `progress` query answers and what heartbeats carry."""

    phase: Literal["queued", "planning", "rendering", "assembling", "done"] = "queued"
    segments: int = 0
    segments_done: int = 0
    frames: int = 0
    frames_done: int = 0
    seconds_left: float | None = Field(default=None, description="Estimate of the seconds until the export is done.")


class PlanInput(_Value):
    """Input of `plan_export`."""

    export_id: str
    request: VideoExportRequest


class PlannedExport(_Value):
    """Result of `plan_export`: the plan and where the normalised recording and the parts are kept."""

    plan: ExportPlan
    recording_uri: str
    parts_prefix: str
    output_prefix: str


class SegmentInput(_Value):
    """Input of `render_segment`."""

    request: VideoExportRequest
    planned: PlannedExport
    segment: Segment


class SegmentResult(_Value):
    """Result of `render_segment`: one part per format."""

    segment: Segment
    runs: list[int] = Field(description="Frames of each part, in the video's order: one part for each browser.")
    parts: dict[VideoFormat, list[str]] = Field(description="URIs of the parts by format, one for each run.")
    captured: int = Field(description="Frames that Chromium captured.")
    repeated: int = Field(description="Frames that show the picture before them.")
    warnings: list[str] = Field(default_factory=list)
    reused: bool = Field(default=False, description="True if the parts of an earlier attempt were found.")


class AssembleInput(_Value):
    """Input of `assemble`."""

    export_id: str
    request: VideoExportRequest
    planned: PlannedExport
    segments: list[SegmentResult]


class DiscardInput(_Value):
    """Input of `discard_parts`: clean-up after an export, however it ended."""

    export_id: str
    parts_prefix: str | None = Field(default=None, description="Where the parts are, if planning got that far.")


class VideoObject(_Value):
    """One finished video in the storage."""

    format: VideoFormat
    uri: str
    size: int = Field(description="Bytes.")
    sha256: str
    duration: float = Field(description="Seconds.")
    frames: int = Field(description="Frames at the requested rate; the file stores only those that differ.")
    width: int
    height: int
    codec: str


class VideoExportResult(_Value):
    """What a finished export returns."""

    videos: list[VideoObject]
    poster: str | None = Field(None, description="URI of a PNG of the first frame.")
    time_map: list[TimeSpan]
    captured: int
    repeated: int
    warnings: list[str]


def parse_request(raw: Mapping[str, Any] | Any) -> VideoExportRequest:
    """Build a request from decoded JSON.

    Raises:
        InvalidRequest: with every problem, one a line.
    """
    if not isinstance(raw, Mapping):
        raise InvalidRequest(f"the request must be a JSON object with at least `recording`, not {type(raw).__name__}")
    try:
        return VideoExportRequest.model_validate(dict(raw))
    except ValidationError as error:
        problems = _describe(error)
        # Checks across fields run only once every field is right by itself; a user wants to see all at once.
        problems += [conflict for conflict in _find_conflicts(raw) if f"request: {conflict}" not in problems]
        raise InvalidRequest("\n".join(problems)) from error


def _describe(error: ValidationError) -> list[str]:
    lines: list[str] = []
    for problem in error.errors(include_url=False):
        where = ".".join(str(part) for part in problem["loc"]) or "request"
        shown = "" if problem["type"] in ("missing", "value_error") else f" (given: {problem.get('input')!r:.80})"
        lines.extend(f"{where}: {part}{shown}" for part in problem["msg"].removeprefix("Value error, ").split("; "))
    return lines


def _find_conflicts(values: Mapping[str, Any]) -> list[str]:
    """Problems between fields. Works on unchecked values too: what is no number is left to the field's own check."""

    def number(name: str, default: float) -> float:
        value = values.get(name)
        return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else default

    def texts(name: str) -> list[str]:
        value = _as_list(values.get(name))
        return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

    start, end, fps, scale = (
        number("start", 0),
        number("end", math.inf),
        number("fps", 25),
        number("device_scale_factor", 1),
    )
    width, height = number("width", 0) * scale, number("height", 0) * scale
    formats = texts("format")
    uris = [*texts("recording"), *texts("output")]
    problems = []
    if end <= start:
        problems.append(f"end ({end:g} s) must be after start ({start:g} s)")
    if VideoFormat.GIF in formats and fps > MAX_GIF_FPS:
        problems.append(f"fps {fps:g} is too high for a GIF: at most {MAX_GIF_FPS:g}")
    if len(set(formats)) != len(formats):
        problems.append("format names the same format twice")
    if width > MAX_WIDTH or height > MAX_HEIGHT:
        problems.append(
            f"width x height x device_scale_factor is {width:g}x{height:g} pixels: at most {MAX_WIDTH}x{MAX_HEIGHT}"
        )
    problems += [f"{uri!r} must be a URI such as s3://bucket/key" for uri in uris if "://" not in uri]
    return problems
