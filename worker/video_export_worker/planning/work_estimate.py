"""Where a video is cut so that several browsers, or several pods, finish their pieces at the same time.

A piece costs the rendering of its own frames and the replaying of all that came before them. What a frame costs can
only be guessed before it is rendered: those with events are rendered, the others mostly repeat.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Final

from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording.index import RecordingIndex

# Seconds of one core's work, measured at 1280x720: rendering, capturing and encoding a frame with events, the mean
# over frames without, and replaying a frame's events unpainted.
RENDER: Final = 0.010
REPEAT: Final = 0.0003
REPLAY: Final = 0.0012
ROUNDS: Final = 40  # of halving: the cost of a piece is known to a millionth then


class WorkEstimate:
    """Work of a run of frames, in seconds."""

    def __init__(self, busy: Sequence[bool]) -> None:
        """`busy` says of each frame of the video whether an event falls into it."""
        self._render = [0.0, *itertools.accumulate(RENDER if is_busy else REPEAT for is_busy in busy)]
        self._replay = [0.0, *itertools.accumulate(REPLAY if is_busy else 0.0 for is_busy in busy)]

    def of(self, frames: range) -> float:
        """Seconds to replay what comes before the frames and to render them."""
        return self._replay[frames.start] + self._render[frames.stop] - self._render[frames.start]

    def cut(self, frames: range, pieces: int) -> list[range]:
        """At most so many pieces, of which the longest takes as little time as possible."""
        low, high = 0.0, self.of(frames)
        best = [frames]
        for _ in range(ROUNDS):
            limit = (low + high) / 2
            cut = self._cut_within(frames, pieces, limit)
            if cut is None:
                low = limit
            else:
                best, high = cut, limit
        return best

    def _cut_within(self, frames: range, pieces: int, limit: float) -> list[range] | None:
        """Pieces of at most `limit` seconds each; None if so many are not enough."""
        cut: list[range] = []
        start = frames.start
        while start < frames.stop and len(cut) < pieces:
            reach = self._render[start] + limit - self._replay[start]
            stop = min(frames.stop, bisect.bisect_right(self._render, reach) - 1)
            if stop <= start:
                return None
            cut.append(range(start, stop))
            start = stop
        return cut if start == frames.stop else None


def estimate_work(recording: RecordingIndex, timeline: Timeline) -> WorkEstimate:
    """How much work each frame is, as far as the recording's events tell."""
    busy = [False] * timeline.frames
    times = recording.offset_ms.tolist()
    before = 0
    for index in range(timeline.frames):
        reached = bisect.bisect_right(times, timeline.recording_ms(index))
        busy[index], before = reached > before, max(before, reached)
    return WorkEstimate(busy)
