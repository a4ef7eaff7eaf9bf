"""Where a video is cut so that several browsers, or several pods, finish their pieces at the same time.

A piece costs the rendering of its own frames, and the replaying of what happened between the full snapshot that it
begins at and its first frame. What that is can only be guessed before (`frame_work.py`).
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Final

import numpy as np

from video_export_worker.planning.frame_work import FrameWork, estimate_frames
from video_export_worker.planning.timeline import Timeline
from video_export_worker.planning.windows import Schedule, window_at
from video_export_worker.recording.index import RecordingIndex

ROUNDS: Final = 40  # of halving: the cost of a piece is known to a millionth then


class WorkEstimate:
    """Work of a run of frames, in seconds."""

    def __init__(self, work: FrameWork) -> None:
        self._render: list[float] = [0.0, *np.cumsum(work.render).tolist()]
        self._before: list[float] = work.before.tolist()

    def of(self, frames: range) -> float:
        """Seconds to replay what comes before the frames and to render them."""
        return self._before[frames.start] + self.of_frames(frames)

    def of_frames(self, frames: range) -> float:
        """Seconds to render the frames, without what comes before them."""
        return self._render[frames.stop] - self._render[frames.start]

    def cut(self, frames: range, pieces: int) -> list[range]:
        """At most so many pieces, of which the longest takes as little time as possible."""
        low, high = 0.0, self.of(frames) + max(self._before)
        best = [frames]
        for _ in range(ROUNDS):
            limit = (low + high) / 2
            cut = self._cut_within(frames, pieces, limit)
            if cut is None:
                low = limit
            else:
                best, high = cut, limit
        return best if max(map(self.of, best)) <= self.of(frames) else [frames]

    def _cut_within(self, frames: range, pieces: int, limit: float) -> list[range] | None:
        """Pieces of at most `limit` seconds each; None if so many are not enough."""
        cut: list[range] = []
        start = frames.start
        while start < frames.stop and len(cut) < pieces:
            reach = self._render[start] + limit - self._before[start]
            stop = min(frames.stop, bisect.bisect_right(self._render, reach) - 1)
            if stop <= start:
                return None
            cut.append(range(start, stop))
            start = stop
        return cut if start == frames.stop else None


def estimate_work(recording: RecordingIndex, timeline: Timeline) -> WorkEstimate:
    """How much work each frame is, as far as the recording's index tells."""
    return WorkEstimate(estimate_frames(recording, timeline))


def estimate_session(windows: Mapping[int, RecordingIndex], schedule: Schedule, timeline: Timeline) -> WorkEstimate:
    """How much work each frame is where windows are shown in turn.

    What happened in a window while another one was shown is replayed at the frame that shows it again.
    """
    if len({stretch.window for stretch in schedule}) == 1:
        return estimate_work(windows[schedule[0].window], timeline)
    shown = np.array([window_at(schedule, timeline.recording_ms(frame)) for frame in range(timeline.frames)])
    render, before = np.zeros(len(shown)), np.zeros(len(shown))
    for number in np.unique(shown).tolist():
        work = estimate_frames(windows[number], timeline)
        mine = np.flatnonzero(shown == number)
        hidden = np.diff(work.before[mine], prepend=0.0)
        hidden = np.where(hidden < 0, work.before[mine], hidden)  # it begins anew, at a later full snapshot
        is_turn = np.diff(mine, prepend=-1) > 1
        render[mine] = work.render[mine] + np.where(is_turn, hidden, 0.0)
        before[mine] = work.before[mine]
    return WorkEstimate(FrameWork(render, before))
