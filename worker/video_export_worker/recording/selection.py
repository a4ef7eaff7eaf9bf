"""Which events of a session are shown, in which order, and what begins them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording.events import USER_ACTIVITY, Event, EventType, Source, viewport_of
from video_export_worker.recording.foreign import ACCEPTED
from video_export_worker.recording.index import DEFAULT_VIEWPORT, WindowSummary
from video_export_worker.recording.json_stream import TOO_DEEP
from video_export_worker.recording.problems import Problems
from video_export_worker.recording.spool import Spool
from video_export_worker.recording.strays import LONGEST_PAUSE_MS, find_repeated, find_strays

Rows = NDArray[np.intp]

FRAME_OUTLIVES_MS: Final = 1000.0  # a frame that is removed with its page may still report
# A recorder writes the Meta event, then takes the snapshot. One of long before is of a snapshot that is lost.
LONGEST_SNAPSHOT_MS: Final = 10_000.0
_SOURCE: Final = re.compile(rb'"(?:src|rr_src)"\s*:\s*"((?:[^"\\]|\\.)*+)"')
_USER_ACTIVITY: Final = np.array(sorted(USER_ACTIVITY), np.int8)


@dataclass(frozen=True)
class Selection:
    """The events of a window that are shown.

    Attributes:
        meta: The first one, which says how large the page is.
        window: Number of its window.
        rows: Rows of the others in the spool, in order of time, from the first full snapshot on.
    """

    meta: Event
    window: int
    rows: Rows


@dataclass(frozen=True)
class SessionSelection:
    """The windows that can be shown.

    Attributes:
        selections: Of each window, the one with the most user activity first.
        windows: All windows of the session.
    """

    selections: tuple[Selection, ...]
    windows: tuple[WindowSummary, ...]


def select(spool: Spool, problems: Problems) -> SessionSelection:
    """Choose the windows that can be shown, put the events of each in order, and begin with its first full snapshot.

    Raises:
        RecordingInvalid: if there is nothing that can be replayed, and why.
    """
    if not len(spool):
        raise RecordingInvalid(_explain_no_events(problems))
    repeated = find_repeated(spool)
    if repeated.any():
        problems.note(f"{int(repeated.sum())} of {len(spool)} events were delivered more than once: each is shown once")
    strays = find_strays(spool)
    if strays.any():
        problems.damage(
            f"line {spool.line[np.argmax(strays)]}",
            f"the first of {int(strays.sum())} events that are more than {LONGEST_PAUSE_MS / 86_400_000:g} days before "
            f"or after the other {int((~strays).sum())}: they are not shown",
        )
    playable = _list_playable(spool, ~strays, problems)
    frames = find_frames(spool, playable)
    kept = [number for number in playable if number not in frames]
    _report_windows(spool, playable, frames, problems)
    events = np.bincount(spool.window, minlength=len(spool.windows)).tolist()
    windows = tuple(WindowSummary(name, events[number], number in kept) for number, name in enumerate(spool.windows))
    return SessionSelection(
        tuple(_select_window(spool, number, ~(repeated | strays), problems) for number in kept), windows
    )


def _select_window(spool: Spool, number: int, wanted: NDArray[np.bool_], problems: Problems) -> Selection:
    rows = np.flatnonzero((spool.window == number) & wanted)
    if len(rows) < 2:
        raise RecordingInvalid(
            "the recording holds only one event: a replay needs a full snapshot and what follows it"
            + _mention_first(problems)
        )
    rows = rows[np.argsort(spool.stamp[rows], kind="stable")]
    first = int(np.argmax(spool.kind[rows] == EventType.FULL_SNAPSHOT))
    meta = _find_meta(spool, rows, first, problems)
    return Selection(meta, number, _without_strange_metas(spool, rows[first:]))


def _without_strange_metas(spool: Spool, rows: Rows) -> Rows:
    """The rows without Meta events that no full snapshot follows: they are of a frame, or of nothing that is shown.

    A recorder writes one right before each of its full snapshots.
    """
    kinds = spool.kind[rows]
    telling = np.flatnonzero(np.isin(kinds, (EventType.META, EventType.FULL_SNAPSHOT, EventType.INCREMENTAL_SNAPSHOT)))
    after = np.append(kinds[telling][1:], np.int8(-1))
    strange = telling[(kinds[telling] == EventType.META) & (after != EventType.FULL_SNAPSHOT)]
    return np.delete(rows, strange)


def _list_playable(spool: Spool, wanted: NDArray[np.bool_], problems: Problems) -> list[int]:
    """Numbers of the windows with a full snapshot and more, the one with the most user activity first."""
    count = len(spool.windows)

    def count_by_window(which: NDArray[np.bool_]) -> list[int]:
        counts: list[int] = np.bincount(spool.window[which & wanted], minlength=count).tolist()
        return counts

    snapshots = count_by_window(spool.kind == EventType.FULL_SNAPSHOT)
    activity = count_by_window(np.isin(spool.source, _USER_ACTIVITY))
    events = count_by_window(np.ones(len(spool), bool))
    found = [number for number in range(count) if snapshots[number]]
    if not found:
        if problems.first and TOO_DEEP in problems.first:
            raise RecordingInvalid(f"the recording's page cannot be shown: {problems.first}")
        raise RecordingInvalid(
            f"the recording has no full snapshot among its {len(spool)} events, so there is no page to show; "
            "record with rrweb's snapshots on, and give every part of the recording" + _mention_first(problems)
        )
    whole = [number for number in found if events[number] > 1] or found
    return sorted(whole, key=lambda number: (-activity[number], -events[number], number))


def _report_windows(spool: Spool, playable: Sequence[int], frames: Mapping[int, int], problems: Problems) -> None:
    """Say which windows are not shown, and why."""
    for number, name in enumerate(spool.windows):
        count = int((spool.window == number).sum())
        if number in frames:
            problems.note(
                f"{name} is a frame of the window {spool.windows[frames[number]]}: its {count} events are not shown"
            )
        elif number not in playable:
            problems.note(
                f"the window {name} cannot be shown: its {count} events hold no full snapshot, or nothing else"
            )


def find_frames(spool: Spool, windows: Sequence[int]) -> dict[int, int]:
    """Find the windows that are frames in the page of another one, which recorders of frames report as windows.

    Such a window is smaller than the other one, shows the address that an iframe of the other has, and the other was
    there first and ends no sooner.

    Returns:
        Numbers of such windows, with the number of the window that holds each.
    """
    if len(windows) < 2:
        return {}
    metas = {number: _first_meta(spool, number) for number in windows}
    shown = {number: _describe(spool, number, meta) for number, meta in metas.items() if meta is not None}
    addresses = frozenset(window.address for window in shown.values())
    framed: dict[int, frozenset[bytes]] = {}  # of each window that was looked into
    found: dict[int, int] = {}
    for frame, inner in shown.items():
        for other, outer in shown.items():
            if other == frame or not _may_hold(outer, inner):
                continue
            if other not in framed:
                framed[other] = _list_framed(spool, other, addresses)
            if inner.address in framed[other]:
                if other not in found:
                    found[frame] = other
                break
    return found


@dataclass(frozen=True)
class _Shown:
    """What is known of a window, for telling whether it is a frame of another.

    Attributes:
        size: Of its page, in CSS pixels.
        address: Of its page, as JSON has it.
        begins: Timestamp of its first event.
        ends: Of its last.
    """

    size: tuple[int, int]
    address: bytes
    begins: float
    ends: float


def _describe(spool: Spool, number: int, meta: Event) -> _Shown:
    size = viewport_of(meta)
    assert size is not None
    stamps = spool.stamp[spool.window == number]
    address = json.dumps(meta["data"]["href"], ensure_ascii=False)[1:-1].encode(errors="replace")
    return _Shown(size, address, float(stamps.min()), float(stamps.max()))


def _first_meta(spool: Spool, number: int) -> Event | None:
    rows = np.flatnonzero((spool.window == number) & (spool.kind == EventType.META))
    sized = (event for event in _decode(spool, rows) if viewport_of(event) and event["data"].get("href"))
    return next((event for event in sized if isinstance(event["data"]["href"], str)), None)


def _may_hold(outer: _Shown, inner: _Shown) -> bool:
    is_inside = outer.size != inner.size and all(
        small <= large for small, large in zip(inner.size, outer.size, strict=True)
    )
    return is_inside and outer.begins <= inner.begins and outer.ends >= inner.ends - FRAME_OUTLIVES_MS


def _list_framed(spool: Spool, number: int, addresses: frozenset[bytes]) -> frozenset[bytes]:
    """Which of these addresses iframes in a window's pages have."""
    is_page = (spool.kind == EventType.FULL_SNAPSHOT) | (spool.source == Source.MUTATION)
    texts = spool.read(np.flatnonzero((spool.window == number) & is_page))
    sources = (found[1] for text in texts if b"iframe" in text for found in _SOURCE.finditer(text))
    return frozenset(
        address for source in sources for address in (source, source.removesuffix(b"/")) if address in addresses
    )


