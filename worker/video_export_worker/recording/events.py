"""rrweb's events: their kinds, and what they say.

The numbers are rrweb's own (`@rrweb/types`): they are the format.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

Event = dict[str, Any]

_PLAIN: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode
_ESCAPED: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

MAX_TIMESTAMP_MS: Final = 8.64e15  # the largest time a JavaScript Date can hold
LARGEST: Final = sys.float_info.max
LARGEST_ID: Final = 2**53  # JavaScript's largest exact integer: larger ones are not told apart there
_NUMBERS: Final = (int, float)  # not their kin: true and false are numbers to Python
MIN_VIEWPORT: Final = 2  # CSS pixels; recorders report 0x0 and 1x1 from windows that are hidden
MAX_VIEWPORT: Final = 100_000  # CSS pixels; far above any screen


class EventType(IntEnum):
    """What an event is."""

    DOM_CONTENT_LOADED = 0
    LOAD = 1
    FULL_SNAPSHOT = 2
    INCREMENTAL_SNAPSHOT = 3
    META = 4
    CUSTOM = 5
    PLUGIN = 6
    ASSET = 7
    ANNOTATION = 8


class Source(IntEnum):
    """What an incremental snapshot reports."""

    MUTATION = 0
    MOUSE_MOVE = 1
    MOUSE_INTERACTION = 2
    SCROLL = 3
    VIEWPORT_RESIZE = 4
    INPUT = 5
    TOUCH_MOVE = 6
    MEDIA_INTERACTION = 7
    STYLE_SHEET_RULE = 8
    CANVAS_MUTATION = 9
    FONT = 10
    LOG = 11
    DRAG = 12
    STYLE_DECLARATION = 13
    SELECTION = 14
    ADOPTED_STYLE_SHEET = 15
    CUSTOM_ELEMENT = 16


class Interaction(IntEnum):
    """What a mouse interaction was."""

    MOUSE_UP = 0
    MOUSE_DOWN = 1
    CLICK = 2
    CONTEXT_MENU = 3
    DOUBLE_CLICK = 4
    FOCUS = 5
    BLUR = 6
    TOUCH_START = 7
    TOUCH_MOVE_DEPARTED = 8
    TOUCH_END = 9
    TOUCH_CANCEL = 10


# Python looks a member up anew each time that it is named: these are compared for millions of events.
_FULL_SNAPSHOT: Final = EventType.FULL_SNAPSHOT
_INCREMENTAL: Final = EventType.INCREMENTAL_SNAPSHOT
_META: Final = EventType.META
_MUTATION: Final = Source.MUTATION
_RESIZE: Final = Source.VIEWPORT_RESIZE

MOVES: Final = frozenset({Source.MOUSE_MOVE, Source.TOUCH_MOVE, Source.DRAG})

# rrweb's replayer counts the sources 1 to 5 as user interaction when it skips inactivity. Touch, drag and media came to
# rrweb later and were left out there; a user who drags or swipes is not inactive, so they count here.
USER_ACTIVITY: Final = MOVES | {
    Source.MOUSE_INTERACTION,
    Source.SCROLL,
    Source.VIEWPORT_RESIZE,
    Source.INPUT,
    Source.MEDIA_INTERACTION,
}


def is_full_snapshot(event: Event) -> bool:
    """Tell whether an event holds a whole page."""
    return bool(event["type"] == _FULL_SNAPSHOT)


def brings_nodes(event: Event) -> bool:
    """Tell whether an event brings nodes into the page."""
    return is_full_snapshot(event) or (source_of(event) == _MUTATION and bool(event["data"].get("adds")))


def changes_texts_only(event: Event) -> bool:
    """Tell whether a mutation brings and changes nothing but texts; what it removes does not count."""
    return not (event["data"].get("adds") or event["data"].get("attributes"))


def source_of(event: Event) -> int | None:
    """Return the source of an incremental snapshot, None for other events."""
    return event["data"]["source"] if event["type"] == _INCREMENTAL else None


def viewport_of(event: Event) -> tuple[int, int] | None:
    """Return the size in CSS pixels that a Meta or resize event reports, or None if it reports none to be shown.

    Recorders report 0x0 and 1x1 from hidden windows.
    """
    if event["type"] != _META and source_of(event) != _RESIZE:
        return None
    width, height = event["data"].get("width"), event["data"].get("height")
    if not is_number(width) or not is_number(height):
        return None
    size = round(width), round(height)
    return size if all(MIN_VIEWPORT <= length <= MAX_VIEWPORT for length in size) else None


def encode_event(event: Event) -> bytes:
    """Write an event as JSON in UTF-8."""
    try:
        return _PLAIN(event).encode()
    except UnicodeEncodeError:  # half a character, which UTF-8 does not have and JSON can escape
        return _ESCAPED(event).encode()


def snapshot_nodes(event: Event) -> Iterator[dict[str, Any]]:
    """Every serialised DOM node that an event brings: of a full snapshot, or added by a mutation."""
    waiting: list[Any] = []
    if is_full_snapshot(event):
        waiting.append(event["data"]["node"])
    elif source_of(event) == _MUTATION:
        waiting.extend(add.get("node") for add in list_objects(event["data"].get("adds")))
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(list_objects(node.get("childNodes")))


def is_number(value: Any) -> bool:
    """Tell whether this is a JSON number that is finite in JavaScript, too: whole ones can be larger here."""
    return value.__class__ in _NUMBERS and -LARGEST <= value <= LARGEST


def whole_text(text: str) -> str:
    """A text as UTF-8 can hold it: JSON may escape half a character, and browsers show the replacement for it."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def list_objects(value: Any) -> list[dict[str, Any]]:
    """Take the objects of what should be a list of objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def is_id(value: Any) -> bool:
    """Tell whether this can be the id of a node, or an index: a whole number."""
    return value.__class__ in _NUMBERS and -LARGEST_ID <= value <= LARGEST_ID and bool(value == int(value))
