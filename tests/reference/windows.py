"""What each frame of a session with several windows has to look like: each window by itself, cut together.

The session is split into one recording for each window before anything of the product sees it, and which window the
user was in is found out here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from tests.reference.browser import Picture, reference_frames
from video_export_worker.contract import TimeSpan
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording import parse_recording
from video_export_worker.rendering.options import RenderOptions
from video_export_worker.replay.settings import ChromiumSettings

BY_THE_USER = {1, 2, 3, 4, 5, 6, 7, 12}  # sources: moves, clicks, scrolling, sizes, typing, touch, media, dragging


@dataclass(frozen=True)
class Session:
    """Events of each window, in order of time."""

    windows: dict[str, list[dict[str, Any]]]

    @property
    def start(self) -> float:
        """Timestamp of the first event."""
        return min(float(events[0]["timestamp"]) for events in self.windows.values())

    def as_file(self) -> bytes:
        """JSON lines of windows and events, in order of time."""
        lines = [(event["timestamp"], name, event) for name, events in self.windows.items() for event in events]
        return "\n".join(
            json.dumps([name, event]) for _, name, event in sorted(lines, key=lambda line: line[0])
        ).encode()

    def window_at(self, at_ms: float) -> str:
        """The window in which the user was last active."""
        done = [(float(events[0]["timestamp"]), -1, name) for name, events in self.windows.items()]
        (begin, _, first) = min(done)
        used = [(begin, 0, first)]
        for name, events in self.windows.items():
            for event in events:
                if event["type"] == 3 and event["data"]["source"] in BY_THE_USER:
                    late = [position["timeOffset"] for position in event["data"].get("positions", [])]
                    used += [(event["timestamp"] + offset, 1, name) for offset in (late or [0])]
        return max((use for use in used if use[0] - self.start <= at_ms), key=lambda use: use[:2])[2]


async def reference_of_windows(
    session: Session, timeline: Timeline, options: RenderOptions, *, chromium: ChromiumSettings
) -> AsyncIterator[Picture]:
    """Every frame of a video that follows the user."""
    shown = [session.window_at(timeline.recording_ms(frame)) for frame in range(timeline.frames)]
    for name, group in groupby(range(timeline.frames), key=lambda frame: shown[frame]):
        frames: Sequence[int] = list(group)
        events = session.windows[name]
        late = float(events[0]["timestamp"]) - session.start
        spans = tuple(
            TimeSpan(video=span.video, recording=span.recording - late / 1000, speed=span.speed)
            for span in timeline.spans
        )
        own = replace(timeline, spans=spans, end_ms=timeline.end_ms - late)
        recording = parse_recording([json.dumps(events).encode()])
        run = range(frames[0], frames[-1] + 1)
        async for _, picture in reference_frames(recording, own, options, run, chromium=chromium):
            yield picture
