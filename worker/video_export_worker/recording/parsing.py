"""From the bytes of a recording, in any format, to an index and chunks of text: as a stream, never whole in memory.

Two passes. The first splits the files into events, checks each and writes its text into a spool. Then the window that
is shown and the order of time are known, and the second pass reads the spool in that order, fills the index and writes
the chunks.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, Final, Protocol, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.chunks import ChunkList, ChunkStore, lay_chunks
from video_export_worker.recording.decompression import decompress
from video_export_worker.recording.events import Event, encode_event
from video_export_worker.recording.formats import read_events
from video_export_worker.recording.index import RecordingIndex
from video_export_worker.recording.indexing import IndexBuilder, settle_touches
from video_export_worker.recording.json_stream import JsonReader
from video_export_worker.recording.limits import Meters, RecordingLimits, count_values
from video_export_worker.recording.problems import Problems
from video_export_worker.recording.recording import Recording
from video_export_worker.recording.selection import Selection, select
from video_export_worker.recording.spool import Spool
from video_export_worker.recording.wireframes import MobileScreen

SPOOL_MEMORY: Final = 4 * 2**20  # bytes of a spool that is not worth a file
SPOOL_BUFFER: Final = 2**20
PLAIN_ROWS: Final = 4096


class EventObserver(Protocol):
    """Sees events as they are read."""

    def enter(self, chunk: int) -> None:
        """Take note that the events of that chunk follow."""

    def reads(self, kind: int, source: int, text: bytes, event: Event | None) -> bool:
        """Tell whether an event has to be noted, which is decoded if somebody needed that before."""

    def note(self, event: Event) -> None:
        """Take in an event that `reads` has chosen."""


def parse_recording(
    parts: Sequence[bytes | Iterable[bytes]],
    *,
    limits: RecordingLimits | None = None,
    strict: bool = False,
    chunks: ChunkStore | None = None,
    observer: EventObserver | None = None,
) -> Recording:
    """Read a recording.

    Each part is a file of its own, in any of the formats and compressions that `formats` and `decompression` list. The
    events of all parts are put in order of time.

    A session may have several windows. They have one DOM each, with the same node ids, so each is a recording of its
    own, all on one clock (`Recording.session`). What is returned is that of the window in which the user did the most,
    and of equals the one with more events, and then the first.

    A window begins with its first full snapshot and the Meta event before it: nothing can be shown earlier.

    Args:
        parts: The files, each whole or in chunks.
        limits: By default those of `RecordingLimits`.
        strict: Refuse a recording with broken events instead of skipping them.
        chunks: Where the chunks go; by default they stay in memory.
        observer: Sees the events of the recording in their order, apart from those that are not shown.

    Raises:
        RecordingInvalid: if there is nothing in it that can be replayed, and why.
        RecordingTooLarge: if it passes a limit.
    """
    limits = limits or RecordingLimits()
    meters, problems = Meters(limits), Problems(strict=strict)
    chunks = ChunkList() if chunks is None else chunks
    with tempfile.SpooledTemporaryFile(SPOOL_MEMORY, buffering=SPOOL_BUFFER, prefix="spool-") as file:
        spool = Spool(cast("BinaryIO", file), meters)
        _fill(spool, parts, meters, problems)
        session = select(spool, problems)
        start_ms = min(float(selection.meta["timestamp"]) for selection in session.selections)
        indexes: list[RecordingIndex] = []
        for selection in session.selections:
            first_chunk = sum(index.chunks for index in indexes)
            columns: dict[str, Any] = _write_chunks(spool, selection, chunks, first_chunk, start_ms, limits, observer)
            indexes.append(RecordingIndex(start_ms, (), session.windows, **columns, first_chunk=first_chunk))
    index, *others = (replace(index, warnings=tuple(problems.warnings)) for index in indexes)
    return Recording(replace(index, others=tuple(others)), chunks)


def _fill(spool: Spool, parts: Sequence[bytes | Iterable[bytes]], meters: Meters, problems: Problems) -> None:
    screens: dict[str | None, MobileScreen] = {}
    for number, part in enumerate(parts, start=1):
        name = "the recording" if len(parts) == 1 else f"part {number}"
        pieces = iter((part,)) if isinstance(part, bytes) else iter(part)
        reader = JsonReader(decompress(pieces, meters, problems, name), meters.check_event)
        for found in read_events(reader, meters, problems, name, screens):
            spool.add(found, number)


def _write_chunks(
    spool: Spool,
    selection: Selection,
    chunks: ChunkStore,
    first_chunk: int,
    start_ms: float,
    limits: RecordingLimits,
    observer: EventObserver | None,
) -> dict[str, Any]:
    """Write a window's chunks, with numbers from `first_chunk` on, and return the columns of its index."""
    first = encode_event(selection.meta)
    rows = selection.rows
    columns: dict[str, NDArray[Any]] = {
        "kind": np.concatenate([[np.int8(selection.meta["type"])], spool.kind[rows]]),
        "source": np.concatenate([[np.int8(-1)], spool.source[rows]]),
        "size": np.concatenate([[np.uint32(len(first))], spool.size[rows]]),
        "values": np.concatenate([[np.uint32(count_values(first))], spool.values[rows]]),
        "part": np.concatenate([[np.int32(0)], spool.part[rows]]),
        "line": np.concatenate([[np.int64(0)], spool.line[rows]]),
        "byte": np.concatenate([[np.int64(0)], spool.byte[rows]]),
        "window": np.concatenate([[np.int16(selection.window)], spool.window[rows]]),
    }
    stamps = np.concatenate([[float(selection.meta["timestamp"])], spool.stamp[rows]])
    builder = IndexBuilder(start_ms, float(stamps[-1]) - start_ms, limits.nesting)
    chunk_first, chunk_snapshot = lay_chunks(columns["kind"], columns["size"])
    texts = _noted(builder, _and_then(first, spool.read(rows)), stamps, columns["kind"], columns["source"], observer)
    for number, count in enumerate(np.diff(chunk_first, append=len(stamps)), start=first_chunk):
        if observer is not None:
            observer.enter(number)
        chunks.write(number, b"[" + b",\n".join(next(texts) for _ in range(count)) + b"]")
    return {
        "offset_ms": stamps - start_ms,
        "chunk_first": chunk_first,
        "chunk_snapshot": chunk_snapshot,
        "snapshots": np.flatnonzero(columns["kind"] == 2),
        **columns,
        **settle_touches(builder.columns()),
        "most_nodes": builder.most_nodes,
    }


