"""Which window of a session is shown when."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from video_export_worker.contract import TimeSpan
from video_export_worker.errors import InvalidRequest
from video_export_worker.planning.timeline import FORGIVEN
from video_export_worker.recording.index import RecordingIndex


@dataclass(frozen=True)
class WindowStretch:
    """From `begin_ms` of the recording on the window of that number is shown, until the next stretch begins."""

    begin_ms: float
    window: int


Schedule = tuple[WindowStretch, ...]
"""Stretches in order of time. Before the first begins nothing is shown: its window is not open yet."""


def follow_user(windows: Sequence[RecordingIndex]) -> Schedule:
    """At each moment the window in which the user was last active, and until then the one that was there first.

    A window is shown from its first full snapshot on at the earliest: what the user did in it before counts then.
    """
    first = min(windows, key=lambda index: (_opens_ms(index), index.number))
    moments = np.concatenate([np.maximum(index.activity, _opens_ms(index)) for index in windows])
    numbers = np.concatenate([np.full(len(index.activity), index.number) for index in windows])
    order = np.argsort(moments, kind="stable")
    numbers, moments = np.append(first.number, numbers[order]), np.append(0.0, moments[order])
    is_last = np.append(moments[1:] > moments[:-1], True)  # of one moment the last one counts
    numbers, moments = numbers[is_last], moments[is_last]
    turns = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
    return tuple(WindowStretch(float(moments[turn]), int(numbers[turn])) for turn in (0, *turns.tolist()))


def show_only(window: RecordingIndex) -> Schedule:
    """One window, from when it opens."""
    return (WindowStretch(window.begin_ms, window.number),)


def find_window(index: RecordingIndex, name: str) -> RecordingIndex:
    """The window of that name.

    Raises:
        InvalidRequest: there is none that can be shown; the message lists those that there are.
    """
    found = next((window for window in index.session if window.name == name), None)
    if found is None:
        names = ", ".join(repr(window.name) for window in index.session if window.name is not None)
        known = f"it has {names}" if names else "it names no windows"
        raise InvalidRequest(f"windows: the recording has no window {name!r} that can be shown: {known}")
    return found


def window_at(schedule: Schedule, at_ms: float) -> int:
    """Number of the window that is shown at a moment of the recording; the first one's where it is not open yet."""
    here = bisect.bisect_right(schedule, at_ms, key=lambda stretch: stretch.begin_ms) - 1
    return schedule[max(0, here)].window


def stretches_between(schedule: Schedule, begin_ms: float, end_ms: float) -> Iterator[tuple[int, float, float]]:
    """Yield what is shown between two moments: the window's number, from when and until when."""
    ends = [stretch.begin_ms for stretch in schedule[1:]] + [math.inf]
    for at, (stretch, end) in enumerate(zip(schedule, ends, strict=True)):
        begin = -math.inf if at == 0 else stretch.begin_ms
        if begin <= end_ms and end > begin_ms:
            yield stretch.window, max(begin, begin_ms), min(end, end_ms)


def name_spans(spans: Sequence[TimeSpan], schedule: Schedule, index: RecordingIndex, end: float) -> list[TimeSpan]:
    """The spans of a video cut where another window is shown, each with the name of its window.

    Args:
        spans: of the video.
        schedule: which window is shown when.
        index: of the recording.
        end: second of the video at which it ends.
    """
    named = []
    for span, until in zip(spans, [*(span.video for span in spans[1:]), end], strict=True):
        reached_ms = (span.recording + (until - span.video) * span.speed) * 1000
        for window, begin_ms, _ in stretches_between(schedule, span.recording * 1000, reached_ms):
            video = span.video + (begin_ms / 1000 - span.recording) / span.speed
            part = span.model_copy(
                update={"video": video, "recording": begin_ms / 1000, "window": index.windows[window].name}
            )
            named.append(part)
    # A stretch that begins where a span ends has no length in it.
    kept = [one for one, following in pairwise(named) if following.video - one.video > FORGIVEN]
    return [*kept, named[-1]]


def _opens_ms(index: RecordingIndex) -> float:
    return float(index.offset_ms[index.snapshots[0]])
