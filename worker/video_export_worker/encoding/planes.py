"""Turns pictures into the planes that encoders take, only where they differ from the picture before.

Of a page a few rows change at a time, and converting a whole picture costs more than reading or comparing it. A band of
rows converts to the very values that it has in the whole picture if it has a margin for the chroma filter and begins
at a multiple of the dither pattern's height.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from video_export_worker.pictures import Picture, Rows

DITHER: Final = 16  # rows after which the dither pattern repeats, of chroma too
REACH: Final = 8  # rows to each side that a row has a part in: the chroma filter's
# Not ACCURATE_RND: it takes half as long again, and moves chroma by a sixteenth of a step.
QUALITY: Final = Interpolation.BICUBIC


class Yuv420:
    """The picture shown last as 8 bit planes, BT.709 in limited range, chroma at half the size."""

    def __init__(self, width: int, height: int) -> None:
        self.frame = av.VideoFrame(width, height, "yuv420p")
        self._planes = [_rows_of(plane) for plane in self.frame.planes]
        # One for each height: it would set itself up anew whenever that changes.
        self._converters: dict[int, VideoReformatter] = defaultdict(VideoReformatter)

    def show(self, picture: Picture, changed: Rows | None = None) -> None:
        """Make `frame` show a picture.

        Args:
            picture: height x width x 4, BGRA, contiguous.
            changed: for each row whether it may differ from the picture shown before; None: any may.
        """
        height = picture.shape[0]
        for keep_from, keep_until in _bands(np.ones(height, bool) if changed is None else changed):
            first, last = max(0, keep_from - DITHER), min(height, keep_until + REACH)
            band = av.VideoFrame.from_numpy_buffer(picture[first:last], format="bgra")
            converted = self._converters[last - first].reformat(
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


def _bands(changed: Rows) -> Iterator[tuple[int, int]]:
    """First row and the one after the last of each band to convert: whole dither patterns, with all in reach."""
    height = len(changed)
    steps = np.zeros(-(-height // DITHER) * DITHER, bool)
    steps[:height] = changed
    reaching: Rows = np.any(steps.reshape(-1, REACH), axis=1)
    touched: Rows = reaching.copy()
    touched[1:] |= reaching[:-1]
    touched[:-1] |= reaching[1:]
    edges = np.flatnonzero(np.diff(touched.reshape(-1, DITHER // REACH).any(axis=1), prepend=False, append=False))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield start * DITHER, min(height, stop * DITHER)


def copy_frame(frame: av.VideoFrame) -> av.VideoFrame:
    """A frame with memory of its own."""
    copy = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for target, plane in zip(copy.planes, frame.planes, strict=True):
        _rows_of(target)[:] = _rows_of(plane)
    return copy


def pack_bgr0(picture: Picture) -> av.VideoFrame:
    """The picture (height x width x 4, BGRA, opaque) as a frame with memory of its own."""
    height, width = picture.shape[:2]
    frame = av.VideoFrame(width, height, "bgr0")
    rows = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(height, -1)
    rows[:, : width * 4] = picture.reshape(height, -1)
    return frame


def _rows_of(plane: av.video.plane.VideoPlane) -> Picture:
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]