def _find_meta(spool: Spool, rows: Rows, first: int, problems: Problems) -> Event:
    """Find or make the Meta event of the first full snapshot. Other events before the snapshot are lost."""
    stamps = spool.stamp[rows]
    lost = np.flatnonzero(spool.kind[rows[:first]] == EventType.INCREMENTAL_SNAPSHOT)
    if len(lost):
        problems.note(
            f"the first full snapshot comes {(stamps[first] - stamps[lost[0]]) / 1000:.1f} s after the first change: "
            f"{len(lost)} events before it cannot be shown"
        )
    earlier = rows[:first][spool.kind[rows[:first]] == EventType.META]
    meta = next((event for event in _decode(spool, earlier[::-1]) if viewport_of(event) is not None), None)
    snapshot_stamp = _as_number(stamps[first])
    meta = meta or _make_meta(spool, rows, earlier, snapshot_stamp, problems)
    # Nothing is shown until the snapshot, so the recording's time begins with it.
    if len(lost) or snapshot_stamp - meta["timestamp"] > LONGEST_SNAPSHOT_MS:
        meta = {**meta, "timestamp": snapshot_stamp}
    return meta


def _make_meta(spool: Spool, rows: Rows, earlier: Rows, stamp: float, problems: Problems) -> Event:
    """Make the Meta event that the snapshot lacks, with the first size that the recording names at all.

    Those before it have no size, and may have the page's address.
    """
    sized = rows[(spool.kind[rows] == EventType.META) | (spool.source[rows] == Source.VIEWPORT_RESIZE)]
    width, height = next(filter(None, map(viewport_of, _decode(spool, sized))), DEFAULT_VIEWPORT)
    problems.note(f"no window size is recorded for the first full snapshot: {width}x{height} is assumed")
    href = next(filter(None, (event["data"].get("href") for event in _decode(spool, earlier[::-1]))), "")
    return {"type": int(EventType.META), "data": {"href": href, "width": width, "height": height}, "timestamp": stamp}


def _decode(spool: Spool, rows: Rows) -> Any:
    return map(json.loads, spool.read(rows))


def _as_number(stamp: float) -> float:
    """The timestamp as the recording writes it: mostly a whole number."""
    return int(stamp) if float(stamp).is_integer() else float(stamp)


def _explain_no_events(problems: Problems) -> str:
    if problems.first:
        return f"the recording holds no event that can be replayed: {ACCEPTED}; the first problem: {problems.first}"
    return "the recording is empty: it holds no events"


def _mention_first(problems: Problems) -> str:
    """What is missing may be what could not be read."""
    return f" (the first problem in it: {problems.first})" if problems.first else ""
