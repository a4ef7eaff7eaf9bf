"""Which moment of the recording each frame of the video shows.

A frame stands at the grid of the video's rate and shows the recording as it is at that very time. A video of a whole
recording has one more frame than fits between its ends, so that its last frame shows the end; a range that was asked
for with `end` has exactly the frames that fit.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from video_export_worker.contract import SkipInactivity, TimeSpan, VideoExportRequest
from video_export_worker.errors import NothingToRender, RecordingTooLarge

FORGIVEN = 1e-6  # of a frame: 2.04 s at 25 fps is 51 frames, whatever binary fractions make of it
# Around a stretch that is cut or sped up this much stays as it was, so that a viewer sees what led into it.
IDLE_MARGIN_MS = 1000.0


@dataclass(frozen=True)
class Timeline:
    """Frames of the video against times of the recording.

    Attributes:
        fps: frames a second.
        frames: how many frames the video has.
        spans: stretches of even speed, in order; times in seconds.
        end_ms: time of the recording that no frame goes beyond.
        shows_end: the last frame shows `end_ms`, even where the grid ends a little before it.
    """

    fps: Fraction
    frames: int
    spans: tuple[TimeSpan, ...]
    end_ms: float
    shows_end: bool

    def recording_ms(self, frame: int) -> float:
        """Milliseconds since the recording's start that `frame` shows."""
        if self.shows_end and frame == self.frames - 1:
            return self.end_ms
        video = frame * self.fps.denominator / self.fps.numerator  # as exact as the fraction, and ten times as fast
        span = self.spans[max(0, bisect.bisect_right(self.spans, video + 1e-9, key=lambda span: span.video) - 1)]
        at_ms = (span.recording + (video - span.video) * span.speed) * 1000
        # Microseconds: a binary fraction below 2720 ms must not keep an event of 2720 ms from its frame.
        return min(self.end_ms, round(at_ms, 3))


def rate(fps: float) -> Fraction:
    """The rate as a fraction that containers can hold: 29.97 is 2997/100."""
    return Fraction(fps).limit_denominator(1001)


def restore_timeline(spans: Sequence[TimeSpan], frames: int, fps: float, end_ms: float, shows_end: bool) -> Timeline:
    """The timeline of a plan that was stored."""
    return Timeline(rate(fps), frames, tuple(spans), end_ms, shows_end)


def build_timeline(
    request: VideoExportRequest,
    duration_ms: float,
    idle: Sequence[tuple[float, float]],
    max_video_seconds: float,
    begin_ms: float = 0.0,
) -> Timeline:
    """Lay out the video.

    Args:
        request: range, rate, speed and what to do with idle stretches.
        duration_ms: length of the recording.
        idle: stretches without user activity, in milliseconds since the recording's start.
        max_video_seconds: limit of the video's length.
        begin_ms: when there is something to show.

    Raises:
        NothingToRender: the range begins after the recording's end.
        RecordingTooLarge: the video would be longer than the limit.
    """
    start_ms = max(request.start * 1000, begin_ms)
    end_ms = duration_ms if request.end is None else min(request.end * 1000, duration_ms)
    if end_ms < begin_ms <= duration_ms:
        raise NothingToRender(
            f"end is {request.end:g} s, but there is nothing to show before {begin_ms / 1000:g} s: choose a later end"
        )
    if start_ms > end_ms or (start_ms == end_ms and request.start > 0):
        raise NothingToRender(
            f"start is {request.start:g} s, but the recording is {duration_ms / 1000:g} s long: choose an earlier start"
        )
    spans, seconds = _lay_spans(request, start_ms, end_ms, idle)
    if seconds > max_video_seconds:
        raise RecordingTooLarge(
            f"the video would be {seconds / 3600:.1f} h long, the limit is {max_video_seconds / 3600:g} h: "
            "choose a range, a higher speed or skip_inactivity"
        )
    fps = rate(request.fps)
    shows_end = end_ms == duration_ms
    slots = seconds * float(fps)
    frames = math.floor(slots + FORGIVEN) + 1 if shows_end else max(1, math.ceil(slots - FORGIVEN))
    return Timeline(fps, frames, tuple(spans), end_ms, shows_end)


def _lay_spans(
    request: VideoExportRequest, start_ms: float, end_ms: float, idle: Sequence[tuple[float, float]]
) -> tuple[list[TimeSpan], float]:
    """Spans of the range and the seconds of video that they make."""
    spans: list[TimeSpan] = []
    video = 0.0
    for begin, finish, speed in _pieces(request.skip_inactivity, start_ms, end_ms, idle):
        pace = request.speed * speed
        if math.isinf(pace):
            continue
        spans.append(TimeSpan(video=video, recording=begin / 1000, speed=pace))
        video += (finish - begin) / 1000 / pace
    return spans or [TimeSpan(video=0, recording=start_ms / 1000, speed=request.speed)], video


def _pieces(
    skip: SkipInactivity | None, start_ms: float, end_ms: float, idle: Sequence[tuple[float, float]]
) -> list[tuple[float, float, float]]:
    """The range as (begin, end, relative speed), an infinite speed where it is cut out."""
    if skip is None:
        return [(start_ms, end_ms, 1.0)]
    fast = math.inf if skip.mode == "cut" else skip.speed
    pieces = []
    at = start_ms
    for begin, finish in idle:
        begin, finish = max(at, begin + IDLE_MARGIN_MS), min(end_ms, finish - IDLE_MARGIN_MS)
        if finish <= begin:
            continue
        pieces += [(at, begin, 1.0)] * (begin > at) + [(begin, finish, fast)]
        at = finish
    return pieces + [(at, end_ms, 1.0)] * (end_ms > at or not pieces)
