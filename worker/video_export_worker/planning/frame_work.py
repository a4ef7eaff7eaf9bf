"""How much work each frame of a video is, as far as a recording's index tells.

Frames with events are stepped through, and so are those at which something on the page moves by itself. Most of these,
and those at which the pointer moves, show another picture; the others repeat the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording.events import EventType, Source
from video_export_worker.recording.index import RecordingIndex
from video_export_worker.recording.motion import Motion

# Seconds of one core at 1280x720, all processes together: `python -m benchmarks.rendering.estimates` compares.
STEP: Final = 0.009  # the page is moved and painted
SHOW: Final = 0.019  # a picture is captured or gets another pointer, and is encoded
PLAY: Final = 0.045  # a clip is moved
REPEAT: Final = 0.00002  # a frame that is like the one before
REPLAY: Final = 0.0006  # an event is replayed unseen at its own time
REPLAY_JOINED: Final = 0.00016  # the same, together with others: replay/player.py
BUILD_BYTE: Final = 1.0e-7  # building a full snapshot, for each byte of it; a mutation's nodes cost the same
APART_MS: Final = 60_000.0  # before a piece's first frame nothing is joined
TRAIL_MS: Final = 400.0  # the pointer's trail changes the picture about so long after it moved
# What moves for a moment after an event that may begin it, and the share of such frames that show it.
TRANSITION_MS: Final = 300.0
TURNING: Final = 0.6
PICTURE_SHOWN: Final = 0.35  # frames of the video in which an animated picture goes on
# What moves until something else is shown.
ENDLESS: Final = (Motion.ANIMATION, Motion.SMIL, Motion.CLIP)
# What makes a replay go event by event, once a recording has it.
AGEING: Final = (Motion.KEYFRAMES, Motion.SMIL, Motion.CLIP, Motion.CANVAS)
SEEN: Final = (
    Source.MUTATION,
    Source.SCROLL,
    Source.VIEWPORT_RESIZE,
    Source.INPUT,
    Source.MEDIA_INTERACTION,
    Source.STYLE_SHEET_RULE,
    Source.CANVAS_MUTATION,
    Source.STYLE_DECLARATION,
    Source.SELECTION,
    Source.ADOPTED_STYLE_SHEET,
)
STIRRING: Final = (Source.MUTATION, Source.MOUSE_MOVE, Source.MOUSE_INTERACTION, Source.INPUT, Source.TOUCH_MOVE)

Seconds = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class FrameWork:
    """Work of each frame of a video, in seconds of one core.

    Attributes:
        render: to render it.
        before: to replay, unseen, what happens before it, if it is the first of a piece.
    """

    render: Seconds
    before: Seconds


def estimate_frames(recording: RecordingIndex, timeline: Timeline) -> FrameWork:
    """Estimate the work of each frame."""
    times = np.array([timeline.recording_ms(frame) for frame in range(timeline.frames)])
    reached = np.searchsorted(recording.offset_ms, times, side="right")
    apart = _add_up(np.where(recording.kind == EventType.FULL_SNAPSHOT, recording.size * BUILD_BYTE, REPLAY))
    replay = np.diff(apart[reached], prepend=apart[reached[0]])
    return FrameWork(replay + _show(recording, times, reached), _replay_before(recording, times, reached, apart))


def _show(recording: RecordingIndex, times: Seconds, reached: NDArray[np.int64]) -> Seconds:
    """Seconds to step through the frames, and to show what changed."""
    pages = _Pages(recording, times)
    has_event = np.diff(reached, prepend=reached[0]) > 0
    endless = np.logical_or.reduce([pages.moves(kind) for kind in ENDLESS])
    picture = pages.moves(Motion.PICTURE)
    turning = TURNING * (pages.moves(Motion.TRANSITION) & (_since(recording, STIRRING, times) <= TRANSITION_MS))
    stepped = np.maximum(has_event | _after(has_event) | endless | picture, turning)
    seen = np.diff(_count(recording, SEEN, times), prepend=0) > 0
    shown = np.maximum(seen | endless | (_since_last(recording.pointer_ms, times) <= TRAIL_MS), turning)
    shown = np.maximum(shown, PICTURE_SHOWN * picture)
    shown[0] = stepped[0] = 1  # what is there at first
    work: Seconds = REPEAT + STEP * stepped + SHOW * shown + PLAY * pages.moves(Motion.CLIP)
    return work


def _replay_before(recording: RecordingIndex, times: Seconds, reached: NDArray[np.int64], apart: Seconds) -> Seconds:
    """Seconds to replay from the full snapshot that leads to each frame up to the frame before it."""
    ageing = recording.moving_ms[np.isin(recording.moving_kind, AGEING)]
    is_joined = recording.offset_ms < (ageing[0] if len(ageing) else np.inf)
    is_joined &= recording.kind != EventType.FULL_SNAPSHOT
    saved = _add_up(np.where(is_joined, REPLAY - REPLAY_JOINED, 0.0))
    firsts = np.concatenate([[0], recording.chunk_first[recording.chunk_snapshot]])
    begun = firsts[np.maximum(np.searchsorted(recording.offset_ms[firsts], times, side="right") - 1, 0)]
    stop = np.maximum(np.concatenate([[0], reached[:-1]]), begun)
    joined = np.clip(np.searchsorted(recording.offset_ms, times - APART_MS, side="right"), begun, stop)
    before: Seconds = apart[stop] - apart[begun] - (saved[joined] - saved[begun])
    return before


class _Pages:
    """Which page each frame shows, told by the full snapshots, and what moves on it."""

    def __init__(self, recording: RecordingIndex, times: Seconds) -> None:
        self._recording = recording
        self._times = times
        snapshots = recording.offset_ms[recording.snapshots]
        page = np.searchsorted(snapshots, times, side="right")
        self._since = np.concatenate([[-np.inf], snapshots])[page]

    def moves(self, kind: Motion) -> Flags:
        """For each frame whether its page has got content of this kind and has it still."""
        came = self._last(kind)
        gone = self._last(Motion.STILL) if kind == Motion.ANIMATION else -np.inf
        found: Flags = (came >= self._since) & (came > gone) & np.isfinite(came)
        return found

    def _last(self, kind: Motion) -> Seconds:
        return _last(self._recording.moving_ms[self._recording.moving_kind == kind], self._times)


def _count(recording: RecordingIndex, sources: tuple[Source, ...], times: Seconds) -> NDArray[np.int64]:
    """For each time how many events of these sources there are up to it."""
    return np.searchsorted(recording.offset_ms[np.isin(recording.source, sources)], times, side="right")


def _since(recording: RecordingIndex, sources: tuple[Source, ...], times: Seconds) -> Seconds:
    """For each time the milliseconds since the last event of these sources."""
    return _since_last(recording.offset_ms[np.isin(recording.source, sources)], times)


def _since_last(moments: Seconds, times: Seconds) -> Seconds:
    return times - _last(moments, times)


def _last(moments: Seconds, times: Seconds) -> Seconds:
    """For each time the last of the ascending moments up to it; before all time where there is none."""
    found: Seconds = np.concatenate([[-np.inf], moments])[np.searchsorted(moments, times, side="right")]
    return found


def _after(flags: Flags) -> Flags:
    """The frames after those with a flag: what settles late settles there."""
    return np.concatenate([[False], flags[:-1]])


def _add_up(work: Seconds) -> Seconds:
    return np.concatenate([[0.0], np.cumsum(work)])
