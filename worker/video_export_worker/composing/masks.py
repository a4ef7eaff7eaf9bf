"""Masks: opaque boxes over what is not to be seen, drawn on the captured picture, where no page can undo them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from video_export_worker.pictures import Picture, Rows

BLACK: Final = (0, 0, 0, 255)
MARGIN: Final = 1  # device pixels around a box: text is antialiased across the edges of its own

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in device pixels of the video; right and bottom are outside."""
Rectangle = tuple[float, float, float, float]
"""x, y, width and height in CSS pixels of the recorded page."""


def place_masks(
    rectangles: Iterable[Rectangle], viewport: tuple[float, float, float], ratio: float, size: tuple[int, int]
) -> tuple[Box, ...]:
    """The boxes that cover these rectangles, each once, in order.

    Args:
        rectangles: in the recorded page.
        viewport: where the recorded page is on the stage: x, y in CSS pixels, and its scale.
        ratio: device pixels per CSS pixel.
        size: width and height of the video.
    """
    left, top, scale = viewport

    def place(rectangle: Rectangle) -> Box:
        x, y, width, height = rectangle
        edges = (left + x * scale, top + y * scale, left + (x + width) * scale, top + (y + height) * scale)
        first = [math.floor(edge * ratio) - MARGIN for edge in edges[:2]]
        last = [math.ceil(edge * ratio) + MARGIN for edge in edges[2:]]
        return (max(0, first[0]), max(0, first[1]), min(size[0], last[0]), min(size[1], last[1]))

    placed = {place(rectangle) for rectangle in rectangles}
    return tuple(sorted(box for box in placed if box[0] < box[2] and box[1] < box[3]))


def draw_masks(picture: Picture, boxes: Iterable[Box]) -> Picture:
    """A copy of the picture with the boxes on it; the picture itself if there are none."""
    drawn = picture
    for left, top, right, bottom in boxes:
        if drawn is picture:
            drawn = picture.copy()
        drawn[top:bottom, left:right] = BLACK
    return drawn


def rows_of_masks(boxes: Iterable[Box], height: int) -> Rows:
    """For each row of a picture whether `draw_masks` draws on it."""
    rows = np.zeros(height, bool)
    for _, top, _, bottom in boxes:
        rows[top:bottom] = True
    return rows


def merge_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """For each mask selector the most elements that it has covered at once, in any of these runs."""
    merged: dict[str, int] = {}
    for masked in counts:
        for selector, count in masked.items():
            merged[selector] = max(count, merged.get(selector, 0))
    return merged


def warn_of_unmatched(masked: Mapping[str, int]) -> list[str]:
    """A line for each mask selector that has covered nothing: it may have been written for another page."""
    return [f"mask_selectors: {selector!r} matched no element" for selector, count in masked.items() if not count]
