"""From the bytes of a recording, in any format, to an index and chunks of text: as a stream, never whole in memory.

Two passes. The first splits the files into events, checks each and writes its text into a spool. Then the window that
is shown and the order of time are known, and the second pass (`window`) reads the spool in that order, fills the index
and writes the chunks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, cast

from video_export_worker.recording.chunks import ChunkStore, ChunkTexts
from video_export_worker.recording.decompression import decompress
from video_export_worker.recording.formats import read_events
from video_export_worker.recording.index import RecordingIndex
from video_export_worker.recording.json_stream import JsonReader
from video_export_worker.recording.limits import Meters, RecordingLimits
from video_export_worker.recording.plain_events import decode_object
from video_export_worker.recording.problems import Problems
from video_export_worker.recording.recording import Recording
from video_export_worker.recording.selection import select
from video_export_worker.recording.spool import Spool
from video_export_worker.recording.window import WHOLE, EventObserver, ShownRange, WindowWriter
from video_export_worker.recording.wireframes import MobileScreen

SPOOL_MEMORY: Final = 4 * 2**20  # bytes of a spool that is not worth a file
SPOOL_BUFFER: Final = 2**20


def parse_recording(
    parts: Sequence[bytes | Iterable[bytes]],
    *,
    limits: RecordingLimits | None = None,
    strict: bool = False,
    chunks: ChunkStore | None = None,
    observer: EventObserver | None = None,
    shown: ShownRange = WHOLE,
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
        shown: What a video shows of it. Chunks that no frame of it needs are not written; the index has all events, and
            of those that only change such a page their type, time and size.

    Raises:
        RecordingInvalid: if there is nothing in it that can be replayed, and why.
        RecordingTooLarge: if it passes a limit.
    """
    limits = limits or RecordingLimits()
    meters, problems = Meters(limits), Problems(strict=strict)
    chunks = ChunkTexts() if chunks is None else chunks
    with tempfile.SpooledTemporaryFile(SPOOL_MEMORY, buffering=SPOOL_BUFFER, prefix="spool-") as file:
        spool = Spool(cast("BinaryIO", file), meters)
        _fill(spool, parts, meters, problems)
        session = select(spool, problems)
        start_ms = min(float(selection.meta["timestamp"]) for selection in session.selections)
        if len(session.selections) > 1:  # which window is shown depends on what happened before
            shown = WHOLE
        indexes: list[RecordingIndex] = []
        for selection in session.selections:
            first_chunk = sum(index.chunks for index in indexes)
            writer = WindowWriter(spool, session, selection, start_ms, first_chunk, limits, shown)
            indexes.append(writer.write(chunks, observer))
    index, *others = (replace(index, warnings=tuple(problems.warnings)) for index in indexes)
    return Recording(replace(index, others=tuple(others)), chunks)


def _fill(spool: Spool, parts: Sequence[bytes | Iterable[bytes]], meters: Meters, problems: Problems) -> None:
    screens: dict[str | None, MobileScreen] = {}
    for number, part in enumerate(parts, start=1):
        name = "the recording" if len(parts) == 1 else f"part {number}"
        pieces = iter((part,)) if isinstance(part, bytes) else iter(part)
        reader = JsonReader(decompress(pieces, meters, problems, name), meters.check_event, decode_object)
        for found in read_events(reader, meters, problems, name, screens):
            spool.add(found, number)
