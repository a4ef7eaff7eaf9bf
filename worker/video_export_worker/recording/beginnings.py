"""Where a replay begins: at a full snapshot, and what a page has kept from the time before it.

What is shown after a full snapshot depends on the snapshot, on what happens after it, and on its `PageContext`. The
context comes from the index, so it is the same whether the time before was replayed or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.recording.events import EventType, Source
from video_export_worker.recording.index import RecordingIndex

LOADS: Final = (EventType.DOM_CONTENT_LOADED, EventType.LOAD)
PAGE_EVENTS: Final = (*LOADS, EventType.FULL_SNAPSHOT)


@dataclass(frozen=True)
class PageContext:
    """What the page of a full snapshot has from the time before.

    Attributes:
        continues: the page was there before: a recorder took the snapshot without anything having been loaded.
        pointer: where the pointer was last: CSS pixels from the left, from the top, and rrweb's id of the element.
        focus: rrweb's id of the element with the focus.
        selection: ranges that are selected: ids of the nodes in which they begin and end, each with the offset in it.
        frames: rrweb's ids of frames that keep what they hold: the snapshot lists them, and nothing fills them again.
    """

    continues: bool = False
    pointer: tuple[float, float, int] | None = None
    focus: int | None = None
    selection: tuple[tuple[int, float, int, float], ...] = ()
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Beginning:
    """Where a replay begins.

    Attributes:
        chunk: the first that is handed over.
        at_ms: time of its first full snapshot.
        page_ms: time of the first full snapshot of the same page.
        viewport: CSS pixels of the page before the chunk's events.
        contexts: of every full snapshot from the chunk's first on.
        font_chunks: earlier ones with fonts that the page has added.
    """

    chunk: int
    at_ms: float
    page_ms: float
    viewport: tuple[int, int]
    contexts: tuple[PageContext, ...]
    font_chunks: tuple[int, ...]


def choose_beginning(index: RecordingIndex, at_ms: float) -> Beginning:
    """The last chunk that begins at a full snapshot of `at_ms` or before; the first chunk where there is none.

    A replay cannot begin at a snapshot whose page keeps frames from the time before.
    """
    firsts = np.searchsorted(index.snapshots, index.chunk_first)  # for each chunk its first snapshot's number, if any
    begins = index.chunk_snapshot & (firsts < len(index.snapshots))
    continues, page_ms = _follow_pages(index)
    keeps = np.isin(np.arange(len(index.snapshots) + 1), index.forgotten_snapshot)
    begins &= ~(keeps & np.append(continues, False))[firsts]
    times = index.offset_ms[index.snapshots[np.minimum(firsts, len(index.snapshots) - 1)]]
    chunks = np.flatnonzero(begins & (times <= at_ms))
    chunk = int(chunks[-1]) if len(chunks) else 0
    first = int(firsts[chunk])
    ordinal = index.snapshots[first]
    begin_ms = float(index.offset_ms[ordinal])
    size = max(0, int(np.searchsorted(index.viewport_ms, begin_ms, side="right")) - 1)
    return Beginning(
        chunk=chunk,
        at_ms=begin_ms,
        page_ms=float(page_ms[first]),
        viewport=(int(index.viewport_width[size]), int(index.viewport_height[size])),
        contexts=tuple(
            _read_context(index, number, bool(continues[number]), float(page_ms[number]))
            for number in range(first, len(index.snapshots))
        ),
        font_chunks=_find_font_chunks(index, chunk, float(page_ms[first])) if continues[first] else (),
    )


def _follow_pages(index: RecordingIndex) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """For each full snapshot whether it continues a page, and when that page's first one was.

    A page is loaded where the recorder saw that: DomContentLoaded, or Load without one before it. A Load that follows
    the DomContentLoaded of the same page, which may come after the first snapshot, begins no other. A recorder that is
    started when its page has loaded sees neither, so where none was seen the snapshots themselves tell (`page_starts`).
    """
    continues = np.zeros(len(index.snapshots), bool)
    page_ms = np.zeros(len(index.snapshots))
    is_new, awaits_load, number = True, False, 0
    tells_loads = bool(np.isin(index.kind, LOADS).any())
    for ordinal in np.flatnonzero(np.isin(index.kind, PAGE_EVENTS)).tolist():
        kind = index.kind[ordinal]
        if kind == EventType.DOM_CONTENT_LOADED:
            is_new = awaits_load = True
        elif kind == EventType.LOAD:
            is_new |= not awaits_load
            awaits_load = False
        else:
            is_new |= not tells_loads and bool(index.page_starts[number])
            continues[number] = not is_new
            page_ms[number] = index.offset_ms[ordinal] if is_new else page_ms[number - 1]
            is_new, number = False, number + 1
    return continues, page_ms


def _read_context(index: RecordingIndex, number: int, continues: bool, page_ms: float) -> PageContext:
    if not continues:
        return PageContext()
    at_ms = index.offset_ms[index.snapshots[number]]
    pointer = focus = None
    here = int(np.searchsorted(index.pointer_ms, at_ms, side="right")) - 1
    if here >= 0 and index.pointer_ms[here] >= page_ms and index.pointer_node[here] >= 0:
        pointer = float(index.pointer_x[here]), float(index.pointer_y[here]), int(index.pointer_node[here])
    here = int(np.searchsorted(index.focus_ms, at_ms, side="right")) - 1
    if here >= 0 and index.focus_ms[here] >= page_ms and index.focus_node[here] >= 0:
        focus = int(index.focus_node[here])
    frames = index.forgotten_frame[index.forgotten_snapshot == number]
    return PageContext(True, pointer, focus, _read_selection(index, number, page_ms), tuple(frames.tolist()))


def _read_selection(index: RecordingIndex, number: int, page_ms: float) -> tuple[tuple[int, float, int, float], ...]:
    last = int(np.searchsorted(index.selection_snapshot, number, side="right"))
    if not last or index.selection_ms[last - 1] < page_ms:
        return ()
    rows = index.selection_snapshot == index.selection_snapshot[last - 1]
    return tuple(
        (int(start), start_offset, int(end), end_offset)
        for start, start_offset, end, end_offset in index.selection_ranges[rows].tolist()
        if start >= 0
    )


def _find_font_chunks(index: RecordingIndex, chunk: int, page_ms: float) -> tuple[int, ...]:
    before = slice(0, int(index.chunk_first[chunk]))
    fonts = np.flatnonzero((index.source[before] == Source.FONT) & (index.offset_ms[before] >= page_ms))
    return tuple(np.unique(np.searchsorted(index.chunk_first, fonts, side="right") - 1).tolist())