def _noted(
    builder: IndexBuilder,
    texts: Iterator[bytes],
    stamps: NDArray[np.float64],
    kinds: NDArray[np.int8],
    sources: NDArray[np.int8],
    observer: EventObserver | None,
) -> Iterator[bytes]:
    """Pass the texts on, each noted in the index, and shown to the observer."""
    for stamp, kind, source, text in zip(_plain(stamps), _plain(kinds), _plain(sources), texts, strict=True):
        event = decode_event(text) if builder.reads(kind, source) else None
        builder.note(stamp, kind, source, text, event)
        if observer is not None and observer.reads(kind, source, text, event):
            observer.note(event or decode_event(text))
        yield text


def _plain(column: NDArray[Any]) -> Iterator[Any]:
    """Python's own numbers, some at a time: numpy's take several times as long, one by one."""
    for first in range(0, len(column), PLAIN_ROWS):
        yield from column[first : first + PLAIN_ROWS].tolist()


def decode_event(text: bytes) -> Event:
    """Decode an event that was checked before.

    msgspec takes a third of the time of the standard library, and refuses the half characters that JavaScript allows.
    """
    try:
        event: Event = msgspec.json.decode(text)
    except msgspec.DecodeError:
        event = json.loads(text)
    return event


def _and_then(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
