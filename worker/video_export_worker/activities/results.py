"""What activities answer: results made of what was planned, rendered and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from video_export_worker.activities import naming
from video_export_worker.activities.attempt import count
from video_export_worker.assets.gathering import warn_of_missing
from video_export_worker.composing.masks import merge_counts, warn_of_unmatched
from video_export_worker.composing.visibility import merge_colours, warn_of_nothing
from video_export_worker.contract import (
    AssetCounts,
    SegmentResult,
    StoredPlan,
    StoredSegment,
    VideoExportResult,
    VideoObject,
)
from video_export_worker.metrics import Metric
from video_export_worker.storage import StoredObject

if TYPE_CHECKING:
    from video_export_worker.encoding import FinishedVideo


def describe_segment(stored: StoredSegment, *, reused: bool = False) -> SegmentResult:
    """What is told of a segment whose parts are stored; `reused` if an earlier attempt stored them."""
    return SegmentResult(
        count=stored.count, captured=stored.captured, repeated=stored.repeated, rest=stored.rest, reused=reused
    )


@dataclass(frozen=True)
class JoinedVideo:
    """A finished video on this machine's disk.

    Attributes:
        name: its file's name below the output.
        video: what was verified.
        window: name of the window, where each has a video of its own.
        poster: picture of its first frame.
    """

    name: str
    video: FinishedVideo
    window: str | None
    poster: Path


def describe_result(
    stored: StoredPlan,
    segments: Sequence[StoredSegment],
    joined: Sequence[JoinedVideo],
    objects: Mapping[str, StoredObject],
    assets: AssetCounts,
) -> VideoExportResult:
    """The export's result.

    Args:
        stored: the plan.
        segments: what each has come to, in order.
        joined: the finished videos.
        objects: where their files are in the storage, by name.
        assets: what became of linked files.
    """
    masked = merge_counts(segment.masked for segment in segments)
    warnings = [
        *stored.plan.warnings,
        *warn_of_missing(assets),
        *(line for segment in segments for line in segment.warnings),
    ]
    warnings += warn_of_nothing(merge_colours(segment.colours for segment in segments), strict=stored.request.strict)
    return VideoExportResult(
        videos=[_describe_video(video, objects[video.name]) for video in joined],
        poster=objects[naming.POSTER_NAME].uri,
        time_map=stored.plan.time_map,
        captured=sum(segment.captured for segment in segments),
        repeated=sum(segment.repeated for segment in segments),
        masked=masked,
        assets=assets,
        warnings=list(dict.fromkeys([*warnings, *warn_of_unmatched(masked)])),
    )


def _describe_video(joined: JoinedVideo, stored: StoredObject) -> VideoObject:
    video = joined.video
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
        window=joined.window,
    )
