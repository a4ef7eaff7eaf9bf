"""Planning for a range reads what its frames can show, and knows of it what planning the whole recording knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.worker.recording_files import as_array, incremental, meta, moves, mutation, snapshot
from video_export_worker.recording import ChunkFolder, Event, Recording, ShownRange, parse_recording
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.recording.chunks import SMALLEST_CHUNK

PADDING = "x" * SMALLEST_CHUNK
STEP_MS = 100
FRAME = {"type": 2, "tagName": "iframe", "attributes": {}, "childNodes": [], "id": 50}
INSIDE = {"type": 0, "childNodes": [], "id": 51}
CANVAS = {"type": 2, "tagName": "canvas", "attributes": {}, "childNodes": [], "id": 60}
SPINNER = {"type": 3, "textContent": "a { animation: spin 1s infinite } " + PADDING, "isStyle": True, "id": 70}


def framed_snapshot(at: int) -> Event:
    """A page with a frame."""
    event = snapshot(at)
    event["data"]["node"]["childNodes"][0]["childNodes"][0]["childNodes"] = [FRAME]
    return event


def meta_elsewhere(at: int) -> Event:
    """The address of another page."""
    event = meta(at)
    event["data"]["href"] = f"https://shop.test/{at}"
    return event


# What happens, one after the other.
HAPPENINGS = {
    "page": lambda at: [{"type": 0, "data": {}, "timestamp": at}, meta(at), snapshot(at)],
    "checkout": lambda at: [meta(at), snapshot(at)],
    "another page": lambda at: [meta_elsewhere(at), snapshot(at)],
    "selection": lambda at: [incremental(at, 14, ranges=[{"start": 5, "startOffset": 0, "end": 5, "endOffset": at}])],
    "nothing selected": lambda at: [incremental(at, 14, ranges=[])],
    "bare snapshot": lambda at: [snapshot(at)],
    "checkout with a frame": lambda at: [meta(at), framed_snapshot(at)],
    "frame": lambda at: [mutation(at, adds=[{"parentId": 4, "nextId": None, "node": FRAME}])],
    "content of the frame": lambda at: [mutation(at, adds=[{"parentId": 50, "nextId": None, "node": INSIDE}])],
    "canvas": lambda at: [mutation(at, adds=[{"parentId": 4, "nextId": None, "node": CANVAS}])],
    "spinner": lambda at: [mutation(at, adds=[{"parentId": 4, "nextId": None, "node": SPINNER}])],
    "text": lambda at: [mutation(at, texts=[{"id": 5, "value": PADDING}])],
    "font": lambda at: [incremental(at, 10, family="a", fontSource="url(a)", buffer=False, padding=PADDING)],
    "pointer": lambda at: [moves(at, (1, 2, 0))],
    "size": lambda at: [incremental(at, 4, width=800 + at, height=600)],
}


def record(names: list[str]) -> list[Event]:
    events = [meta(0), snapshot(0)]
    for number, name in enumerate(names, start=1):
        events += HAPPENINGS[name](number * STEP_MS)
    return events


@given(
    st.lists(st.sampled_from(list(HAPPENINGS)), min_size=3, max_size=30),
    st.integers(0, 32 * STEP_MS),
    st.integers(0, 10 * STEP_MS),
)
# A checkout that forgets what a frame holds: the replay has to begin before it.
@example(["checkout with a frame", "content of the frame", "text", "checkout with a frame", "text"], 450, 100)
@example(["selection", "text", "another page", "text", "selection", "checkout", "text", "checkout", "text"], 850, 100)
@settings(deadline=None)
def test_a_range_is_known_as_well_as_in_the_whole_recording(names: list[str], begin: int, length: int) -> None:
    data = as_array(record(names))
    whole = parse_recording([data])
    part = parse_recording([data], shown=ShownRange(begin, begin + length))
    index, known = part.index, whole.index
    assert len(index) == len(known)
    for at in range(begin, begin + length + 1, STEP_MS // 2):
        assert choose_beginning(index, at) == choose_beginning(known, at), f"the replay to {at} ms begins elsewhere"
        assert_same_chunks(part, whole, at)
    for column in ("pointer_ms", "viewport_ms", "viewport_width", "focus_ms"):
        np.testing.assert_array_equal(getattr(index, column), getattr(known, column), column)
    replayed_ms = choose_beginning(known, begin).at_ms
    for column in ("canvas_ms", "moving_ms"):
        found, expected = (
            every[(every >= replayed_ms) & (every <= begin + length)]
            for every in (getattr(index, column), getattr(known, column))
        )
        np.testing.assert_array_equal(found, expected, f"{column} of the range")


def assert_same_chunks(part: Recording, whole: Recording, at: float) -> None:
    beginning = choose_beginning(whole.index, at)
    stop = max(whole.index.chunks_until(at), beginning.chunk + 1)
    for chunk in (*beginning.font_chunks, *range(beginning.chunk, stop)):
        assert list(part.texts(chunk, chunk + 1)) == list(whole.texts(chunk, chunk + 1)), f"chunk {chunk}"


@pytest.mark.parametrize(
    ("begin", "end", "written"), [(0, 1, [0]), (450, 500, [2]), (250, 450, [1, 2]), (900, 9e9, [3])]
)
def test_chunks_that_no_frame_needs_are_not_written(
    tmp_path: Path, begin: float, end: float, written: list[int]
) -> None:
    events = record(["text", "checkout", "text", "checkout", "text", "checkout"])
    parse_recording([as_array(events)], chunks=ChunkFolder(tmp_path), shown=ShownRange(begin, end))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"chunk-{number:05d}.json" for number in written]


def test_a_page_that_is_not_shown_may_be_nested_too_deeply() -> None:
    node: Event = {"type": 2, "tagName": "b", "attributes": {}, "childNodes": [], "id": 1000}
    for number in range(1001, 1450):
        node = {"type": 2, "tagName": "b", "attributes": {}, "childNodes": [node], "id": number}
    events = record(["text", "checkout", "text"])
    events.insert(3, mutation(150, adds=[{"parentId": 4, "nextId": None, "node": node}]))
    parse_recording([as_array(events)], shown=ShownRange(250, 300))
