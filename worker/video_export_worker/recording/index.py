"""The index of a recording: what deciding needs to know about it, as columns. The events themselves stay text.

Columns are numpy arrays, because a recording of 1 GiB has millions of events and a Python object for each would take
more memory than the recording; and numpy's own file format (`.npz`, without pickles) holds them with their types.

Offsets are milliseconds since the recording's start. An ordinal is the number of an event, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.events import Source
from video_export_worker.recording.mouse import ClickKind, MouseClick, MouseMove

DEFAULT_VIEWPORT: Final = (1280, 720)  # CSS pixels; for recordings that never name a size

# Kinds of the pointer's column: a move of the mouse, of a finger, and what buttons and fingers do.
MOVE: Final = 0
TOUCH_MOVE: Final = 1
CLICKS: Final = dict(enumerate(ClickKind, start=2))

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class WindowSummary:
    """A browser window of the recorded session.

    Attributes:
        name: The recorder's name for it; None where the format names no windows.
        events: How many it has.
        kept: True if it can be shown: it has a full snapshot, and is no frame of another one.
    """

    name: str | None
    events: int
    kept: bool


@dataclass(frozen=True, eq=False)
class RecordingIndex:
    """A window of a recording without its events' text.

    A session with several windows has an index for each, on one clock.

    Attributes:
        start_ms: Timestamp of the recording's first moment, in milliseconds since 1970: offsets count from it.
        warnings: What was skipped, missing or assumed.
        windows: The windows of the session.
        offset_ms: Of each event, ascending; those with the same one keep the order of the file.
        kind: Type of each event (`EventType`); 127 for what is larger.
        source: Source of each event (`Source`); -1 for events that have none, 127 for what is larger.
        size: Bytes of each event's text.
        values: JSON values of each event at most (`count_values`).
        part: Number of the file, from 1, that each event stands in; 0 for an event that was made.
        line: Line of that file, from 1, in which the event begins.
        byte: Byte of that file, from 0, at which the event begins.
        window: Number of the window that each event belongs to: its place in `windows`.
        chunk_first: Ordinal of the first event of each chunk, of those of this window.
        chunk_snapshot: Whether a chunk begins at a full snapshot, with the Meta event before it if there is one.
        snapshots: Ordinals of the full snapshots.
        page_starts: Whether the page of a full snapshot was loaded since the one before, as `page_starts` tells it: it
            counts where the recorder notes no loads.
        pointer_ms: Of each thing that the pointer did, in order of time; the columns `pointer_...` belong together.
        pointer_x: CSS pixels from the left (see `MouseMove`).
        pointer_y: CSS pixels from the top.
        pointer_node: rrweb's id of the element under the pointer, -1 if it is not known.
        pointer_kind: `MOVE`, `TOUCH_MOVE` or a key of `CLICKS`.
        viewport_ms: Of each change of the page's size; the first is 0.
        viewport_width: CSS pixels.
        viewport_height: CSS pixels.
        activity: Offsets at which the user did something, ascending (`USER_ACTIVITY`, and typing in rich text).
        focus_ms: Of each change of the focus.
        focus_node: rrweb's id of the element that got the focus, -1 where one lost it.
        selection_snapshot: Number of the full snapshot up to which something is selected, ascending; for each range of
            the selection, and once for none.
        selection_ms: When it was selected.
        selection_ranges: Four columns: rrweb's id of the node in which the range begins, the offset in it, and where it
            ends; -1 as the first for no range.
        canvas_ms: Offsets at which a canvas came into the page or was drawn on.
        forgotten_snapshot: Number, in `snapshots`, of a full snapshot that forgets what a frame holds.
        forgotten_frame: rrweb's id of that frame.
        moving_ms: Offsets at which an event brought content that moves by itself. It moves until it is removed, at the
            latest until the next full snapshot.
        moving_kind: What it is (`Motion`).
        most_nodes: How many nodes its pages have at once, at most.
        first_chunk: Number of the window's first chunk among those of all windows.
        others: Indexes of the other windows that can be shown, in the order of `windows`.
    """

    start_ms: float
    warnings: tuple[str, ...]
    windows: tuple[WindowSummary, ...]
    offset_ms: Floats
    kind: NDArray[np.int8]
    source: NDArray[np.int8]
    size: NDArray[np.uint32]
    values: NDArray[np.uint32]
    part: NDArray[np.int32]
    line: Integers
    byte: Integers
    window: NDArray[np.int16]
    chunk_first: Integers
    chunk_snapshot: NDArray[np.bool_]
    snapshots: Integers
    page_starts: NDArray[np.bool_]
    pointer_ms: Floats
    pointer_x: Floats
    pointer_y: Floats
    pointer_node: Integers
    pointer_kind: NDArray[np.int8]
    viewport_ms: Floats
    viewport_width: Integers
    viewport_height: Integers
    activity: Floats
    focus_ms: Floats
    focus_node: Integers
    selection_snapshot: Integers
    selection_ms: Floats
    selection_ranges: Floats
    canvas_ms: Floats
    forgotten_snapshot: Integers
    forgotten_frame: Integers
    moving_ms: Floats
    moving_kind: NDArray[np.int8]
    most_nodes: int = 0
    first_chunk: int = 0
    others: tuple[RecordingIndex, ...] = ()

    @property
    def number(self) -> int:
        """The window's place in `windows`."""
        return int(self.window[0])

    @property
    def name(self) -> str | None:
        """The recorder's name for the window."""
        return self.windows[self.number].name

    @property
    def session(self) -> tuple[RecordingIndex, ...]:
        """The indexes of all windows that can be shown, this one among them, in the order of `windows`."""
        return tuple(sorted((self, *self.others), key=lambda index: index.number))

    @property
    def session_ms(self) -> float:
        """Milliseconds from the session's first event to its last, in any window that can be shown."""
        return max(index.duration_ms for index in self.session)

    @property
    def begin_ms(self) -> float:
        """Offset of the window's first event."""
        return float(self.offset_ms[0])

    def __len__(self) -> int:
        """How many events the recording has."""
        return len(self.offset_ms)

    @property
    def chunks(self) -> int:
        """How many chunks the recording has."""
        return len(self.chunk_first)

    @property
    def duration_ms(self) -> float:
        """Milliseconds from the recording's first event to the window's last."""
        return float(self.offset_ms[-1])

    @property
    def viewport(self) -> tuple[int, int]:
        """Width and height of the page in CSS pixels at the start."""
        return int(self.viewport_width[0]), int(self.viewport_height[0])

    @cached_property
    def viewports(self) -> list[tuple[float, int, int]]:
        """The sizes of the page as (offset in ms, width, height): at the start and whenever it changes."""
        columns = self.viewport_ms.tolist(), self.viewport_width.tolist(), self.viewport_height.tolist()
        return list(zip(*columns, strict=True))

    @cached_property
    def activity_ms(self) -> list[float]:
        """Offsets in ms at which the user did something, in order."""
        offsets: list[float] = self.activity.tolist()
        return offsets

    @cached_property
    def mouse(self) -> list[MouseMove | MouseClick]:
        """Everything the pointer did, in order of time."""
        columns = (self.pointer_ms, self.pointer_x, self.pointer_y, self.pointer_kind, self.pointer_node)
        return [
            MouseMove(at, x, y, kind == TOUCH_MOVE, node)
            if kind in (MOVE, TOUCH_MOVE)
            else MouseClick(at, x, y, CLICKS[kind], node)
            for at, x, y, kind, node in zip(*(column.tolist() for column in columns), strict=True)
        ]

    @property
    def has_canvas(self) -> bool:
        """True if a canvas appears anywhere: a sandbox without scripts paints none, so the replay needs another."""
        return len(self.canvas_ms) > 0

    @property
    def has_drawing(self) -> bool:
        """True if the recorder wrote down what was drawn on canvases."""
        return bool((self.source == Source.CANVAS_MUTATION).any())

    def find_idle(self, threshold_s: float) -> list[tuple[float, float]]:
        """List the stretches of at least `threshold_s` seconds without user activity.

        Returns:
            (start, end) in ms since the recording's start, in order; its start and its end bound stretches too.
        """
        return find_idle([self], threshold_s)

    def place_of(self, ordinal: int) -> str:
        """Where an event stands in the files, as messages say it."""
        if not self.part[ordinal]:
            return "the recording"
        name = f"part {self.part[ordinal]}" if self.part.max() > 1 else "the recording"
        return f"{name}, line {self.line[ordinal]} (byte {self.byte[ordinal]})"

    def chunks_until(self, end_ms: float) -> int:
        """How many chunks hold everything that happened up to `end_ms`."""
        events = int(np.searchsorted(self.offset_ms, end_ms, side="right"))
        return max(1, int(np.searchsorted(self.chunk_first, events, side="left")))


def find_idle(windows: Sequence[RecordingIndex], threshold_s: float) -> list[tuple[float, float]]:
    """List the stretches of at least `threshold_s` seconds without user activity in any of these windows.

    Returns:
        (start, end) in ms since the recording's start, in order; its start and its end bound stretches too.
    """
    active: list[float] = np.sort(np.concatenate([index.activity for index in windows])).tolist()
    moments = [0.0, *active, max(index.duration_ms for index in windows)]
    return [(start, end) for start, end in pairwise(moments) if end > start and end - start >= threshold_s * 1000]
