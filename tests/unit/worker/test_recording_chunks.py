"""An index and chunks say what the events say, wherever a recording is cut."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.worker.recording_files import as_array, incremental, meta, moves, mutation, session, snapshot
from video_export_worker.errors import RecordingTooLarge
from video_export_worker.recording import (
    INDEX_NAME,
    ChunkFolder,
    Event,
    Motion,
    RecordingIndex,
    RecordingLimits,
    open_recording,
    parse_recording,
    save_index,
)
from video_export_worker.recording.chunks import CHUNK_BYTES, SMALLEST_CHUNK, lay_chunks

PADDING = "x" * SMALLEST_CHUNK


def long_session() -> list[Event]:
    """Three pages of some chunks each; the second snapshot has no Meta event."""
    events = session()
    for begin, has_meta in ((3000, False), (6000, True)):
        events += [*([meta(begin)] if has_meta else []), snapshot(begin)]
        events += [incremental(begin + 1 + at, 11, text=PADDING) for at in range(80)]
    return events


def test_chunks_hold_all_events_in_order_and_begin_at_snapshots() -> None:
    events = long_session()
    recording = parse_recording([as_array(events)])
    index = recording.index
    chunks = [json.loads(text) for text in recording.texts(0, index.chunks)]
    assert [event for chunk in chunks for event in chunk] == events
    assert np.diff(index.chunk_first, append=len(index)).tolist() == list(map(len, chunks))
    kinds = [[event["type"] for event in chunk[:2]] for chunk in chunks]
    assert list(index.chunk_snapshot) == [2 in kind for kind in kinds]
    assert kinds[0] == [4, 2]
    assert [4, 2] in kinds[1:], "a chunk begins with the Meta event before its snapshot"


@given(st.lists(st.tuples(st.sampled_from([2, 3, 4]), st.integers(1, CHUNK_BYTES * 2)), min_size=1, max_size=40))
def test_chunks_are_as_large_as_they_may_be(rows: list[tuple[int, int]]) -> None:
    kind, size = (np.array(column) for column in zip(*rows, strict=True))
    first, begins = lay_chunks(kind, size)
    assert first[0] == 0
    assert (np.diff(first) > 0).all()
    for start, stop, at_snapshot in zip(first, [*first[1:], len(rows)], begins, strict=True):
        whole = list(kind[start : start + 2]) == [4, 2]
        assert size[start:stop].sum() <= CHUNK_BYTES or stop == start + 1 + whole
        assert at_snapshot == (kind[start] == 2 or whole)
        assert list(kind[start - 1 : start + 1]) != [4, 2], "a snapshot without its Meta event"
        inside = [at for at in range(start + 1, stop) if kind[at] == 2]
        # A snapshot within a chunk comes too soon after its begin to be worth another one.
        assert all(size[start : at - (kind[at - 1] == 4)].sum() < SMALLEST_CHUNK for at in inside)


def test_an_index_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    written = parse_recording([as_array([*long_session(), 17])], chunks=ChunkFolder(tmp_path))
    save_index(written.index, tmp_path / INDEX_NAME)
    data = (tmp_path / INDEX_NAME).read_bytes()
    save_index(written.index, tmp_path / INDEX_NAME)
    assert (tmp_path / INDEX_NAME).read_bytes() == data, "the same index gives the same bytes"
    read = open_recording(tmp_path)
    assert read.events == written.events
    for field in fields(RecordingIndex):
        one, other = getattr(written.index, field.name), getattr(read.index, field.name)
        assert np.array_equal(one, other), field.name
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None), field.name


def test_an_index_says_what_each_event_is() -> None:
    sheet = {"type": 3, "textContent": "@keyframes a {} .b { animation: a 1s infinite; transition: all 1s }", "id": 9}
    page = [meta(), snapshot(), mutation(500, adds=[{"parentId": 3, "nextId": None, "node": sheet}])]
    events = [*page, incremental(600, 2, type=5, id=7), incremental(700, 2, type=6, id=7), {**meta(800), "type": 999}]
    index = parse_recording([as_array(events)]).index
    assert index.kind.tolist() == [4, 2, 3, 3, 3, 127]
    assert index.source.tolist() == [-1, -1, 0, 2, 2, -1]
    assert index.size[1:].tolist() == [len(as_array(event)) for event in events[1:]]
    assert (index.snapshots.tolist(), index.duration_ms) == ([1], 800)
    assert list(zip(index.focus_ms.tolist(), index.focus_node.tolist(), strict=True)) == [(600, 7), (700, -1)]
    moving = list(zip(index.moving_ms.tolist(), index.moving_kind.tolist(), strict=True))
    assert moving == [(500, Motion.ANIMATION), (500, Motion.TRANSITION), (500, Motion.KEYFRAMES)]


@pytest.mark.parametrize(
    ("text", "moving"),
    [
        ("a transition to keyframes that are infinite", []),
        ("{ } transition", []),
        ("p { transition: all 1s }", [Motion.TRANSITION]),
        ("p { animation: a 1s infinite }", [Motion.ANIMATION]),
        ("@keyframes a { to { top: 0 } }", [Motion.TRANSITION, Motion.KEYFRAMES]),
    ],
)
def test_a_changed_text_moves_something_only_as_a_style_sheet(text: str, moving: list[Motion]) -> None:
    events = [meta(), snapshot(), mutation(500, texts=[{"id": 9, "value": text}])]
    assert parse_recording([as_array(events)]).index.moving_kind.tolist() == moving


def test_events_that_come_out_of_order_are_followed_in_order_of_time() -> None:
    """Whether a text is typed depends on the page that it is typed into."""
    page = snapshot()
    page["data"]["node"]["childNodes"][0]["childNodes"][0]["attributes"] = {"contenteditable": ""}
    typed = mutation(500, texts=[{"id": 3, "value": "a"}])
    index = parse_recording([as_array([typed, moves(900, (1, 1, 0)), page, meta()])]).index
    assert index.activity_ms == [500, 900, 900]
    assert index.offset_ms.tolist() == [0, 1, 500, 900]


def test_until_a_time_only_the_chunks_up_to_it_are_needed() -> None:
    index = parse_recording([as_array(long_session())]).index
    assert [index.chunks_until(at) for at in (-1, 0, 2999, index.duration_ms)] == [1, 1, 1, index.chunks]
    for stop in range(1, index.chunks):
        begins = float(index.offset_ms[index.chunk_first[stop]])
        assert (index.chunks_until(begins - 0.5), index.chunks_until(begins)) == (stop, stop + 1)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (RecordingLimits(values=1000), "larger than 1,000 JSON values"),
        (RecordingLimits(event_values=1000), "an event of the recording holds more than 1,000 JSON values"),
        (RecordingLimits(event_bytes=1000), "an event of the recording is larger than 1,000 bytes"),
    ],
)
def test_values_are_limited_beside_bytes(limits: RecordingLimits, message: str) -> None:
    crowd = {"type": 5, "data": {"payload": [[]] * 2000}, "timestamp": session()[0]["timestamp"] + 9}
    with pytest.raises(RecordingTooLarge, match=message):
        parse_recording([as_array([*session(), crowd])], limits=limits)
