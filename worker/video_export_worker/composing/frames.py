"""Makes frames of what was captured: draws on it, and knows where a frame differs from the one before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from video_export_worker.composing.masks import Box, draw_masks, rows_of_masks
from video_export_worker.composing.pointer import PointerMarks, draw_marks, rows_of_marks
from video_export_worker.pictures import Picture, Rows


@dataclass(frozen=True)
class Shot:
    """What a frame is made of.

    Attributes:
        index: number of the frame in the whole video.
        page: the page as it was captured last; the same object as long as it has not changed.
        marks: the pointer's, to be drawn on it.
        masks: what is covered, below the pointer.
    """

    index: int
    page: Picture
    marks: PointerMarks
    masks: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Frame:
    """A frame that differs from the one before it.

    Attributes:
        index: number of the frame in the whole video.
        picture: opaque.
        changed: for each row whether it may differ from the frame before.
    """

    index: int
    picture: Picture
    changed: Rows


def paint_plain(width: int, height: int, colour: str) -> Picture:
    """A picture of one colour, which is written as `#rrggbb`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return np.full((height, width, 4), (blue, green, red, 255), np.uint8)


class FrameComposer:
    """Composes the frames of one video, in order; `scale` is device pixels per CSS pixel."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._before: Shot | None = None

    def compose(self, shot: Shot) -> Frame | None:
        """The frame of a shot, or None if it looks like the one before."""
        before, self._before = self._before, shot
        changed = _changed_rows(None if before is None else before.page, shot.page)
        if before is not None and before.marks != shot.marks:
            for marks in (before.marks, shot.marks):
                changed |= rows_of_marks(marks, self._scale, len(changed))
        if before is not None and before.masks != shot.masks:
            changed |= rows_of_masks((*before.masks, *shot.masks), len(changed))
        if not changed.any():
            return None
        return Frame(shot.index, draw_marks(draw_masks(shot.page, shot.masks), shot.marks, self._scale), changed)


def _changed_rows(before: Picture | None, after: Picture) -> Rows:
    if before is None:
        return np.ones(len(after), bool)
    if before is after:
        return np.zeros(len(after), bool)
    # Pixel by pixel instead of byte by byte: four times as fast.
    changed: Rows = (before.view(np.uint32) != after.view(np.uint32)).any(axis=(1, 2))
    return changed
