"""What each kind of event needs so that it can be replayed, as data. `checks` applies it.

A field that is not listed is not looked at: recorders add what they like. A list that is missing is an empty one, as
serialisers leave those out. The requirements are those of rrweb's replayer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from video_export_worker.recording.events import (
    MAX_VIEWPORT,
    EventType,
    Interaction,
    Source,
    is_id,
    is_number,
)


class NodeType:
    """Kinds of serialised DOM nodes; the numbers are rrweb's own (`rrweb-snapshot`)."""

    DOCUMENT: Final = 0
    DOCTYPE: Final = 1
    ELEMENT: Final = 2
    TEXT: Final = 3
    CDATA: Final = 4
    COMMENT: Final = 5


IN_ELEMENTS: Final = frozenset({NodeType.ELEMENT, NodeType.TEXT, NodeType.CDATA, NodeType.COMMENT})
CHILDREN: Final[Mapping[Any, frozenset[int]]] = {
    NodeType.DOCUMENT: frozenset({NodeType.DOCTYPE, NodeType.ELEMENT, NodeType.COMMENT}),
    NodeType.ELEMENT: IN_ELEMENTS,
}
ADDED: Final = IN_ELEMENTS | {NodeType.DOCUMENT, NodeType.DOCTYPE}


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        name: What messages call it.
        fits: Whether a value is of the kind.
    """

    name: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Needed:
    """A field without which an event, or an item of a list, cannot be applied."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Defaulted:
    """A field that gets a value where it is missing or of another kind."""

    name: str
    kind: Kind
    default: Any


@dataclass(frozen=True)
class Optional:
    """A field that is taken out where it is of another kind.

    Attributes:
        is_expected: That it is missing is worth a warning.
    """

    name: str
    kind: Kind
    is_expected: bool = False


@dataclass(frozen=True)
class Items:
    """A list of objects. Items that lack something are left out.

    Attributes:
        least: How many there must be for the event to be applied.
        is_needed: Whether the list has to be there.
    """

    name: str
    fields: tuple[Needed, ...]
    least: int = 0
    is_needed: bool = False


@dataclass(frozen=True)
class Tree:
    """A serialised node with all that is in it. Nodes in it that no document can hold are left out.

    Attributes:
        kinds: Which kinds of nodes it may be.
    """

    name: str
    kinds: frozenset[int]


Requirement = Needed | Defaulted | Optional | Items | Tree

NUMBER: Final = Kind("a number", is_number)
ID: Final = Kind("the id of a node", is_id)
TEXT: Final = Kind("text", lambda value: isinstance(value, str))
TEXT_OR_NULL: Final = Kind("text", lambda value: value is None or isinstance(value, str))
BOOLEAN: Final = Kind("true or false", lambda value: isinstance(value, bool))
OBJECT: Final = Kind("an object", lambda value: isinstance(value, dict))
LIST: Final = Kind("a list", lambda value: isinstance(value, list))
LENGTH: Final = Kind(
    f"a number of pixels up to {MAX_VIEWPORT:,}", lambda value: is_number(value) and 0 <= value <= MAX_VIEWPORT
)
POSITION: Final = Kind(
    "an object with `left` and `top`",
    lambda value: isinstance(value, dict) and is_number(value.get("left")) and is_number(value.get("top")),
)
INDEX: Final = Kind(
    "an index or a list of indexes",
    lambda value: is_id(value) or (isinstance(value, list) and bool(value) and all(map(is_id, value))),
)
INDEXES: Final = Kind("a list of indexes", lambda value: isinstance(value, list) and all(map(is_id, value)))
INTERACTION: Final = Kind(
    f"a kind of interaction (0 to {max(Interaction)})", lambda value: is_id(value) and 0 <= value <= max(Interaction)
)
LAST_MEDIA: Final = 4  # play, pause, seek, volume and rate
MEDIA: Final = Kind("a kind of media interaction (0 to 4)", lambda value: is_id(value) and 0 <= value <= LAST_MEDIA)

_NODE: Final = Needed("id", ID)
_POSITIONS: Final = (Items("positions", tuple(Needed(name, NUMBER) for name in ("x", "y", "timeOffset")), least=1),)
_RANGE: Final = (Needed("start", ID), Needed("startOffset", NUMBER), Needed("end", ID), Needed("endOffset", NUMBER))

OF_TYPES: Final[Mapping[int, tuple[Requirement, ...]]] = {
    EventType.FULL_SNAPSHOT: (
        Tree("node", frozenset({NodeType.DOCUMENT})),
        Defaulted("initialOffset", POSITION, {"left": 0, "top": 0}),
    ),
    EventType.META: (
        Optional("width", LENGTH, is_expected=True),
        Optional("height", LENGTH, is_expected=True),
        Optional("href", TEXT),
    ),
}

OF_SOURCES: Final[Mapping[int, tuple[Requirement, ...]]] = {
    Source.MUTATION: (
        Items("removes", (_NODE,)),
        Items("adds", (Needed("parentId", ID), Needed("node", OBJECT))),
        Items("texts", (_NODE, Needed("value", TEXT_OR_NULL))),
        Items("attributes", (_NODE, Needed("attributes", OBJECT))),
    ),
    Source.MOUSE_MOVE: _POSITIONS,
    Source.TOUCH_MOVE: _POSITIONS,
    Source.DRAG: _POSITIONS,
    Source.MOUSE_INTERACTION: (_NODE, Needed("type", INTERACTION)),
    Source.SCROLL: (_NODE, Needed("x", NUMBER), Needed("y", NUMBER)),
    Source.VIEWPORT_RESIZE: (Needed("width", LENGTH), Needed("height", LENGTH)),
    Source.INPUT: (_NODE, Defaulted("text", TEXT, ""), Defaulted("isChecked", BOOLEAN, False)),
    Source.MEDIA_INTERACTION: (
        _NODE,
        Needed("type", MEDIA),
        Optional("currentTime", NUMBER),
        Optional("playbackRate", NUMBER),
        Optional("volume", NUMBER),
    ),
    Source.STYLE_SHEET_RULE: (Items("adds", (Needed("rule", TEXT),)), Items("removes", (Needed("index", INDEX),))),
    Source.CANVAS_MUTATION: (_NODE,),
    Source.FONT: (Needed("family", TEXT), Needed("fontSource", TEXT)),
    Source.STYLE_DECLARATION: (Needed("index", INDEXES), Optional("set", OBJECT), Optional("remove", OBJECT)),
    Source.SELECTION: (Items("ranges", _RANGE, is_needed=True),),
    Source.ADOPTED_STYLE_SHEET: (_NODE, Needed("styleIds", INDEXES), Items("styles", (Needed("styleId", ID),))),
}
