"""Reads the events of a recording's file, in any of the formats that products keep them in.

- a JSON array of events, an object with such an array as `events` or `snapshots`, or JSON lines;
- events as JSON text, or packed by rrweb's `pack`, or both one in the other (Amplitude);
- rows and pages of an API around events, whatever their fields are called (`envelopes`);
- PostHog's lines `["window", event]` and `{"window_id": ..., "data": [event, ...]}`, its ingestion
  (`$snapshot_items`), its pages by window, and its exports, whose events carry a `windowId`; the fields that its
  recorder compresses (`cv: "2024-10"`);
- Sentry's segments: a line `{"segment_id": 0}` before an array, which may be compressed (`decompression`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.checks import check_event, name_kind
from video_export_worker.recording.envelopes import BY_WINDOW, unwrap
from video_export_worker.recording.events import EventType, brings_nodes, encode_event, source_of
from video_export_worker.recording.foreign import ACCEPTED, name_event, name_text
from video_export_worker.recording.json_stream import BrokenJson, BrokenValue, JsonReader, Place
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.packing import open_fields
from video_export_worker.recording.page_starts import tell_page
from video_export_worker.recording.pieces import Pieces
from video_export_worker.recording.plain_events import PlainEvent
from video_export_worker.recording.problems import BrokenEvent, Problems
from video_export_worker.recording.wireframes import MobileScreen

SEGMENT_HEADER: Final = "segment_id"  # the only field of the line before a segment of Sentry's

_INCREMENTAL: Final = int(EventType.INCREMENTAL_SNAPSHOT)
_ENVELOPE_BYTES: Final = 4096
_SCALAR: Final = rb'"(?:[^"\\]|\\.)*"|[-+.\deE]+|true|false|null'
_FLAT: Final = rb"(?:%b|\{[^{}\[\]]*\}|\[[^{}\[\]]*\])" % _SCALAR
# An object that is no event, up to a member; what a custom event holds is nobody's envelope.
_OPEN: Final = rb'\{\s*(?:"(?!type"|timestamp")[^"\\]*"\s*:\s*%b\s*,\s*)*' % _FLAT
# An object around one long list of events, which is read element by element.
_ENVELOPE: Final = re.compile(
    rb'%b(?:"(?:events|snapshots)"|(?P<nested>"data"\s*:\s*%b"snapshots"'
    rb'|"properties"\s*:\s*%b"\$snapshot_(?:items|data)"))\s*:\s*(?=\[)' % (_OPEN, _OPEN, _OPEN)
)
_WINDOWS: Final = re.compile(
    rb'%b(?P<nested>"result"\s*:\s*%b)?"%b"\s*:\s*\{\s*(?!\})' % (_OPEN, _OPEN, BY_WINDOW.encode())
)
_NAMED_WINDOW: Final = re.compile(rb'"(?:\$?window_id|windowId)"\s*:\s*("(?:[^"\\]|\\.)*+")')
_WINDOW_AND_EVENT: Final = re.compile(rb'\[\s*"(?:[^"\\]|\\.)*+"\s*,\s*[\[{]')


class WindowEvent(NamedTuple):
    """An event of a file.

    Attributes:
        window: The browser window it was recorded in; None where the format names none.
        stamp: Its timestamp, in milliseconds since 1970.
        kind: Its type.
        source: Its source, None if it has none.
        brings: Whether it brings nodes into the page.
        page: What it tells of the page (`tell_page`).
        text: The event alone, as UTF-8.
        place: Where it stands in the file, or what it was wrapped in.
    """

    window: str | None
    stamp: float
    kind: int
    source: int | None
    brings: bool
    page: int
    text: bytes
    place: Place


class _Value(NamedTuple):
    """A value of the file, which is an event or has events in it."""

    place: Place
    value: Any
    window: str | None = None


def read_events(
    reader: JsonReader, meters: Meters, problems: Problems, name: str, screens: dict[str | None, MobileScreen]
) -> Iterator[WindowEvent]:
    """Yield the events of one decompressed file in the file's order.

    Args:
        reader: The file.
        meters: Count what is decompressed inside of events.
        problems: Told of what is skipped, and of what is left out of events.
        name: What messages call the file.
        screens: Of mobile apps, by window; they go on in the next file.

    Raises:
        RecordingInvalid: if it is not JSON, or a recording of another kind.
        RecordingTooLarge: if the limit is passed.
    """
    pieces = Pieces(meters)
    for found in _read_values(reader, problems, name):
        if found.value.__class__ is PlainEvent:
            if not _has_screen(screens, found.window):
                yield _take_plain(found, reader.encoded)
                continue
            found = found._replace(value=msgspec.json.decode(reader.encoded))
        try:
            for inner in unwrap(found.value, meters, name, pieces):
                window = inner.window or found.window
                if window not in screens:
                    screens[window] = MobileScreen()
                text = reader.encoded if inner.value is found.value else None
                try:
                    event, text = _open(inner.value, text, meters, screens[window])
                    mended = check_event(event)
                except BrokenEvent as error:
                    problems.skip(f"{name}, {found.place}", str(error))
                    continue
                if product := name_event(event):
                    raise RecordingInvalid(f"{name} is {product}; {ACCEPTED}")
                for hole in mended.holes:
                    problems.mend(f"{name}, {found.place}", f"{name_kind(event)}: {hole}")
                if text is None or mended.is_changed:
                    text = encode_event(event)
                kind, source = event["type"], source_of(event)
                brings, page = brings_nodes(event), tell_page(event)
                yield WindowEvent(window, event["timestamp"], kind, source, brings, page, text, found.place)
        except BrokenEvent as error:
            problems.skip(f"{name}, {found.place}", str(error))
    if pieces.incomplete:
        problems.damage(name, f"{pieces.incomplete} events came in pieces of which some are missing")
    if reader.replaced:
        problems.damage(name, "not UTF-8 everywhere: what cannot be read is shown as \N{REPLACEMENT CHARACTER}")


def _has_screen(screens: dict[str | None, MobileScreen], window: str | None) -> bool:
    """Tell whether the window shows a mobile app, whose events are drawn."""
    screen = screens.get(window)
    return screen is not None and screen.is_on


def _take_plain(found: _Value, text: bytes) -> WindowEvent:
    event: PlainEvent = found.value
    return WindowEvent(found.window, event.timestamp, _INCREMENTAL, event.data.source, False, 0, text, found.place)


def _open(value: Any, text: bytes | None, meters: Meters, screen: MobileScreen) -> tuple[Any, bytes | None]:
    """Undo what a recorder did to an event; its text only if that is still the event's.

    Raises:
        BrokenEvent: it cannot be undone.
        RecordingTooLarge: a limit is passed.
    """
    if isinstance(value, BrokenEvent):
        raise value
    event = open_fields(value, meters)
    if isinstance(event, dict):
        event = screen.convert(event)
    return event, text if event is value else None


def _read_values(reader: JsonReader, problems: Problems, name: str) -> Iterator[_Value]:
    """Yield each event as it stands in the file, with its place for messages."""
    first = reader.peek()
    if first and first not in '[{"':
        foreign = name_text(reader.ahead(_ENVELOPE_BYTES))
        raise RecordingInvalid(f"{name} is {foreign or f'not JSON: it starts with {first!r}'}; {ACCEPTED}")
    while char := reader.peek():
        place = reader.place
        try:
            if char == ",":  # between lines that were taken out of an array
                reader.take(",")
            elif char == "[" and not reader.looks_like(_WINDOW_AND_EVENT, _ENVELOPE_BYTES):
                yield from _read_array(reader, problems, name)
            elif char == "{" and (match := reader.take_match(_ENVELOPE, _ENVELOPE_BYTES)):
                yield from _read_array(reader, problems, name, _name_window(match))
                _skip_members(reader, 2 if match["nested"] else 1)
            elif char == "{" and (match := reader.take_match(_WINDOWS, _ENVELOPE_BYTES)):
                yield from _read_windows(reader, problems, name)
                _skip_members(reader, 2 if match["nested"] else 1)
            else:
                value = reader.value()
                if not isinstance(value, dict) or value.keys() != {SEGMENT_HEADER}:
                    yield _Value(place, value)
        except BrokenValue as error:
            problems.skip(f"{name}, {place}", str(error))
        except BrokenJson as error:
            problems.skip(f"{name}, {place}", f"not JSON: {'it is cut off' if error.cut_off else error}")
            reader.skip_line()


def _name_window(envelope: re.Match[bytes]) -> str | None:
    named = _NAMED_WINDOW.search(envelope[0])
    try:
        return str(json.loads(named[1].decode(errors="replace"))) if named else None
    except ValueError:
        return None


def _read_windows(reader: JsonReader, problems: Problems, name: str) -> Iterator[_Value]:
    """Yield the elements of an object that has a list of events for each window; the reader stands at the first key."""
    while True:
        window = str(reader.value())
        reader.take(":")
        yield from _read_array(reader, problems, name, window)
        if reader.take(",}") == "}":
            return


def _read_array(reader: JsonReader, problems: Problems, name: str, window: str | None = None) -> Iterator[_Value]:
    """Yield the elements of an array, which may be the whole recording and is therefore never held as one value."""
    reader.take("[")
    if reader.peek() == "]":
        reader.take("]")
        return
    place = reader.place
    try:
        while True:
            reader.peek()
            place = reader.place
            try:
                value = reader.value()
            except BrokenValue as error:
                problems.skip(f"{name}, {place}", str(error))
            else:
                yield _Value(place, value, window)
            if reader.take(",]") == "]":
                return
            if reader.peek() == "]":  # behind the last comma, as other languages allow
                reader.take("]")
                return
    except BrokenJson as error:
        if not error.cut_off:
            raise RecordingInvalid(f"{name} is not JSON: {error} in the event at {place}; upload it again") from error
        problems.damage(name, f"the file ends inside of the event at {place}, so the end of the recording is missing")
        reader.skip_all()


def _skip_members(reader: JsonReader, objects: int) -> None:
    """Read up to the ends of so many objects, from behind a member of the innermost."""
    for _ in range(objects):
        while reader.take(",}") == ",":
            reader.value()
            reader.take(":")
            reader.value()
