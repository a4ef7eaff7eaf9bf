"""Writes a window's chunks and its index from the spool, when it is known which events are shown and in which order.

Of a recording of hours a video may show seconds. What no frame of it can show is neither written nor looked into: a
replay begins at the last full snapshot before the range.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.recording.chunks import ChunkStore, lay_chunks
from video_export_worker.recording.events import Event, EventType, Source, encode_event
from video_export_worker.recording.index import RecordingIndex
from video_export_worker.recording.indexing import IndexBuilder, settle_touches
from video_export_worker.recording.limits import RecordingLimits, count_values
from video_export_worker.recording.page_starts import find_starts, tell_page
from video_export_worker.recording.selection import Selection, SessionSelection
from video_export_worker.recording.spool import Spool

PLAIN_ROWS: Final = 4096
# They change the page and nothing else. Others tell of the pointer, of sizes or of the user, or outlive the page.
_PAGE_SOURCES: Final = (
    Source.MUTATION,
    Source.STYLE_SHEET_RULE,
    Source.CANVAS_MUTATION,
    Source.STYLE_DECLARATION,
    Source.ADOPTED_STYLE_SHEET,
)


class EventObserver(Protocol):
    """Sees events as they are read."""

    def enter(self, chunk: int) -> None:
        """Take note that the events of that chunk follow."""

    def reads(self, kind: int, source: int, text: bytes, event: Event | None) -> bool:
        """Tell whether an event has to be noted, which is decoded if somebody needed that before."""

    def note(self, event: Event) -> None:
        """Take in an event that `reads` has chosen."""


class ShownRange(NamedTuple):
    """What a video shows of a recording, in milliseconds since the recording's start."""

    begin_ms: float = 0.0
    end_ms: float = math.inf


WHOLE: Final = ShownRange()


