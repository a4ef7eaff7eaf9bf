"""What each frame of a session with several windows has to look like: each window by itself, cut together.

The session is split into one recording for each window before anything of the product sees it, and which window the
user was in is found out here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

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

    @classmethod
    def read(cls, path: Path) -> Session | None:
        """A session from JSON lines of windows and events, or None if the file is another recording."""
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        if not text.startswith('["'):
            return None
        pairs = [json.loads(line) for line in text.splitlines()]
        windows: dict[str, list[dict[str, Any]]] = {}
        for name, event in sorted(pairs, key=lambda pair: pair[1]["timestamp"]):
            windows.setdefault(name, []).append(event)
        return cls(windows)

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

    def shown_at(self, at_ms: float, only: str | None) -> str | None:
        """The window that a video shows, if it is there."""
        if only is None:
            return self.window_at(at_ms)
        return only if at_ms >= float(self.windows[only][0]["timestamp"]) - self.start else None


async def reference_of_windows(
    session: Session, timeline: Timeline, options: RenderOptions, *, chromium: ChromiumSettings, only: str | None = None
) -> AsyncIterator[Picture]:
    """Every frame of a video that follows the user, or that shows `only` one window: nothing before it is there."""
    shown = [session.shown_at(timeline.recording_ms(frame), only) for frame in range(timeline.frames)]
    for name, group in groupby(range(timeline.frames), key=lambda frame: shown[frame]):
        frames: Sequence[int] = list(group)
        if name is None:
            colour = tuple(bytes.fromhex(options.background[1:]))[::-1]
            for _ in frames:
                yield np.full((options.height, options.width, 4), (*colour, 255), np.uint8)
            continue
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
