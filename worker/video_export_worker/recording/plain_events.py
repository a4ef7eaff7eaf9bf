"""Events of the frequent kinds that need nothing but to be kept, told while they are decoded.

Most events of a long recording change texts and attributes, move the pointer, scroll or type. For these msgspec checks
in one go, by their types here, all that the tables of `schema` ask for: an event that fits is whole as it stands, and
no product wraps it. What does not fit in any way, an unknown field among it, is decoded as everything else is, and
looked through. So nothing is decided here that is not decided there, in a fifth of the time.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

from video_export_worker.recording.events import LARGEST, LARGEST_ID, Interaction, Source

# Milliseconds since 1970 that are no other unit's (`rows`).
FIRST_MS: Final = 1e10
LAST_MS: Final = 1e15

_Number = Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
_Id = Annotated[int, msgspec.Meta(ge=-LARGEST_ID, le=LARGEST_ID)]
_Time = Annotated[float, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]
_Kind = Annotated[int, msgspec.Meta(ge=0, le=int(max(Interaction)))]


class _Exact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object with these fields, which are rrweb's, and no others."""


class _Text(_Exact):
    id: _Id
    value: str | None


class _Attributes(_Exact):
    id: _Id
    attributes: dict[str, Any]


class _Removed(_Exact):
    id: _Id
    parentId: _Id | None = None
    isShadow: bool | None = None


class _Position(_Exact):
    x: _Number
    y: _Number
    timeOffset: _Number
    id: _Id = 0


_Nothing = Annotated[list[None], msgspec.Meta(max_length=0)]
_Positions = Annotated[list[_Position], msgspec.Meta(min_length=1)]


class _Mutation(_Exact, tag_field="source", tag=int(Source.MUTATION)):
    """It adds nothing, for nodes are looked through."""

    source: ClassVar[int] = int(Source.MUTATION)
    texts: list[_Text] = []
    attributes: list[_Attributes] = []
    removes: list[_Removed] = []
    adds: _Nothing = []


class _MouseMove(_Exact, tag_field="source", tag=int(Source.MOUSE_MOVE)):
    source: ClassVar[int] = int(Source.MOUSE_MOVE)
    positions: _Positions


class _TouchMove(_Exact, tag_field="source", tag=int(Source.TOUCH_MOVE)):
    source: ClassVar[int] = int(Source.TOUCH_MOVE)
    positions: _Positions


class _MouseInteraction(_Exact, tag_field="source", tag=int(Source.MOUSE_INTERACTION)):
    source: ClassVar[int] = int(Source.MOUSE_INTERACTION)
    type: _Kind
    id: _Id
    x: _Number = 0.0
    y: _Number = 0.0
    pointerType: _Number = 0.0


class _Scroll(_Exact, tag_field="source", tag=int(Source.SCROLL)):
    source: ClassVar[int] = int(Source.SCROLL)
    id: _Id
    x: _Number
    y: _Number


class _Input(_Exact, tag_field="source", tag=int(Source.INPUT)):
    source: ClassVar[int] = int(Source.INPUT)
    id: _Id
    text: str
    isChecked: bool
    userTriggered: bool = False


class PlainEvent(_Exact):
    """An incremental event that is whole and brings no nodes."""

    type: Literal[3]  # `EventType.INCREMENTAL_SNAPSHOT`; not a tag, which msgspec allows to be missing
    timestamp: _Time
    data: _Mutation | _MouseMove | _TouchMove | _MouseInteraction | _Scroll | _Input


_decode_plain: Final = msgspec.json.Decoder(PlainEvent).decode


def decode_object(text: bytes) -> Any:
    """Decode an object: a `PlainEvent` if it is one.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return _decode_plain(text)
    except msgspec.ValidationError:
        return msgspec.json.decode(text)
