"""A recording that can be replayed, and what it tells about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import Final

from video_export_worker.recording.events import (
    MOVES,
    USER_ACTIVITY,
    EditableNodes,
    Event,
    Interaction,
    Source,
    is_number,
    snapshot_nodes,
    source_of,
    viewport_of,
)

DEFAULT_VIEWPORT: Final = (1280, 720)  # CSS pixels; for recordings that never name a size


@dataclass(frozen=True)
class RecordingLimits:
    """What a worker accepts.

    Attributes:
        compressed_bytes: Of compressed files, all parts together.
        decompressed_bytes: Of all parts together, with what is compressed inside of events.
        video_seconds: Of video. A long recording may well make a short video, so planning checks it, not parsing.
    """

    compressed_bytes: int = 512 * 2**20
    decompressed_bytes: int = 2**30
    video_seconds: float = 8 * 3600


class ClickKind(StrEnum):
    """What a button or a finger did."""

    DOWN = "down"
    UP = "up"
    CLICK = "click"
    DOUBLE_CLICK = "double_click"
    CONTEXT_MENU = "context_menu"
    TOUCH_START = "touch_start"
    TOUCH_END = "touch_end"


_CLICK_KINDS: Final = {
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


@dataclass(frozen=True)
class WindowSummary:
    """A browser window of the recorded session.

    Attributes:
        name: The recorder's name for it; None where the format names no windows.
        events: How many it has.
        kept: True for the window that the recording shows.
    """

    name: str | None
    events: int
    kept: bool


@dataclass(frozen=True)
class Recording:
    """A recording that can be replayed: a Meta event with the window's size, a full snapshot, and what happened since.

    Attributes:
        events: In order of their timestamps; those with the same one keep the order of the file.
        warnings: What was skipped, missing or assumed.
        windows: The windows of the session, of which a recording shows one.
    """

    events: list[Event]
    warnings: list[str]
    windows: tuple[WindowSummary, ...] = field(default=(), compare=False)

    @property
    def start_ms(self) -> float:
        """Timestamp of the recording's first moment, in milliseconds since 1970: offsets count from it."""
        return float(self.events[0]["timestamp"])

    @property
    def duration_ms(self) -> float:
        """Milliseconds from the first event to the last."""
        return float(self.events[-1]["timestamp"]) - self.start_ms

    @property
    def viewport(self) -> tuple[int, int]:
        """Width and height of the page in CSS pixels at the start."""
        _, width, height = self.viewports[0]
        return width, height

    @cached_property
    def viewports(self) -> list[tuple[float, int, int]]:
        """The sizes of the page as (offset in ms, width, height): at the start and whenever it changes."""
        sizes = [(self._offset_ms(event), viewport_of(event)) for event in self.events]
        known = [(offset, *size) for offset, size in sizes if size is not None]
        changes = [
            now for before, now in zip([None, *known], known, strict=False) if before is None or before[1:] != now[1:]
        ]
        return [(0.0, *changes[0][1:]), *changes[1:]] if changes else [(0.0, *DEFAULT_VIEWPORT)]

    @cached_property
    def activity_ms(self) -> list[float]:
        """Offsets in ms at which the user did something, in order (`USER_ACTIVITY`).

        A batch of moves counts with its first and its last position: it is reported after the fact. rrweb has no input
        events for `contenteditable` elements, which rich text editors are made of: there, a changed text is typing.
        """
        offsets: list[float] = []
        editable = EditableNodes()
        for event in self.events:
            if editable.is_edited_by(event):
                offsets.append(self._offset_ms(event))
            source = source_of(event)
            if source in MOVES:
                positions = event["data"]["positions"]
                offsets += [self._offset_ms(event, positions[index]["timeOffset"]) for index in (0, -1)]
            elif source in USER_ACTIVITY:
                offsets.append(self._offset_ms(event))
        return sorted(offsets)

    @cached_property
    def mouse(self) -> list[MouseMove | MouseClick]:
        """Everything the pointer did, in order of time."""
        interactions = (event for event in self.events if source_of(event) == Source.MOUSE_INTERACTION)
        clicks = [click for click in map(self._read_click, interactions) if click]
        has_touch = any(click.kind is ClickKind.TOUCH_START for click in clicks)
        moves = [
            move
            for event in self.events
            if source_of(event) in MOVES
            for move in self._list_moves(event, touch=has_touch and source_of(event) == Source.TOUCH_MOVE)
        ]
        return sorted([*moves, *clicks], key=lambda action: action.offset_ms)

    @cached_property
    def has_canvas(self) -> bool:
        """True if a canvas appears anywhere: a sandbox without scripts paints none, so the replay needs another."""
        return any(
            source_of(event) == Source.CANVAS_MUTATION
            or any(str(node.get("tagName")).lower() == "canvas" for node in snapshot_nodes(event))
            for event in self.events
        )

    def find_idle(self, threshold_s: float) -> list[tuple[float, float]]:
        """List the stretches of at least `threshold_s` seconds without user activity.

        Returns:
            (start, end) in ms since the recording's start, in order; its start and its end bound stretches too.
        """
        moments = [0.0, *self.activity_ms, self.duration_ms]
        return [(start, end) for start, end in pairwise(moments) if end > start and end - start >= threshold_s * 1000]

    def _offset_ms(self, event: Event, time_offset: float = 0.0) -> float:
        """Offset of an event inside of the recording's bounds: a batch of moves may begin before the first snapshot."""
        return min(max(float(event["timestamp"]) + time_offset - self.start_ms, 0.0), self.duration_ms)

    def _list_moves(self, event: Event, *, touch: bool) -> list[MouseMove]:
        return [
            MouseMove(self._offset_ms(event, at["timeOffset"]), float(at["x"]), float(at["y"]), touch, _node_of(at))
            for at in event["data"]["positions"]
        ]

    def _read_click(self, event: Event) -> MouseClick | None:
        data = event["data"]
        kind = _CLICK_KINDS.get(data["type"]) if is_number(data.get("type")) else None
        if kind is None or not is_number(data.get("x")) or not is_number(data.get("y")):
            return None
        return MouseClick(self._offset_ms(event), float(data["x"]), float(data["y"]), kind, _node_of(data))


def _node_of(data: Event) -> int:
    node = data.get("id")
    return node if isinstance(node, int) else -1
