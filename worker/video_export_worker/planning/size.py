"""How large a video is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from video_export_worker.contract import MAX_HEIGHT, MAX_WIDTH, VideoExportRequest, ViewportChoice
from video_export_worker.errors import InvalidRequest
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording.index import RecordingIndex

DEFAULT_BOX: Final = (1280, 720)  # CSS pixels: without a wish the recording's size is fitted into this


@dataclass(frozen=True)
class ShownViewport:
    """A size of the page, and when it is shown.

    Attributes:
        begin_ms: offset in the recording.
        end_ms: offset in the recording.
        size: width and height in CSS pixels.
    """

    begin_ms: float
    end_ms: float
    size: tuple[int, int]


def list_viewports(index: RecordingIndex, begin_ms: float, end_ms: float) -> list[ShownViewport]:
    """The sizes of a recording's page between two moments, in order."""
    found = []
    ends = [at for at, _, _ in index.viewports[1:]] + [math.inf]
    for (at, width, height), end in zip(index.viewports, ends, strict=True):
        if at < end_ms and end > begin_ms:
            found.append(ShownViewport(max(at, begin_ms), min(end, end_ms), (width, height)))
    return found


def choose_viewport(request: VideoExportRequest, shown: Sequence[ShownViewport], timeline: Timeline) -> tuple[int, int]:
    """The size of the page that the video is made for: the one that is seen longest, or the largest that is seen.

    Of equals it is the larger one. Where the video shows one moment only, it is the size at that moment.
    """
    begins = _seconds_of_video(timeline, [one.begin_ms for one in shown])
    ends = _seconds_of_video(timeline, [one.end_ms for one in shown])
    seen: defaultdict[tuple[int, int], float] = defaultdict(float)
    for viewport, begin, end in zip(shown, begins, ends, strict=True):
        seen[viewport.size] += end - begin
    visible = {size: seconds for size, seconds in seen.items() if seconds > 0}
    if not visible:
        at_ms = timeline.recording_ms(0)
        return next((one.size for one in reversed(shown) if one.begin_ms <= at_ms), shown[0].size)
    by_area = max(visible, key=lambda size: (size[0] * size[1], visible[size]))
    if request.viewport is ViewportChoice.LARGEST:
        return by_area
    return max(visible, key=lambda size: (round(visible[size], 3), size[0] * size[1]))


def _seconds_of_video(timeline: Timeline, moments_ms: Sequence[float]) -> list[float]:
    """Seconds of the video that come before these moments of the recording."""
    recording, video = [], []
    ends = [*(span.video for span in timeline.spans[1:]), timeline.frames / float(timeline.fps)]
    for span, end in zip(timeline.spans, ends, strict=True):
        recording += [span.recording * 1000, (span.recording + (end - span.video) * span.speed) * 1000]
        video += [span.video, end]
    seconds: list[float] = np.interp(moments_ms, recording, video).tolist()
    return seconds


def choose_size(request: VideoExportRequest, viewport: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the video in device pixels, both even, as H.264 and VP9 with 4:2:0 need them.

    An odd side loses a pixel, or the page is stretched by less than one: there is no line of background at its edge.

    One given length decides the other by the recording's shape; without any the recording's size is fitted into
    1280x720 and never enlarged.

    Raises:
        InvalidRequest: the length that follows from the given one is more than a video may have.
    """
    page_width, page_height = viewport
    if request.width and request.height:
        width, height = float(request.width), float(request.height)
    elif request.width:
        width, height = request.width, page_height * request.width / page_width
    elif request.height:
        width, height = page_width * request.height / page_height, request.height
    else:
        fit = min(1.0, DEFAULT_BOX[0] / page_width, DEFAULT_BOX[1] / page_height)
        width, height = page_width * fit, page_height * fit
    size = _even(width * request.device_scale_factor), _even(height * request.device_scale_factor)
    # A page may be upright, so either side may be the long one.
    if max(size) > MAX_WIDTH or size[0] * size[1] > MAX_WIDTH * MAX_HEIGHT:
        raise InvalidRequest(
            f"the page is {page_width}x{page_height} pixels, so this request makes a video of {size[0]}x{size[1]}: "
            f"at most {MAX_WIDTH} a side and {MAX_WIDTH * MAX_HEIGHT:,} pixels; give a smaller width or height, or both"
        )
    return size


def _even(length: float) -> int:
    return max(2, 2 * math.ceil(round(length, 6) / 2 - 0.5))  # the nearest; of two the smaller
