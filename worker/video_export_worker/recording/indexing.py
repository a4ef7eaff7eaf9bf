"""Builds the index of a recording from its events, one after the other."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.events import (
    MOVES,
    USER_ACTIVITY,
    Event,
    EventType,
    Interaction,
    Source,
    changes_texts_only,
    is_full_snapshot,
    is_id,
    is_number,
    viewport_of,
)
from video_export_worker.recording.frames import FrameFollower
from video_export_worker.recording.index import CLICKS, DEFAULT_VIEWPORT, MOVE, TOUCH_MOVE
from video_export_worker.recording.motion import Motion, MotionFinder
from video_export_worker.recording.mouse import CLICK_KINDS, ClickKind
from video_export_worker.recording.nodes import PageNodes

# Only these are decoded: of the others, their type and source say all that the index needs.
# Plain numbers, which are compared in a fraction of an enumeration's time.
DECODED_KINDS: Final = frozenset(map(int, (EventType.FULL_SNAPSHOT, EventType.META)))
DECODED_SOURCES: Final = frozenset(
    map(int, MOVES | {Source.MUTATION, Source.MOUSE_INTERACTION, Source.VIEWPORT_RESIZE, Source.SELECTION})
)
MAY_MOVE: Final = frozenset(map(int, (Source.MUTATION, Source.STYLE_SHEET_RULE, Source.ADOPTED_STYLE_SHEET)))

_FULL_SNAPSHOT: Final = int(EventType.FULL_SNAPSHOT)
_INTERACTION: Final = int(Source.MOUSE_INTERACTION)
_SELECTION: Final = int(Source.SELECTION)
_CANVAS: Final = int(Source.CANVAS_MUTATION)
MOST_RANGES: Final = 16  # of a selection; Chromium has one
_RANGE: Final = ("start", "startOffset", "end", "endOffset")
_NO_RANGE: Final = (-1.0, 0.0, -1.0, 0.0)
_CLICK_CODES: Final = {kind: code for code, kind in CLICKS.items()}
_TOUCH_START: Final = _CLICK_CODES[ClickKind.TOUCH_START]


class IndexBuilder:
    """Takes the events of a recording in their order.

    Args:
        start_ms: Timestamp of the first event.
        duration_ms: From the first event to the last.
        nesting: Elements that may be around an element.
        snapshots_ms: Offsets of the full snapshots.
    """

    def __init__(self, start_ms: float, duration_ms: float, nesting: int, snapshots_ms: NDArray[np.float64]) -> None:
        self._start_ms, self._duration_ms, self._nesting = start_ms, duration_ms, nesting
        self._snapshots_ms: list[float] = snapshots_ms.tolist()
        self._selections: dict[int, tuple[float, list[tuple[float, ...]]]] = {}  # the last before each snapshot
        self._nodes = PageNodes()
        self._frames = FrameFollower()
        self._motion = MotionFinder()
        types = {"ms": "d", "x": "d", "y": "d", "node": "q", "kind": "b"}
        self._pointer: dict[str, array[Any]] = {name: array(code) for name, code in types.items()}
        self._viewport_ms, self._widths, self._heights = array("d"), array("q"), array("q")
        self._activity = array("d")
        self._focus_ms, self._focus_node = array("d"), array("q")
        self._canvas_ms = array("d")
        self._moving_ms, self._moving_kind = array("d"), array("b")

    @staticmethod
    def reads(kind: int, source: int) -> bool:
        """Tell whether an event of this type and source has to be decoded for `note`."""
        return kind in DECODED_KINDS or source in DECODED_SOURCES

    def note(self, stamp: float, kind: int, source: int, text: bytes, event: Event | None) -> None:
        """Take in an event.

        Args:
            stamp: Its timestamp.
            kind: Its type.
            source: Its source, -1 if it has none.
            text: Its JSON.
            event: Decoded, if `reads` says so.

        Raises:
            RecordingInvalid: if its page is nested too deeply.
        """
        offset = self._offset(stamp)
        if source in USER_ACTIVITY and source not in MOVES:
            self._activity.append(offset)
        if event is not None:
            self._note_decoded(stamp, offset, source, event)
        if kind == _FULL_SNAPSHOT or source in MAY_MOVE:
            for motion in self._motion.find(text, event):
                self._note_motion(offset, motion)
        if source == _CANVAS:
            self._canvas_ms.append(offset)
            self._note_motion(offset, Motion.CANVAS)

    @property
    def most_nodes(self) -> int:
        """How many nodes a page has at once, at most."""
        return self._nodes.most

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns of `RecordingIndex` that this builds."""
        pointer = {f"pointer_{name}": np.array(column) for name, column in self._pointer.items()}
        order = np.argsort(pointer["pointer_ms"], kind="stable")
        return {
            **{name: column[order] for name, column in pointer.items()},
            **self._viewports(),
            **self._forgotten(),
            **self._selected(),
            "activity": np.sort(np.array(self._activity, np.float64)),
            "focus_ms": np.array(self._focus_ms, np.float64),
            "focus_node": np.array(self._focus_node, np.int64),
            "canvas_ms": np.array(self._canvas_ms, np.float64),
            "moving_ms": np.array(self._moving_ms, np.float64),
            "moving_kind": np.array(self._moving_kind, np.int8),
        }

    def _offset(self, stamp: float, time_offset: float = 0.0) -> float:
        """Offset inside of the recording's bounds: a batch of moves may begin before the first snapshot."""
        return min(max(stamp + time_offset - self._start_ms, 0.0), self._duration_ms)

    def _note_decoded(self, stamp: float, offset: float, source: int, event: Event) -> None:
        if source in MOVES:
            self._note_moves(stamp, source, event["data"]["positions"])
        elif source == _INTERACTION:
            self._note_interaction(offset, event["data"])
        elif source == _SELECTION:
            self._note_selection(offset, event["data"])
        elif (size := viewport_of(event)) is not None:
            self._note_viewport(offset, *size)
        else:
            self._note_nodes(offset, event)

    def _note_moves(self, stamp: float, source: int, positions: list[dict[str, Any]]) -> None:
        kind = TOUCH_MOVE if source == Source.TOUCH_MOVE else MOVE
        for at in positions:
            self._note_pointer(self._offset(stamp, at["timeOffset"]), at, kind)
        # It is reported after the fact, so it counts with its first and its last position.
        self._activity.extend(self._offset(stamp, positions[index]["timeOffset"]) for index in (0, -1))

    def _note_interaction(self, offset: float, data: dict[str, Any]) -> None:
        what: Any = data.get("type")
        if not is_number(what):
            return
        if what in (Interaction.FOCUS, Interaction.BLUR):
            self._focus_ms.append(offset)
            self._focus_node.append(_node_of(data) if what == Interaction.FOCUS else -1)
        kind = CLICK_KINDS.get(int(what)) if what == int(what) else None
        if kind is not None and is_number(data.get("x")) and is_number(data.get("y")):
            self._note_pointer(offset, data, _CLICK_CODES[kind])

    def _note_selection(self, offset: float, data: dict[str, Any]) -> None:
        """Of the selections between two full snapshots the second one's page keeps the last."""
        snapshot = bisect_left(self._snapshots_ms, offset)
        if snapshot < len(self._snapshots_ms):
            ranges = [tuple(float(each[name]) for name in _RANGE) for each in data["ranges"][:MOST_RANGES]]
            self._selections[snapshot] = offset, ranges or [_NO_RANGE]

    def _note_pointer(self, offset: float, at: dict[str, Any], kind: int) -> None:
        for name, value in zip(self._pointer, (offset, at["x"], at["y"], _node_of(at), kind), strict=True):
            self._pointer[name].append(value)

    def _note_viewport(self, offset: float, width: int, height: int) -> None:
        if not self._widths or (self._widths[-1], self._heights[-1]) != (width, height):
            self._viewport_ms.append(offset if self._widths else 0.0)
            self._widths.append(width)
            self._heights.append(height)

    def _note_nodes(self, offset: float, event: Event) -> None:
        data = event["data"]
        if not is_full_snapshot(event) and changes_texts_only(event) and not data.get("removes"):
            if self._nodes.edits_texts(data):
                self._activity.append(offset)
            return
        brought = self._nodes.follow(event)
        self._frames.follow(offset, event, brought.frames)
        if brought.nesting > self._nesting:
            raise RecordingInvalid(
                "the recording's pages are nested too deeply to be shown: "
                f"at most {self._nesting} elements may be in each other"
            )
        if brought.edits:
            self._activity.append(offset)
        if brought.canvas:
            self._canvas_ms.append(offset)

    def _note_motion(self, offset: float, motion: Motion) -> None:
        self._moving_ms.append(offset)
        self._moving_kind.append(motion)

    def _forgotten(self) -> dict[str, NDArray[Any]]:
        self._frames.finish()
        pairs = np.array(self._frames.forgotten, np.int64).reshape(-1, 2)
        return {"forgotten_snapshot": pairs[:, 0], "forgotten_frame": pairs[:, 1]}

    def _selected(self) -> dict[str, NDArray[Any]]:
        rows = [(number, ms, each) for number, (ms, ranges) in self._selections.items() for each in ranges]
        rows.sort(key=lambda row: row[0])
        return {
            "selection_snapshot": np.array([row[0] for row in rows], np.int64),
            "selection_ms": np.array([row[1] for row in rows], np.float64),
            "selection_ranges": np.array([row[2] for row in rows], np.float64).reshape(-1, len(_RANGE)),
        }

    def _viewports(self) -> dict[str, NDArray[Any]]:
        known = bool(self._widths)
        return {
            "viewport_ms": np.array(self._viewport_ms if known else [0.0], np.float64),
            "viewport_width": np.array(self._widths if known else [DEFAULT_VIEWPORT[0]], np.int64),
            "viewport_height": np.array(self._heights if known else [DEFAULT_VIEWPORT[1]], np.int64),
        }


def settle_touches(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Take touch moves for the mouse where nothing was touched: rrweb reports a mouse inside of an iframe as touch."""
    kinds = columns["pointer_kind"]
    if (kinds == _TOUCH_START).any():
        return columns
    return {**columns, "pointer_kind": np.where(kinds == TOUCH_MOVE, MOVE, kinds).astype(np.int8)}


def _node_of(data: Event) -> int:
    node: Any = data.get("id")
    return int(node) if is_id(node) else -1
