"""Turns pictures into the planes that encoders take, only where they differ from the picture before.

Of a page a few rows change at a time, and converting a whole picture costs more than reading or comparing it. A band of
rows converts to the very values that it has in the whole picture if it has a margin for the chroma filter and begins
at a multiple of the dither pattern's height.
"""

from __future__ import annotations

from typing import Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
DITHER: Final = 16  # rows after which the dither pattern repeats, of chroma too
REACH: Final = 8  # rows to each side that a row has a part in: the chroma filter's
QUALITY: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND


class Yuv420:
    """The picture shown last as 8 bit planes, BT.709 in limited range, chroma at half the size."""

    def __init__(self, width: int, height: int) -> None:
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self._planes = [_rows_of(plane) for plane in self.frame.planes]
        self._converter = VideoReformatter()
        self._shown: Picture | None = None

    def show(self, picture: Picture) -> None:
        """Make `frame` show `picture` (height x width x 4, BGRA, contiguous)."""
        top, bottom = changed_rows(self._shown, picture)
        self._shown = picture
        if top == bottom:
            return
        height = picture.shape[0]
        keep_from, keep_until = _widen(top - REACH, bottom + REACH, height)
        first, last = _widen(keep_from - REACH, keep_until + REACH, height)
        band = av.VideoFrame.from_numpy_buffer(picture[first:last], format="bgra")
        converted = self._converter.reformat(
            band,
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
            interpolation=QUALITY,
            threads=1,
        )
        for target, plane, shrunk in zip(self._planes, converted.planes, (1, 2, 2), strict=True):
            rows, offset = slice(keep_from // shrunk, keep_until // shrunk), first // shrunk
            target[rows] = _rows_of(plane)[rows.start - offset : rows.stop - offset]


def _widen(top: int, bottom: int, height: int) -> tuple[int, int]:
    """Rows that begin and end with the dither pattern, or with the picture."""
    return max(0, top - top % DITHER), min(height, bottom + -bottom % DITHER)


def changed_rows(before: Picture | None, after: Picture) -> tuple[int, int]:
    """First row that differs and the one after the last; equal if none does."""
    if before is None:
        return 0, after.shape[0]
    differing = np.flatnonzero((before.view(np.uint32) != after.view(np.uint32)).any(axis=(1, 2)))
    return (int(differing[0]), int(differing[-1]) + 1) if len(differing) else (0, 0)


def _rows_of(plane: av.video.plane.VideoPlane) -> Picture:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
