"""What a recording tells about itself, and the laws that hold for every recording."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.snapshots import Page
from tests.unit.worker.recording_files import (
    START,
    as_array,
    as_lines,
    incremental,
    meta,
    moves,
    mutation,
    session,
    snapshot,
)
from video_export_worker.errors import VideoExportError
from video_export_worker.recording import (
    ClickKind,
    Event,
    MouseClick,
    MouseMove,
    Recording,
    parse_recording,
)


def parse(*events: Event) -> Recording:
    return parse_recording([as_array(list(events))])


def test_time_starts_with_the_meta_event_of_the_first_snapshot() -> None:
    recording = parse(*session())
    assert recording.start_ms == START
    assert recording.duration_ms == 2000


def test_events_of_one_moment_keep_the_order_of_the_file() -> None:
    first, second = mutation(500, texts=[{"id": 3, "value": "a"}]), mutation(500, texts=[{"id": 3, "value": "b"}])
    recording = parse(incremental(900, 3, id=1, x=0, y=1), meta(), snapshot(), first, second)
    assert recording.events[2:4] == [first, second]
    assert [event["timestamp"] - START for event in recording.events] == [0, 1, 500, 500, 900]


def test_what_happened_before_the_first_snapshot_is_dropped_with_a_warning() -> None:
    lost = incremental(-4000, 3, id=1, x=0, y=1)
    recording = parse(meta(-5000), lost, snapshot(1000), moves(1500, (1, 1, 0)))
    assert recording.events[0] == meta(1000)
    assert recording.duration_ms == 500
    assert recording.warnings == [
        "the first full snapshot comes 5.0 s after the first change: 1 events before it cannot be shown"
    ]


def test_a_meta_event_of_long_before_begins_no_video_of_a_page_that_is_not_there_yet() -> None:
    recording = parse(meta(-3_600_000), snapshot(1), moves(1500, (1, 1, 0)))
    assert (recording.events[0], recording.duration_ms) == (meta(1), 1499)
    assert parse(meta(-4000), snapshot(1), moves(1500, (1, 1, 0))).duration_ms == 5500


YEAR = 365 * 86_400_000.0


@pytest.mark.parametrize("at", [-START, 3 * YEAR], ids=["before", "after"])
def test_an_event_of_another_time_makes_no_video_of_years(at: float) -> None:
    recording = parse(*session(), incremental(at, 3, id=1, x=0, y=1))
    assert recording.events == session()
    assert recording.duration_ms == 2000
    assert recording.warnings == [
        "line 1: the first of 1 events that are more than 30 days before or after the other 6: they are not shown"
    ]


def test_a_session_may_pause_for_days() -> None:
    later = moves(3 * 86_400_000, (1, 1, 0))
    assert parse(*session(), later).events == [*session(), later]


def test_a_window_of_another_time_is_not_shown() -> None:
    old = [["b", event] for event in (meta(-YEAR), snapshot(-YEAR + 1), moves(-YEAR + 5, (1, 1, 0)))]
    recording = parse_recording([as_lines([*old, *(["a", event] for event in session())])])
    assert [window.kept for window in recording.windows] == [False, True]
    assert recording.duration_ms == 2000


def test_load_events_before_the_snapshot_are_nobody_s_loss() -> None:
    recording = parse(
        {"type": 0, "data": {}, "timestamp": START - 9}, {"type": 1, "data": {}, "timestamp": START - 5}, *session()
    )
    assert recording.events == session()
    assert recording.warnings == []


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([snapshot(), meta(500, 640, 480)], (640, 480)),
        ([snapshot(), incremental(500, 4, width=320, height=200)], (320, 200)),
        ([meta(0, 0, 0), snapshot(), mutation(5)], (1280, 720)),
    ],
)
def test_a_size_that_is_not_recorded_is_assumed_with_a_warning(events: list[Event], expected: tuple[int, int]) -> None:
    recording = parse(*events)
    assert recording.viewport == expected
    assert recording.events[0]["type"] == 4
    assert f"{expected[0]}x{expected[1]} is assumed" in recording.warnings[0]


def test_viewports_are_every_change_of_size_once() -> None:
    recording = parse(
        meta(), snapshot(), incremental(700, 4, width=400, height=600), incremental(800, 4, width=400, height=600),
        meta(900, 0, 0), snapshot(901), meta(1200, 800.4, 600), snapshot(1201),
    )  # fmt: skip
    assert recording.viewports == [(0.0, 800, 600), (700.0, 400, 600), (1200.0, 800, 600)]
    assert recording.viewport == (800, 600)


def test_each_window_is_a_recording_on_the_clock_of_all() -> None:
    quiet = [["quiet", event] for event in (meta(), snapshot(), *(mutation(100 + at) for at in range(20)))]
    busy = [["busy", event] for event in (meta(50), snapshot(51), incremental(60, 3, id=1, x=0, y=5))]
    blind = [["blind", incremental(70 + at, 3, id=1, x=0, y=5)] for at in range(9)]
    recording = parse_recording([as_lines([*quiet, *busy, *blind])])
    assert recording.events == [event for _, event in busy]
    assert [(window.name, window.events, window.kept) for window in recording.windows] == [
        ("quiet", 22, True),
        ("busy", 3, True),
        ("blind", 9, False),
    ]
    assert set(recording.index.window) == {1}, "each event names its window by its place in `windows`"
    assert recording.warnings == [
        "the window blind cannot be shown: its 9 events hold no full snapshot, or nothing else"
    ]
    other = recording.session[0]
    assert other.events == [event for _, event in quiet]
    assert [(index.name, index.begin_ms, index.duration_ms) for index in recording.index.session] == [
        ("quiet", 0, 119),
        ("busy", 50, 60),
    ]
    assert recording.index.session_ms == 119


def test_the_pointer_is_every_position_and_click_in_order() -> None:
    recording = parse(
        meta(), snapshot(), moves(1000, (10, 20, -450), (30, 40, 0)), incremental(600, 2, type=1, id=5, x=11, y=21),
        incremental(1100, 2, type=5, id=5), incremental(1200, 2, type=4, id=5, x=12.5, y=22),
    )  # fmt: skip
    assert recording.mouse == [
        MouseMove(550, 10, 20, False, 3),
        MouseClick(600, 11, 21, ClickKind.DOWN, 5),
        MouseMove(1000, 30, 40, False, 3),
        MouseClick(1200, 12.5, 22, ClickKind.DOUBLE_CLICK, 5),
    ]


def test_touch_moves_are_fingers_only_where_something_was_touched() -> None:
    """rrweb reports a mouse inside of an iframe as touch."""
    in_frame = moves(1000, (1, 2, 0), source=6)
    assert parse(meta(), snapshot(), in_frame).mouse == [MouseMove(1000, 1, 2, False, 3)]
    touched = parse(meta(), snapshot(), incremental(900, 2, type=7, id=3, x=1, y=1), in_frame)
    assert touched.mouse[-1] == MouseMove(1000, 1, 2, True, 3)


def test_a_move_that_began_before_the_recording_stays_inside_of_it() -> None:
    assert [at.offset_ms for at in parse(meta(), snapshot(), moves(100, (1, 1, -450), (2, 2, -20))).mouse] == [0, 80]


def test_activity_is_what_a_user_does() -> None:
    recording = parse(
        meta(), snapshot(), mutation(50), moves(1000, (1, 1, -450), (2, 2, -100)), incremental(1500, 7, type=0, id=3),
        incremental(1600, 12, positions=[{"x": 1, "y": 1, "timeOffset": 0}]), incremental(1700, 9, id=3),
        incremental(1800, 5, id=3, text="x"), incremental(1900, 11, level="log"),
    )  # fmt: skip
    assert recording.activity_ms == [550, 900, 1500, 1600, 1600, 1800]


def test_typing_in_a_rich_text_editor_is_activity() -> None:
    """rrweb reports it as changed text only; text that the page itself changes elsewhere is none."""
    text = {"type": 3, "textContent": "a", "id": 8}
    editor = {"type": 2, "tagName": "div", "attributes": {"contenteditable": "true"}, "childNodes": [text], "id": 7}
    clock = {"type": 3, "textContent": "9:00", "id": 9}
    page = snapshot()
    page["data"]["node"]["childNodes"][0]["childNodes"] += [editor, clock]
    added = {"parentId": 7, "nextId": None, "node": {"type": 3, "textContent": "c", "id": 20}}
    recording = parse(
        meta(),
        page,
        mutation(100, texts=[{"id": 9, "value": "9:01"}]),
        mutation(200, texts=[{"id": 8, "value": "ab"}]),
        mutation(300, adds=[added]),
        mutation(400, texts=[{"id": 20, "value": "cd"}]),
        mutation(500, removes=[{"id": 9}]),
    )
    assert recording.activity_ms == [200, 300, 400]


def test_idle_stretches_are_bound_by_activity_and_by_the_recording() -> None:
    recording = parse(
        meta(), snapshot(), incremental(20_000, 3, id=1, x=0, y=0), incremental(29_999, 3, id=1, x=0, y=1),
        mutation(35_000), incremental(39_999, 3, id=1, x=0, y=0), mutation(60_000),
    )  # fmt: skip
    assert recording.find_idle(10) == [(0, 20_000), (29_999, 39_999), (39_999, 60_000)]
    assert recording.find_idle(10.001) == [(0, 20_000), (39_999, 60_000)]
    assert parse(*session()).find_idle(10) == []


@pytest.mark.parametrize(
    "events",
    [
        [meta(), snapshot(tag="canvas"), mutation(9)],
        [
            meta(),
            snapshot(),
            mutation(9, adds=[{"parentId": 3, "nextId": None, "node": {"type": 2, "tagName": "CANVAS"}}]),
        ],
        [meta(), snapshot(), incremental(9, 9, id=3, type=0, commands=[])],
    ],
)
def test_a_canvas_is_found_wherever_it_appears(events: list[Event]) -> None:
    assert parse(*events).has_canvas
    assert not parse(*session()).has_canvas


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OTHERS = st.builds(
    lambda at, data, kind: {"type": kind, "data": data, "timestamp": START + at},
    st.integers(0, 100_000) | st.floats(0, 100_000),
    JSON,
    st.integers(5, 12),
)
SCROLLS = st.builds(lambda at, y: incremental(at, 3, id=1, x=0, y=y), st.integers(0, 100_000), st.floats(0, 1e5))


@given(st.lists(OTHERS | SCROLLS, min_size=1, max_size=12, unique_by=json.dumps), st.randoms(use_true_random=False))
def test_any_recording_is_read_back_as_it_was_written(events: list[Event], shuffler: random.Random) -> None:
    everything = [meta(-1), snapshot(-1), *events]
    shuffler.shuffle(everything)
    # The Meta event has to stay before the snapshot: they share a moment.
    everything.sort(key=lambda event: event["type"] != 4)
    recording = parse_recording([as_array(everything)], strict=True)
    again = parse_recording(list(map(str.encode, recording.texts(0, recording.index.chunks))), strict=True)
    assert (again.events, again.warnings) == (recording.events, [])
    stamps = [event["timestamp"] for event in recording.events]
    assert stamps == sorted(stamps)
    assert sorted(map(json.dumps, recording.events)) == sorted(map(json.dumps, everything))


def mutilate(data: bytes, cuts: list[tuple[int, bytes]]) -> bytes:
    for at, replacement in cuts:
        at %= len(data) + 1
        data = data[:at] + replacement + data[at + len(replacement) :]
    return data


CUTS = st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4)), max_size=6)
FILES = [
    as_array(session()),
    as_lines([["w", event] for event in session()]),
    gzip.compress(as_array(session()), mtime=0),
]


@given(st.binary(max_size=200) | st.builds(mutilate, st.sampled_from(FILES), CUTS))
def test_any_bytes_are_a_recording_or_a_typed_error(data: bytes) -> None:
    check_usable_or_refused(data)


@given(
    st.lists(
        JSON | st.builds(lambda event, data: {**event, "data": data}, st.sampled_from(session()), JSON), max_size=6
    )
)
def test_any_json_is_a_recording_or_a_typed_error(values: list[Any]) -> None:
    check_usable_or_refused(as_array(values))
    for data in (as_array([*session(), *values]), as_lines([*session(), *values])):
        check_usable_or_refused(data)


def check_usable_or_refused(data: bytes) -> None:
    """Every other exception than the typed ones fails the test."""
    refused = None
    try:
        check_usable(parse_recording([data]))
    except VideoExportError as error:
        refused = error
    assert refused is None or str(refused)


def check_usable(recording: Recording) -> None:
    assert recording.duration_ms >= 0
    assert recording.events[0]["type"] == 4
    assert any(event["type"] == 2 for event in recording.events)
    assert all(0 <= action.offset_ms <= recording.duration_ms for action in recording.mouse)
    assert recording.activity_ms == sorted(recording.activity_ms)
    assert isinstance(recording.has_canvas, bool)
    assert recording.find_idle(1) is not None
    assert min(recording.viewport) >= 1
    assert parse_recording([as_array(recording.events)]).events == recording.events


def test_the_nodes_of_the_largest_page_are_counted() -> None:
    page = Page()
    body = page.element("div")
    page.show(page.document([body]))
    first = page.recording().index.most_nodes
    rows = [page.element("p", page.element("b", "text")) for _ in range(100)]
    for number, row in enumerate(rows):  # a list of which ten rows are there at once
        page.append(100 + number, body, row)
        if number >= 10:
            page.remove(100 + number, body, rows[number - 10])
    page.show(page.document([]), 500)
    recording = page.end(600).recording()
    assert recording.index.most_nodes == first + 3 * 11
    with_more = parse_recording([json.dumps(page.events).encode()])
    assert with_more.index.most_nodes == recording.index.most_nodes
