"""How large a video is."""

from __future__ import annotations

import math
from typing import Final

from video_export_worker.contract import MAX_HEIGHT, MAX_WIDTH, VideoExportRequest
from video_export_worker.errors import InvalidRequest

DEFAULT_BOX: Final = (1280, 720)  # CSS pixels: without a wish the recording's size is fitted into this


def choose_size(request: VideoExportRequest, viewport: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the video in device pixels, both even, as H.264 and VP9 with 4:2:0 need them.

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
    return max(2, 2 * math.ceil(round(length, 6) / 2))
