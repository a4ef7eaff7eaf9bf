"""What products put around events: lists, rows, pages of an API, windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.foreign import ACCEPTED, name_object
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.packing import looks_encoded, looks_packed, read_buffer, unpack_text
from video_export_worker.recording.pieces import Pieces, read_piece
from video_export_worker.recording.problems import BrokenEvent
from video_export_worker.recording.rows import is_row, needs_reading, read_row

MAX_ENVELOPES: Final = 12  # lists and objects around an event; logs of OpenTelemetry have ten
_NOTES: Final = ("faro.session_recording.",)  # names of events beside rrweb's: a recording has started or paused
LOOKED_AT: Final = 20  # elements of a list that stand for the others
WINDOW_KEYS: Final = ("window_id", "windowId", "$window_id")
BY_WINDOW: Final = "snapshot_data_by_window_id"  # an object with a list for each window (PostHog, until 2023)
# Where products keep their events, best known first; else every other value is looked through.
EVENT_KEYS: Final = ("events", "snapshots", "$snapshot_items", "$snapshot_data", "snapshot_items", "data")


class Found(NamedTuple):
    """A value that should be an event, and the window that the envelopes name; or why there is none."""

    window: str | None
    value: Any


def unwrap(value: Any, meters: Meters, name: str, pieces: Pieces) -> Iterator[Found]:
    """Yield what a value of a file holds: itself, or the events inside of envelopes.

    Args:
        value: Decoded.
        meters: Count what is decompressed.
        name: What messages call the file.
        pieces: Of events of this file that are cut.

    Raises:
        BrokenEvent: there are too many envelopes, or a text is no event.
        RecordingInvalid: it is a file of another kind.
        RecordingTooLarge: a limit is passed.
    """
    # Most values are events as they stand.
    if is_event(value) and not needs_reading(value):
        return iter((_take_window(value, None),))
    return _Opener(meters, name, pieces).open(value, None, 0)


def is_event(value: Any) -> bool:
    """Tell whether a value has what marks an event: a number as its type."""
    return isinstance(value, dict) and isinstance(value.get("type"), int) and ("timestamp" in value or "data" in value)


class _Opener:
    """Opens the envelopes of one file."""

    def __init__(self, meters: Meters, name: str, pieces: Pieces) -> None:
        self._meters, self._name, self._pieces = meters, name, pieces

    def open(self, value: Any, window: str | None, depth: int) -> Iterator[Found]:
        if depth > MAX_ENVELOPES:
            raise BrokenEvent(f"not an event: more than {MAX_ENVELOPES} lists around it")
        if isinstance(value, dict) and (piece := read_piece(value)) is not None:
            value = self._pieces.add(piece)
            if value is None:
                return
        if isinstance(value, str):
            value = unpack_text(value, self._meters)
        if isinstance(value, dict):
            value = _read_event(value, self._meters)
        if is_event(value):
            yield _take_window(value, window)
        elif isinstance(value, list):
            window, inner = _split_pair(value, window)
            for element in _without_labels(inner):
                try:
                    yield from self.open(element, window, depth + 1)
                except BrokenEvent as error:  # the other elements may be events
                    yield Found(window, error)
        elif isinstance(value, dict):
            yield from self._open_object(value, window, depth)
        else:
            yield Found(window, value)

    def _open_object(self, value: dict[str, Any], window: str | None, depth: int) -> Iterator[Found]:
        if product := name_object(value):
            raise RecordingInvalid(f"{self._name} is {product}; {ACCEPTED}")
        named = next((value[key] for key in WINDOW_KEYS if value.get(key) is not None), None)
        window = window if named is None else str(named)
        by_window = value.get(BY_WINDOW)
        if isinstance(by_window, dict):
            for key, inner in by_window.items():
                yield from self.open(inner, key, depth + 1)
            return
        held = _list_inner(value)
        if not held and not str(value.get("name")).startswith(_NOTES):
            yield Found(window, value)
        for inner in held:
            yield from self.open(inner, window, depth + 1)


def _split_pair(value: list[Any], window: str | None) -> tuple[str | None, list[Any]]:
    """PostHog's lines are pairs of a window and an event, or several."""
    is_pair = len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], list | dict)
    return (value[0], value[1:]) if is_pair and not looks_packed(value[0]) else (window, value)


def _read_event(value: dict[str, Any], meters: Meters) -> Any:
    """What a row holds: an event, or text of bytes; else the value as it is."""
    buffer = read_buffer(value)
    if buffer is not None:
        return unpack_text(buffer, meters)
    if is_event(value) and not needs_reading(value):
        return value
    return read_row(value, meters) or value


def _without_labels(elements: list[Any]) -> list[Any]:
    """The elements of a list without what only labels the others: times and names beside events, keys of attributes."""
    if elements and all(isinstance(each, dict) and each.keys() == {"key", "value"} for each in elements):
        return [each["value"] for each in elements if _holds(each["value"], MAX_ENVELOPES)]
    others = [each for each in elements if not isinstance(each, str) or looks_packed(each) or looks_encoded(each)]
    if len(others) == len(elements) or not any(_holds(each, MAX_ENVELOPES) for each in elements[:LOOKED_AT]):
        return elements
    return others


def _list_inner(value: dict[str, Any]) -> list[Any]:
    """The members that hold events: that of a known name, or all. A text beside others may be one of them once more."""
    for key in EVENT_KEYS:
        if key in value and _may_hold(value[key], MAX_ENVELOPES):
            return [value[key]]
    held = [inner for inner in value.values() if _holds(inner, MAX_ENVELOPES)]
    return held if len(held) == len(value) else [inner for inner in held if not isinstance(inner, str)] or held[:1]


def _may_hold(value: Any, depth: int) -> bool:
    """Under a name that is known, an empty list is a list of no events, and what is broken is a broken event."""
    return isinstance(value, list) or _holds(value, depth)


def _holds(value: Any, depth: int) -> bool:
    """Tell whether there is an event in a value: the first of a list stands for the others."""
    if is_event(value):
        return True
    if depth == 0:
        return False
    if isinstance(value, str):
        is_json = value.lstrip().startswith(("{", "[")) and '"timestamp"' in value[:100_000]
        return is_json or looks_encoded(value)
    if isinstance(value, list):
        return any(_holds(element, depth - 1) for element in value[:LOOKED_AT])
    if isinstance(value, dict):
        return (
            _is_row(value) or read_piece(value) is not None or any(_holds(inner, depth - 1) for inner in value.values())
        )
    return False


def _is_row(value: dict[str, Any]) -> bool:
    if value.get("type") == "Buffer":
        return read_buffer(value) is not None
    return is_row(value)


def _take_window(event: dict[str, Any], window: str | None) -> Found:
    """PostHog's exports name the window in each event; without it, a normalised recording has one form."""
    if event.keys().isdisjoint(WINDOW_KEYS):
        return Found(window, event)
    named = next((event[key] for key in WINDOW_KEYS if event.get(key) is not None), None)
    return Found(
        window if named is None else str(named), {key: held for key, held in event.items() if key not in WINDOW_KEYS}
    )
