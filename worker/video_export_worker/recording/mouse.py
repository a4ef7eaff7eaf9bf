"""What the pointer did, as a recording tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from video_export_worker.recording.events import Interaction


class ClickKind(StrEnum):
    """What a button or a finger did."""

    DOWN = "down"
    UP = "up"
    CLICK = "click"
    DOUBLE_CLICK = "double_click"
    CONTEXT_MENU = "context_menu"
    TOUCH_START = "touch_start"
    TOUCH_END = "touch_end"


CLICK_KINDS: Final[dict[int, ClickKind]] = {
    Interaction.MOUSE_DOWN: ClickKind.DOWN,
    Interaction.MOUSE_UP: ClickKind.UP,
    Interaction.CLICK: ClickKind.CLICK,
    Interaction.DOUBLE_CLICK: ClickKind.DOUBLE_CLICK,
    Interaction.CONTEXT_MENU: ClickKind.CONTEXT_MENU,
    Interaction.TOUCH_START: ClickKind.TOUCH_START,
    Interaction.TOUCH_END: ClickKind.TOUCH_END,
}


@dataclass(frozen=True)
class MouseMove:
    """Where the pointer was.

    rrweb records positions in the viewport of the document that got the event. For an element inside of an iframe that
    is the iframe's own viewport: rrweb's replayer looks the element up by its id and adds the position (and scale) of
    each frame around it in the replayed DOM. Whoever draws the pointer has to do the same: `node` is that id.

    Attributes:
        offset_ms: Since the recording's start.
        x: CSS pixels from the left of the element's document's viewport.
        y: CSS pixels from its top.
        touch: True for a finger. rrweb reports a mouse inside of an iframe as touch as well (it compares the event's
            class with that of the wrong window), so only a recording with touches has fingers.
        node: rrweb's id of the element under the pointer; -1 if it is not known.
    """

    offset_ms: float
    x: float
    y: float
    touch: bool
    node: int = -1


@dataclass(frozen=True)
class MouseClick:
    """What the pointer did and where; the same coordinates as `MouseMove`."""

    offset_ms: float
    x: float
    y: float
    kind: ClickKind
    node: int = -1
