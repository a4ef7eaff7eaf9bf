"""Into how many segments a video is cut, for as many pods: short ones, unless replaying would be too dear.

Every segment replays, unseen, what lies between the full snapshot before it and its first frame. Where snapshots are
rare that is dear, and more so with each segment: then there are fewer of them, and longer ones.
"""

from __future__ import annotations

import math
from typing import Final

from video_export_worker.planning.work_estimate import WorkEstimate

SEGMENT_WORK: Final = 30.0  # seconds of one core that a segment takes, as far as can be told before
MAX_SEGMENTS: Final = 1000
MAX_RESTS: Final = 32  # into which the rest of one segment is cut
# All segments together, against one piece. The frames of plain pages take a third of what is estimated: with them it
# is 1.4.
MOST_WORK: Final = 1.15


def cut_segments(work: WorkEstimate, frames: range, *, slowness: float = 1.0, most: int = MAX_SEGMENTS) -> list[range]:
    """Cut frames into segments.

    Args:
        work: of the video.
        frames: to cut.
        slowness: seconds that a second of estimated work takes.
        most: segments.
    """
    whole = work.of(frames)
    best, enough, too_many = [frames], 1, min(most, math.ceil(whole * slowness / SEGMENT_WORK)) + 1
    pieces = too_many - 1
    while enough < pieces < too_many:
        cut = work.cut(frames, pieces)
        if sum(map(work.of, cut)) <= MOST_WORK * whole:
            best, enough = cut, pieces
        else:
            too_many = pieces
        pieces = (enough + too_many) // 2
    return best


def cut_rest(work: WorkEstimate, rendered: range, seconds: float, rest: range) -> list[range]:
    """Cut what is left of a run, as slow as it has turned out to be.

    Args:
        work: of the video.
        rendered: frames of the run that are rendered.
        seconds: that they took.
        rest: the frames after them; may be empty.
    """
    if not rest:
        return []
    return cut_segments(work, rest, slowness=seconds / work.of_frames(rendered), most=MAX_RESTS)
