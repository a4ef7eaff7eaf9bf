"""The formats that recordings are kept in, read into plain rrweb events.

- a JSON array of events, an object with such an array as `events` or `snapshots`, or JSON lines;
- PostHog's lines `["window", event]` and `{"window_id": ..., "data": [event, ...]}`, and its exports, whose events
  carry a `windowId`; the fields that PostHog compresses (`cv: "2024-10"`);
- events packed by rrweb's `pack`, which are strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.decompression import GZIP_WINDOW, ZLIB_WINDOW, inflate
from video_export_worker.recording.events import Event, encode_event, find_problem, is_mobile_wireframe
from video_export_worker.recording.json_stream import BrokenJson, BrokenValue, JsonReader, Place, decode_json
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.problems import BrokenEvent, Problems

MAX_ENVELOPES: Final = 4  # lists and objects around an event; PostHog's exports have two
POSTHOG_COMPRESSION: Final = "2024-10"
POSTHOG_FIELDS: Final = ("adds", "removes", "texts", "attributes")
RRWEB_PACK_VERSION: Final = "v1"
WINDOW_KEYS: Final = ("window_id", "windowId")

_ENVELOPE_CHARACTERS: Final = 4096
_ENVELOPE: Final = re.compile(
    r'\{\s*(?:"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[-+.\deE]+|true|false|null)\s*,\s*)*"(?:events|snapshots)"\s*:\s*(?=\[)'
)
_WINDOW_AND_EVENT: Final = re.compile(r'\[\s*"[^"\\]*"\s*,\s*[\[{]')


@dataclass(frozen=True)
class WindowEvent:
    """An event of a file.

    Attributes:
        window: The browser window it was recorded in; None where the format names none.
        event: Decoded.
        text: The event alone, as UTF-8.
    """

    window: str | None
    event: Event
    text: bytes


def read_events(reader: JsonReader, meters: Meters, problems: Problems, name: str) -> Iterator[WindowEvent]:
    """Yield the events of one decompressed file in the file's order.

    Args:
        reader: The file.
        meters: Count what is decompressed inside of events.
        problems: Told of what is skipped.
        name: What messages call the file.

    Raises:
        RecordingInvalid: if it is not JSON, or a recording of a mobile app.
        RecordingTooLarge: if the limit is passed.
    """
    for place, value in _read_values(reader, problems, name):
        try:
            for window, wrapped in _unwrap(value):
                event = _open(wrapped, meters)
                if is_mobile_wireframe(event):
                    raise RecordingInvalid(
                        f"{name} is a recording of a mobile app (wireframes): "
                        "only recordings of web pages can be exported"
                    )
                if problem := find_problem(event):
                    raise BrokenEvent(problem)
                # An event that stands in the file as it is keeps its text: nothing is written anew.
                yield WindowEvent(window, event, reader.text.encode() if event is value else encode_event(event))
        except BrokenEvent as error:
            problems.skip(f"{name}, {place}", str(error))
    if reader.replaced:
        problems.damage(name, "not UTF-8 everywhere: what cannot be read is shown as \N{REPLACEMENT CHARACTER}")


def _read_values(reader: JsonReader, problems: Problems, name: str) -> Iterator[tuple[Place, Any]]:
    """Yield each event as it stands in the file, with its place for messages."""
    first = reader.peek()
    if first and first not in '[{"':
        raise RecordingInvalid(f"{name} is not JSON: it starts with {first!r}; give an rrweb recording")
    while char := reader.peek():
        place = reader.place
        try:
            if char == "[" and not reader.looks_like(_WINDOW_AND_EVENT, _ENVELOPE_CHARACTERS):
                yield from _read_array(reader, problems, name)
            elif char == "{" and reader.take_match(_ENVELOPE, _ENVELOPE_CHARACTERS):
                yield from _read_array(reader, problems, name)
                _skip_members(reader)
            else:
                yield place, reader.value()
        except BrokenValue as error:
            problems.skip(f"{name}, {place}", str(error))
        except BrokenJson as error:
            problems.skip(f"{name}, {place}", f"not JSON: {'it is cut off' if error.cut_off else error}")
            reader.skip_line()


def _read_array(reader: JsonReader, problems: Problems, name: str) -> Iterator[tuple[Place, Any]]:
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
                yield place, value
            if reader.take(",]") == "]":
                return
    except BrokenJson as error:
        if not error.cut_off:
            raise RecordingInvalid(f"{name} is not JSON: {error} in the event at {place}; upload it again") from error
        problems.damage(name, f"the file ends inside of the event at {place}, so the end of the recording is missing")
        reader.skip_all()


def _skip_members(reader: JsonReader) -> None:
    while reader.take(",}") == ",":
        reader.value()
        reader.take(":")
        reader.value()


def _unwrap(value: Any, window: str | None = None, depth: int = 0) -> Iterator[tuple[str | None, Any]]:
    """Yield what a value holds as (window, event): itself, or the events inside the envelopes that are known."""
    if depth > MAX_ENVELOPES:
        raise BrokenEvent(f"not an event: more than {MAX_ENVELOPES} lists around it")
    if isinstance(value, dict) and "type" not in value:
        named = value.get("window_id", value.get("windowId"))
        window = window if named is None else str(named)
        inner = next((value[key] for key in ("events", "snapshots", "data") if key in value), None)
        if isinstance(inner, list | dict):
            yield from _unwrap(inner, window, depth + 1)
            return
    elif (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], list | dict)
    ):
        yield from _unwrap(value[1], value[0], depth + 1)
        return
    elif isinstance(value, list):
        for element in value:
            yield from _unwrap(element, window, depth + 1)
        return
    elif isinstance(value, dict):
        # PostHog's exports say it in each event; without it, a normalised recording has one form.
        named = next((value[key] for key in WINDOW_KEYS if value.get(key) is not None), None)
        window = window if named is None else str(named)
        if any(key in value for key in WINDOW_KEYS):
            value = {key: held for key, held in value.items() if key not in WINDOW_KEYS}
    yield window, value


def _open(value: Any, meters: Meters) -> Any:
    """Undo what a recorder did to a single event: rrweb's packing and PostHog's compressed fields."""
    event = _unpack(value, meters) if isinstance(value, str) else value
    if not isinstance(event, dict) or "cv" not in event:
        return event
    event = dict(event)
    version = event.pop("cv")
    if version != POSTHOG_COMPRESSION:
        raise BrokenEvent(f"compressed in a way that is not known (cv {version!r:.40}); only {POSTHOG_COMPRESSION} is")
    if isinstance(event.get("data"), str):
        event["data"] = _decode_field(event["data"], meters)
    elif isinstance(event.get("data"), dict):
        data = event["data"]
        opened = {key: _decode_field(data[key], meters) for key in POSTHOG_FIELDS if isinstance(data.get(key), str)}
        event["data"] = {**data, **opened}
    return event


def _unpack(text: str, meters: Meters) -> Any:
    event = _decode(inflate(text, ZLIB_WINDOW, meters))
    if isinstance(event, dict) and event.pop("v", RRWEB_PACK_VERSION) != RRWEB_PACK_VERSION:
        raise BrokenEvent(f"packed by a version of rrweb's packer that is not known; only {RRWEB_PACK_VERSION} is")
    return event


def _decode_field(text: str, meters: Meters) -> Any:
    return _decode(inflate(text, GZIP_WINDOW, meters)) if text else []


def _decode(data: bytes) -> Any:
    try:
        return decode_json(data)
    except BrokenValue as error:
        raise BrokenEvent(f"its decompressed data is {error}") from error
