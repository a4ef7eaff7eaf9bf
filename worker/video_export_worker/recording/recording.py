"""A recording that can be replayed: its index, and where its events' text is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from video_export_worker.recording.chunks import ChunkFolder, ChunkStore
from video_export_worker.recording.events import Event
from video_export_worker.recording.index import RecordingIndex, WindowSummary
from video_export_worker.recording.index_file import INDEX_NAME, load_index
from video_export_worker.recording.mouse import MouseClick, MouseMove


@dataclass(frozen=True)
class Recording:
    """A window's recording: a Meta event with its size, a full snapshot, and what happened since. A `ReplaySource`.

    It is the window in which the user did the most; `session` has the others.
    """

    index: RecordingIndex
    chunks: ChunkStore

    def texts(self, first: int, stop: int) -> Iterator[str]:
        """Yield the chunks from `first` up to but not including `stop`: JSON arrays of events, not decoded."""
        base = self.index.first_chunk
        return map(self.chunks.read, range(base + first, base + stop))

    @property
    def session(self) -> dict[int, Recording]:
        """The recordings of all windows that can be shown, by the numbers of the windows."""
        return {index.number: Recording(index, self.chunks) for index in self.index.session}

    @property
    def events(self) -> list[Event]:
        """Every event decoded: for small recordings, since it takes several times the memory of the text."""
        return [event for text in self.texts(0, self.index.chunks) for event in json.loads(text)]

    @property
    def start_ms(self) -> float:
        """Timestamp of the recording's first moment, in milliseconds since 1970."""
        return self.index.start_ms

    @property
    def duration_ms(self) -> float:
        """Milliseconds from the first event to the last."""
        return self.index.duration_ms

    @property
    def viewport(self) -> tuple[int, int]:
        """Width and height of the page in CSS pixels at the start."""
        return self.index.viewport

    @property
    def viewports(self) -> list[tuple[float, int, int]]:
        """The sizes of the page as (offset in ms, width, height)."""
        return self.index.viewports

    @property
    def activity_ms(self) -> list[float]:
        """Offsets in ms at which the user did something, in order."""
        return self.index.activity_ms

    @property
    def mouse(self) -> list[MouseMove | MouseClick]:
        """Everything the pointer did, in order of time."""
        return self.index.mouse

    @property
    def has_canvas(self) -> bool:
        """True if a canvas appears anywhere."""
        return self.index.has_canvas

    @property
    def warnings(self) -> list[str]:
        """What was skipped, missing or assumed."""
        return list(self.index.warnings)

    @property
    def windows(self) -> tuple[WindowSummary, ...]:
        """The windows of the session."""
        return self.index.windows

    def find_idle(self, threshold_s: float) -> list[tuple[float, float]]:
        """List the stretches of at least `threshold_s` seconds without user activity, in ms."""
        return self.index.find_idle(threshold_s)


def open_recording(folder: Path) -> Recording:
    """Open the recording of an artefact folder; only the index is read."""
    return Recording(load_index(folder / INDEX_NAME), ChunkFolder(folder))
