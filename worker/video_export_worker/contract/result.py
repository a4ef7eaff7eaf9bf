"""What a client gets: the result of an export, and how far it is while it runs."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from video_export_worker.contract.assets import AssetCounts
from video_export_worker.contract.request import VideoFormat
from video_export_worker.contract.values import TolerantValue

PROGRESS_QUERY: Final = "progress"


class TimeSpan(TolerantValue):
    """A stretch in which recording time runs evenly against video time.

    At video second `video` the recording stands at second `recording`; from there it runs `speed` times as fast.
    """

    video: float
    recording: float
    speed: float
    window: str | None = Field(
        default=None, description="Name of the window that is shown; none where the recording names none."
    )


class Progress(TolerantValue):
    """What the `progress` query answers and what heartbeats carry."""

    phase: Literal["queued", "planning", "rendering", "assembling", "done"] = "queued"
    segments: int = 0
    segments_done: int = 0
    frames: int = 0
    frames_done: int = 0
    seconds_left: float | None = Field(default=None, description="Estimate of the seconds until the export is done.")


class VideoObject(TolerantValue):
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
    window: str | None = Field(default=None, description="Name of the window, where each has a video of its own.")


class ManifestObject(TolerantValue):
    """An object of a manifest."""

    name: str = Field(description="Below the output's prefix.")
    size: int = Field(description="Bytes.")
    sha256: str


class VideoExportResult(TolerantValue):
    """What a finished export returns."""

    videos: list[VideoObject]
    poster: str | None = Field(None, description="URI of a PNG of the first frame.")
    time_map: list[TimeSpan]
    captured: int
    repeated: int
    masked: dict[str, int] = Field(
        default_factory=dict, description="For each mask selector how many elements it has covered at once, at most."
    )
    assets: AssetCounts = Field(
        default_factory=AssetCounts, description="What became of linked images, fonts and style sheets."
    )
    warnings: list[str]


class Manifest(TolerantValue):
    """`manifest.json` beside the videos, written when all of them are there."""

    export_id: str
    objects: list[ManifestObject] = Field(description="Everything of the export that lies beside the manifest.")
    result: VideoExportResult = Field(description="What the export returned.")
