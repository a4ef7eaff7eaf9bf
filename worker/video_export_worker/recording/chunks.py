"""Chunks: the events of a recording as text, some MiB each, in their order.

A chunk is a JSON array of whole events. It begins at a full snapshot (with the Meta event before it), so that a replay
can begin there, or it continues the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.events import EventType
from video_export_worker.recording.index import RecordingIndex

CHUNK_BYTES: Final = 4 * 2**20  # of text; one huge message would stall the browser's pipe
# A full snapshot that comes this soon after a chunk's begin does not begin another: a recorder that takes one with
# every click would make thousands of objects in the storage.
SMALLEST_CHUNK: Final = 64 * 2**10


class ReplaySource(Protocol):
    """What a renderer reads of a recording."""

    @property
    def index(self) -> RecordingIndex:
        """What there is to know without the events."""

    def texts(self, first: int, stop: int) -> Iterator[str]:
        """Yield the chunks from `first` up to but not including `stop`: JSON arrays of events, not decoded."""


class ChunkStore(Protocol):
    """Where chunks are kept."""

    def write(self, number: int, text: bytes) -> None:
        """Keep a chunk; they come in order."""

    def read(self, number: int) -> str:
        """Return a chunk's text."""


@dataclass(frozen=True)
class ChunkFolder:
    """Chunks as files of a folder."""

    folder: Path

    def path(self, number: int) -> Path:
        """Where a chunk is."""
        return self.folder / chunk_name(number)

    def write(self, number: int, text: bytes) -> None:
        """Write a file."""
        self.path(number).write_bytes(text)

    def read(self, number: int) -> str:
        """Read a file."""
        return self.path(number).read_text("utf-8")


@dataclass(frozen=True)
class ChunkTexts:
    """Chunks in memory, for small recordings."""

    chunks: dict[int, bytes] = field(default_factory=dict)

    def write(self, number: int, text: bytes) -> None:
        """Keep a chunk."""
        self.chunks[number] = text

    def read(self, number: int) -> str:
        """Decode a chunk."""
        return self.chunks[number].decode()


class NoChunks:
    """For those who want the index only."""

    def write(self, number: int, text: bytes) -> None:
        """Drop the chunk."""

    def read(self, number: int) -> str:
        """There is nothing."""
        raise KeyError(number)


def chunk_name(number: int) -> str:
    """File name of a chunk."""
    return f"chunk-{number:05d}.json"


def chunk_number(path: Path) -> int:
    """Number of the chunk that a file holds."""
    return int(path.stem.removeprefix("chunk-"))


def lay_chunks(kind: NDArray[Any], size: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Decide where chunks begin.

    Args:
        kind: Type of each event.
        size: Bytes of each event's text.

    Returns:
        Ordinal of the first event of each chunk, and whether the chunk begins at a full snapshot.
    """
    is_snapshot = kind == EventType.FULL_SNAPSHOT
    # A Meta event and the snapshot behind it stay together.
    is_joined = is_snapshot & np.concatenate([[False], kind[:-1] == EventType.META])
    heads = np.flatnonzero(~is_joined)
    ends = np.cumsum(np.add.reduceat(size.astype(np.int64), heads))
    begins = is_snapshot[heads] | np.append(is_joined, False)[heads + 1]
    firsts = list(_lay_units(ends, np.flatnonzero(begins)))
    return heads[firsts], begins[firsts]


def _lay_units(ends: NDArray[np.int64], begins: NDArray[np.int64]) -> Iterator[int]:
    """Yield the first unit of each chunk.

    Args:
        ends: Bytes of all units up to and with each one.
        begins: Units that begin at a full snapshot.
    """
    first = 0
    while first < len(ends):
        yield first
        before = int(ends[first - 1]) if first else 0
        full = max(first + 1, int(np.searchsorted(ends, before + CHUNK_BYTES, side="right")))
        soonest = int(np.searchsorted(ends, before + SMALLEST_CHUNK, side="left")) + 1
        position = int(np.searchsorted(begins, soonest))
        first = min(full, int(begins[position])) if position < len(begins) else full
