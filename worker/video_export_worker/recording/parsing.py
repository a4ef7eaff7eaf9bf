"""From the bytes of a recording, in any format, to a `Recording`, and back to bytes in one format."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import zstandard

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.decompression import Meters, decompress
from video_export_worker.recording.events import (
    USER_ACTIVITY,
    Event,
    EventType,
    is_full_snapshot,
    source_of,
    viewport_of,
)
from video_export_worker.recording.formats import WindowEvent, read_events
from video_export_worker.recording.json_stream import JsonReader
from video_export_worker.recording.problems import Problems
from video_export_worker.recording.recording import DEFAULT_VIEWPORT, Recording, RecordingLimits, WindowSummary

COMPRESSION_LEVEL = 3  # zstd's default
NOT_DEEPER = "the recording's pages are nested too deeply to be read; the limit is about 400 elements"


def parse_recording(
    parts: Sequence[bytes | Iterable[bytes]], *, limits: RecordingLimits | None = None, strict: bool = False
) -> Recording:
    """Read a recording.

    Each part is a file of its own, in any of the formats and compressions that `formats` and `decompression` list. The
    events of all parts are put in order of time.

    A session may have several windows. They have one DOM each, with the same node ids, so one replay shows one window:
    the one in which the user did the most, and of equals the one with more events, and then the first. A warning names
    the others.

    The recording begins with its first full snapshot and the Meta event before it: nothing can be shown earlier.

    Args:
        parts: The files, each whole or in chunks.
        limits: By default those of `RecordingLimits`.
        strict: Refuse a recording with broken events instead of skipping them.

    Raises:
        RecordingInvalid: if there is nothing in it that can be replayed, and why.
        RecordingTooLarge: if it passes a limit of bytes.
    """
    limits = limits or RecordingLimits()
    meters = Meters(limits.compressed_bytes, limits.decompressed_bytes)
    problems = Problems(strict=strict)
    with _collector_paused():
        found = list(_read_parts(parts, meters, problems))
    if not found:
        raise RecordingInvalid(_explain_no_events(problems))
    events, windows = _choose_window(found, problems)
    del found
    if len(events) < 2:
        raise RecordingInvalid(
            "the recording holds only one event: a replay needs a full snapshot and what follows it"
            + _mention_first(problems)
        )
    events.sort(key=lambda event: float(event["timestamp"]))
    events = _begin_with_snapshot(events, problems)
    return Recording(events, problems.warnings, windows)


def serialise_recording(recording: Recording) -> bytes:
    """Write the normalised form: a JSON array, compressed with zstd. The same recording gives the same bytes.

    Raises:
        RecordingInvalid: if its pages are nested too deeply.
    """
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True, threads=0).compressobj()
    encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
    written = []
    try:
        for index, event in enumerate(recording.events):
            written.append(compressor.compress((("," if index else "[") + encode(event)).encode("ascii")))
    except RecursionError as error:
        raise RecordingInvalid(NOT_DEEPER) from error
    return b"".join([*written, compressor.compress(b"]"), compressor.flush()])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from walking over a growing recording again and again.

    Decoded JSON has no cycles. With the collector on, 33 MB took 1.15 s of CPU instead of 0.31 s.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_parts(parts: Sequence[bytes | Iterable[bytes]], meters: Meters, problems: Problems) -> Iterator[WindowEvent]:
    for number, part in enumerate(parts, start=1):
        name = "the recording" if len(parts) == 1 else f"part {number}"
        chunks = iter((part,)) if isinstance(part, bytes) else iter(part)
        reader = JsonReader(decompress(chunks, meters, problems, name))
        yield from read_events(reader, meters.decompressed, problems, name)


def _explain_no_events(problems: Problems) -> str:
    if problems.first:
        return f"the recording holds no event that can be replayed; the first problem: {problems.first}"
    return "the recording is empty: it holds no events"


def _mention_first(problems: Problems) -> str:
    """What is missing may be what could not be read."""
    return f" (the first problem in it: {problems.first})" if problems.first else ""


def _choose_window(found: list[WindowEvent], problems: Problems) -> tuple[list[Event], tuple[WindowSummary, ...]]:
    windows: dict[str | None, list[Event]] = {}
    for item in found:
        windows.setdefault(item.window, []).append(item.event)
    playable = [name for name, events in windows.items() if any(map(is_full_snapshot, events))]
    if not playable:
        raise RecordingInvalid(
            f"the recording has no full snapshot among its {len(found)} events, so there is no page to show; "
            "record with rrweb's snapshots on, and give every part of the recording" + _mention_first(problems)
        )

    def rank(name: str | None) -> tuple[int, int]:
        return sum(source_of(event) in USER_ACTIVITY for event in windows[name]), len(windows[name])

    kept = max(playable, key=rank)
    others = [name for name in windows if name != kept]
    if others:
        lost = sum(len(windows[name]) for name in others)
        problems.note(
            f"the recording has {len(windows)} windows; the video shows the one with the most user activity "
            f"({kept}: {len(windows[kept])} events) and leaves out {lost} events of the others"
        )
    summaries = tuple(WindowSummary(name, len(events), name == kept) for name, events in windows.items())
    return windows[kept], summaries


def _begin_with_snapshot(events: list[Event], problems: Problems) -> list[Event]:
    """Drop what comes before the first full snapshot, but for the Meta event that says how large its window is."""
    first = next(index for index, event in enumerate(events) if is_full_snapshot(event))
    snapshot = events[first]
    lost = [event for event in events[:first] if event["type"] == EventType.INCREMENTAL_SNAPSHOT]
    if lost:
        seconds = (float(snapshot["timestamp"]) - float(lost[0]["timestamp"])) / 1000
        problems.note(
            f"the first full snapshot comes {seconds:.1f} s after the first change: "
            f"{len(lost)} events before it cannot be shown"
        )
    meta = next((event for event in reversed(events[:first]) if _is_sized_meta(event)), None)
    meta = meta or _make_meta(events, snapshot, problems)
    if lost:  # nothing is shown until the snapshot, so the recording's time begins with it
        meta = {**meta, "timestamp": snapshot["timestamp"]}
    return [meta, *events[first:]]


def _is_sized_meta(event: Event) -> bool:
    return bool(event["type"] == EventType.META) and viewport_of(event) is not None


def _make_meta(events: list[Event], snapshot: Event, problems: Problems) -> Event:
    """Make the Meta event that the snapshot lacks, with the first size that the recording names at all."""
    width, height = next(filter(None, map(viewport_of, events)), DEFAULT_VIEWPORT)
    problems.note(f"no window size is recorded for the first full snapshot: {width}x{height} is assumed")
    return {
        "type": int(EventType.META),
        "data": {"href": "", "width": width, "height": height},
        "timestamp": snapshot["timestamp"],
    }
