"""Whether a video shows anything: pages that have one colour all the time show nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from video_export_worker.errors import NothingVisible
from video_export_worker.pictures import Picture

MANY: Final = -1  # stands for the colours of a picture that has several


def colour_of(picture: Picture) -> int:
    """The colour of a picture as 0xRRGGBB, `MANY` if it has several."""
    pixels = picture.view(np.uint32)
    first = int(pixels.flat[0])
    return first & 0xFFFFFF if bool((pixels == first).all()) else MANY  # BGRA in the order of little-endian bytes


def merge_colours(colours: Iterable[Iterable[int]]) -> tuple[int, ...]:
    """The colours of several runs of frames; two of them say as much as more."""
    return tuple(sorted({colour for run in colours for colour in run})[:2])


def warn_of_nothing(colours: Iterable[int], *, strict: bool) -> list[str]:
    """A warning if all that was painted is one colour.

    Args:
        colours: of all pictures that were captured (`colour_of`).
        strict: refuse such a video.

    Raises:
        NothingVisible: `strict`, and nothing is to be seen.
    """
    seen = set(colours)
    if len(seen) != 1 or MANY in seen:
        return []
    message = (
        f"nothing is to be seen: every frame of the page is #{seen.pop():06x}; "
        "look at the range, at mask_selectors, and whether the recording holds the page's content and styles"
    )
    if strict:
        raise NothingVisible(message)
    return [message]
