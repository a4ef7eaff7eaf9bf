"""What products put around events: lists, rows, pages of an API, windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.foreign import ACCEPTED, name_object
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.packing import looks_packed, unpack_text
from video_export_worker.recording.problems import BrokenEvent

MAX_ENVELOPES: Final = 8  # lists and objects around an event; PostHog's pages by window have four
WINDOW_KEYS: Final = ("window_id", "windowId", "$window_id")
BY_WINDOW: Final = "snapshot_data_by_window_id"  # an object with a list for each window (PostHog, until 2023)
# Where products keep their events, best known first; else every other value is looked through.
EVENT_KEYS: Final = ("events", "snapshots", "$snapshot_items", "$snapshot_data", "snapshot_items", "data")


class Found(NamedTuple):
    """A value that should be an event, and the window that the envelopes name; or why there is none."""

    window: str | None
    value: Any


def unwrap(value: Any, meters: Meters, name: str) -> Iterator[Found]:
    """Yield what a value of a file holds: itself, or the events inside of envelopes.

    Args:
        value: Decoded.
        meters: Count what is decompressed.
        name: What messages call the file.

    Raises:
        BrokenEvent: there are too many envelopes, or a text is no event.
        RecordingInvalid: it is a file of another kind.
        RecordingTooLarge: a limit is passed.
    """
    # Most values are events as they stand.
    return iter((_take_window(value, None),)) if is_event(value) else _unwrap(value, None, 0, meters, name)


def is_event(value: Any) -> bool:
    """Tell whether a value has what marks an event: a number as its type."""
    return isinstance(value, dict) and isinstance(value.get("type"), int) and ("timestamp" in value or "data" in value)


def _unwrap(value: Any, window: str | None, depth: int, meters: Meters, name: str) -> Iterator[Found]:
    if depth > MAX_ENVELOPES:
        raise BrokenEvent(f"not an event: more than {MAX_ENVELOPES} lists around it")
    if isinstance(value, str):
        value = unpack_text(value, meters)
    if is_event(value):
        yield _take_window(value, window)
    elif isinstance(value, list):
        window, inner = _split_pair(value, window)
        for element in inner:
            try:
                yield from _unwrap(element, window, depth + 1, meters, name)
            except BrokenEvent as error:  # the other elements may be events
                yield Found(window, error)
    elif isinstance(value, dict):
        yield from _open_object(value, window, depth, meters, name)
    else:
        yield Found(window, value)


def _split_pair(value: list[Any], window: str | None) -> tuple[str | None, list[Any]]:
    """PostHog's lines are pairs of a window and an event, or several."""
    is_pair = len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], list | dict)
    return (value[0], value[1:]) if is_pair and not looks_packed(value[0]) else (window, value)


def _open_object(value: dict[str, Any], window: str | None, depth: int, meters: Meters, name: str) -> Iterator[Found]:
    if product := name_object(value):
        raise RecordingInvalid(f"{name} is {product}; {ACCEPTED}")
    named = next((value[key] for key in WINDOW_KEYS if value.get(key) is not None), None)
    window = window if named is None else str(named)
    by_window = value.get(BY_WINDOW)
    if isinstance(by_window, dict):
        for key, inner in by_window.items():
            yield from _unwrap(inner, key, depth + 1, meters, name)
        return
    inner = _find_inner(value)
    if inner is None:
        yield Found(window, value)
    else:
        yield from _unwrap(inner, window, depth + 1, meters, name)


def _find_inner(value: dict[str, Any]) -> Any:
    """The member that holds events."""
    for key in EVENT_KEYS:
        if key in value and _may_hold(value[key], MAX_ENVELOPES):
            return value[key]
    return next((inner for inner in value.values() if _holds(inner, MAX_ENVELOPES)), None)


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
        return '"timestamp"' in value[:100_000] and value.lstrip().startswith(("{", "["))
    if isinstance(value, list):
        return any(_holds(element, depth - 1) for element in value[:3])
    if isinstance(value, dict):
        return any(_holds(inner, depth - 1) for inner in value.values())
    return False


def _take_window(event: dict[str, Any], window: str | None) -> Found:
    """PostHog's exports name the window in each event; without it, a normalised recording has one form."""
    if event.keys().isdisjoint(WINDOW_KEYS):
        return Found(window, event)
    named = next((event[key] for key in WINDOW_KEYS if event.get(key) is not None), None)
    return Found(
        window if named is None else str(named), {key: held for key, held in event.items() if key not in WINDOW_KEYS}
    )