@dataclass
class WindowWriter:
    """Writes one window.

    Attributes:
        spool: Has the events.
        session: All windows.
        selection: The window's events.
        start_ms: Timestamp of the recording's first moment.
        first_chunk: Number of the window's first chunk.
        limits: Of the pages' nesting.
        shown: What is needed of the recording.
    """

    spool: Spool
    session: SessionSelection
    selection: Selection
    start_ms: float
    first_chunk: int
    limits: RecordingLimits
    shown: ShownRange = WHOLE
    _meta: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._meta = encode_event(self.selection.meta)

    def write(self, chunks: ChunkStore, observer: EventObserver | None) -> RecordingIndex:
        """Write the chunks that are needed, and return the index.

        Args:
            chunks: Where they go.
            observer: Sees the events that the video can show.

        Raises:
            RecordingInvalid: a page is nested too deeply.
        """
        index = self._look_at(self._needed_chunks(self._begin_chunk), observer)
        beginning = choose_beginning(index, self.shown.begin_ms)
        if beginning.chunk < self._begin_chunk:  # its page keeps frames from the time before
            index = self._look_at(self._needed_chunks(0), observer)
            beginning = choose_beginning(index, self.shown.begin_ms)
        needed = self._needed_chunks(beginning.chunk)
        needed[list(beginning.font_chunks)] = True
        self._write_chunks(np.flatnonzero(needed).tolist(), chunks)
        return index

    @cached_property
    def _columns(self) -> dict[str, NDArray[Any]]:
        """What is known of each event from the first pass, the Meta event before the others."""
        spool, rows = self.spool, self.selection.rows
        first: dict[str, Any] = {
            "kind": np.int8(self.selection.meta["type"]),
            "source": np.int8(-1),
            "size": np.uint32(len(self._meta)),
            "values": np.uint32(count_values(self._meta)),
            "part": np.int32(0),
            "line": np.int64(0),
            "byte": np.int64(0),
            "window": np.int16(self.selection.window),
        }
        return {name: np.concatenate([[value], getattr(spool, name)[rows]]) for name, value in first.items()}

    @cached_property
    def _stamps(self) -> NDArray[np.float64]:
        stamp: float = self.selection.meta["timestamp"]
        return np.concatenate([[float(stamp)], self.spool.stamp[self.selection.rows]])

    @cached_property
    def _layout(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Ordinal of the first event of each chunk, and whether it begins at a full snapshot."""
        return lay_chunks(self._columns["kind"], self._columns["size"])

    @cached_property
    def _begin_chunk(self) -> int:
        """The last chunk at which the replay of the range may begin, as far as can be told without looking into it."""
        firsts, begins = self._layout
        snapshots = np.flatnonzero(self._columns["kind"] == EventType.FULL_SNAPSHOT)
        taken = self._stamps[snapshots[np.searchsorted(snapshots, firsts[begins])]] - self.start_ms
        return int(np.flatnonzero(begins)[max(0, int(np.searchsorted(taken, self.shown.begin_ms, side="right")) - 1)])

    def _needed_chunks(self, begin: int) -> NDArray[np.bool_]:
        """Which chunks a replay from this chunk to the end of the range needs."""
        firsts, _ = self._layout
        needed = self._stamps[firsts] - self.start_ms <= self.shown.end_ms
        needed[:begin] = False
        needed[begin] = True
        return needed

    def _look_at(self, needed: NDArray[np.bool_], observer: EventObserver | None) -> RecordingIndex:
        """Build the index; of what is not needed, only what tells more than how the page looked."""
        kind, source = self._columns["kind"], self._columns["source"]
        is_page = (kind == EventType.FULL_SNAPSHOT) | np.isin(source, _PAGE_SOURCES)
        rows = self.selection.rows
        brings_frames = np.concatenate([[False], self.spool.brings_frames[rows]])
        follows_frames = np.concatenate([[False], self.spool.brings[rows]]) & bool(brings_frames.any())
        counts = np.diff(self._layout[0], append=len(kind))
        looked = np.repeat(needed, counts) | ~is_page | follows_frames
        snapshots = np.flatnonzero(kind == EventType.FULL_SNAPSHOT)
        taken_ms = self._stamps[snapshots] - self.start_ms
        builder = IndexBuilder(self.start_ms, float(self._stamps[-1]) - self.start_ms, self.limits.nesting, taken_ms)
        pages = np.concatenate([[np.int64(tell_page(self.selection.meta))], self.spool.page[rows]])
        chosen = np.flatnonzero(looked)
        chunk = self.first_chunk + np.repeat(np.arange(len(counts)), counts)
        plain = (_plain(column[chosen]) for column in (chunk, self._stamps, kind, source))
        entered = -1
        for number, stamp, kind_code, source_code, text in zip(*plain, self._texts(chosen), strict=True):
            if observer is not None and number != entered:
                observer.enter(number)
                entered = number
            event = decode_event(text) if builder.reads(kind_code, source_code) else None
            builder.note(stamp, kind_code, source_code, text, event)
            if observer is not None and observer.reads(kind_code, source_code, text, event):
                observer.note(event or decode_event(text))
        columns: dict[str, Any] = {**self._columns, **settle_touches(builder.columns())}
        return RecordingIndex(
            self.start_ms,
            (),
            self.session.windows,
            offset_ms=self._stamps - self.start_ms,
            chunk_first=self._layout[0],
            chunk_snapshot=self._layout[1],
            snapshots=snapshots,
            page_starts=find_starts(kind, pages),
            **columns,
            most_nodes=builder.most_nodes,
            first_chunk=self.first_chunk,
        )

    def _write_chunks(self, numbers: list[int], chunks: ChunkStore) -> None:
        firsts = [*self._layout[0].tolist(), len(self._stamps)]
        for number in numbers:
            texts = self._texts(np.arange(firsts[number], firsts[number + 1]))
            chunks.write(self.first_chunk + number, b"[" + b",\n".join(texts) + b"]")

    def _texts(self, ordinals: NDArray[np.intp]) -> Iterator[bytes]:
        """The texts of events."""
        if len(ordinals) and ordinals[0] == 0:
            yield self._meta
            ordinals = ordinals[1:]
        yield from self.spool.read(self.selection.rows[ordinals - 1])


def decode_event(text: bytes) -> Event:
    """Decode an event that was checked before.

    msgspec takes a third of the time of the standard library, and refuses the half characters that JavaScript allows.
    """
    try:
        event: Event = msgspec.json.decode(text)
    except msgspec.DecodeError:
        event = json.loads(text)
    return event


def _plain(column: NDArray[Any]) -> Iterator[Any]:
    """Python's own numbers, some at a time: numpy's take several times as long, one by one."""
    for first in range(0, len(column), PLAIN_ROWS):
        yield from column[first : first + PLAIN_ROWS].tolist()
