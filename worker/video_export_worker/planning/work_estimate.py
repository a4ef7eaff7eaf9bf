"""Where a video is cut so that several browsers, or several pods, finish their pieces at the same time.

A piece costs the rendering of its own frames, and the replaying of what happened between the full snapshot that it
begins at and its first frame. What that is can only be guessed before: frames with events are rendered, and so are
those at which something on the page moves by itself; the others mostly repeat.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording.events import EventType
from video_export_worker.recording.index import RecordingIndex
from video_export_worker.recording.motion import Motion

# Seconds of one core's work, measured at 1280x720: rendering, capturing and encoding a frame that changes, the mean
# over frames that do not, and replaying an event unseen.
RENDER: Final = 0.010
REPEAT: Final = 0.0003
REPLAY: Final = 0.0005
BUILD_BYTE: Final = 1.0e-7  # building a full snapshot, for each byte of it; a mutation's nodes cost the same
# What moves until something else is shown, and what moves for a moment after each event.
ENDLESS: Final = (Motion.ANIMATION, Motion.SMIL, Motion.PICTURE, Motion.CLIP)
TRANSITION_MS: Final = 300.0
ROUNDS: Final = 40  # of halving: the cost of a piece is known to a millionth then

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class FrameWork:
    """Work of each frame of a video.

    Attributes:
        render: seconds to render it.
        replay: seconds to replay, unseen, what happens from the frame before up to it.
        begins: the frame from which a replay begins that leads to it, at a full snapshot: 0 where there is none before.
    """

    render: Seconds
    replay: Seconds
    begins: NDArray[np.int64]


class WorkEstimate:
    """Work of a run of frames, in seconds."""

    def __init__(self, work: FrameWork) -> None:
        self._render: list[float] = [0.0, *np.cumsum(work.render).tolist()]
        replay = np.concatenate([[0.0], np.cumsum(work.replay)])
        frames = np.arange(len(work.begins))
        # What is replayed before a frame that a piece begins with: from the snapshot up to the frame before.
        self._before: list[float] = (replay[frames] - replay[np.minimum(work.begins, frames)]).tolist()

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
    times = np.array([timeline.recording_ms(frame) for frame in range(timeline.frames)])
    reached = np.searchsorted(recording.offset_ms, times, side="right")
    events = np.diff(reached, prepend=0)
    events[0] = 1  # what lies before the first frame is replayed, whoever renders it
    cost = np.where(recording.kind == EventType.FULL_SNAPSHOT, recording.size * BUILD_BYTE, REPLAY)
    total = np.concatenate([[0.0], np.cumsum(cost)])
    begun, begin_ms = _begin(recording, times)
    replay = np.diff(total[reached], prepend=total[begun[0]])
    changes = (events > 0) | _moves(recording, times)
    render = np.where(changes, RENDER, REPEAT) + replay
    render[0] -= replay[0]
    return WorkEstimate(FrameWork(render, replay, np.searchsorted(times, begin_ms, side="left")))


def _begin(recording: RecordingIndex, times: Seconds) -> tuple[NDArray[np.int64], Seconds]:
    """For each time the event that a replay to it begins with, and that event's time."""
    firsts = np.concatenate([[0], recording.chunk_first[recording.chunk_snapshot]])
    found = firsts[np.maximum(np.searchsorted(recording.offset_ms[firsts], times, side="right") - 1, 0)]
    return found, recording.offset_ms[found]


def _moves(recording: RecordingIndex, times: Seconds) -> NDArray[np.bool_]:
    """For each frame whether something moves by itself: since it came, up to the next full snapshot."""
    snapshots = recording.offset_ms[recording.snapshots]
    page = np.searchsorted(snapshots, times, side="right")
    endless = recording.moving_ms[np.isin(recording.moving_kind, ENDLESS)]
    came = np.searchsorted(endless, times, side="right")
    # Of the pages, the one that brought the content last is still shown.
    shown = (came > 0) & (np.searchsorted(snapshots, _last(endless, came), side="right") == page)
    turning = recording.moving_ms[recording.moving_kind == Motion.TRANSITION]
    settling = _last(recording.offset_ms, np.searchsorted(recording.offset_ms, times, side="right"))
    moves: NDArray[np.bool_] = shown | ((len(turning) > 0) & (times - settling <= TRANSITION_MS))
    return moves


def _last(moments: Seconds, count: NDArray[np.int64]) -> Seconds:
    """For each count of moments the last of them; a time before all where there is none."""
    found: Seconds = np.concatenate([[-np.inf], moments])[count]
    return found
