"""What an event cannot be applied with is named; what else it brings is applied."""

from __future__ import annotations

from typing import Any

import pytest

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
from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording import Event, parse_recording

SESSION = session()
NODE = {"type": 2, "tagName": "p", "attributes": {}, "childNodes": [], "id": 20}
ADD = {"parentId": 3, "nextId": None, "node": NODE}
TEXT = {"id": 9, "value": "new"}


def sheet(at: float, **fields: Any) -> Event:
    return incremental(at, 8, id=5, **fields)


SKIPPED: dict[str, tuple[Event, str]] = {
    "an unknown interaction": (incremental(700, 2, type=11, id=3), "mouse interaction: `type` must be a kind of"),
    "an interaction with nothing": (incremental(700, 2, type=2), "mouse interaction: `id` must be the id of a node"),
    "a selection without ranges": (incremental(700, 14), "selection: `ranges` must be a list, not missing"),
    "a scroll to nowhere": (incremental(700, 3, id=1, x=0), "scroll: `y` must be a number, not missing"),
    "a resize to words": (
        incremental(700, 4, width="wide", height=1),
        "resize: `width` must be .* not 'wide'",
    ),
    "a resize to a wall": (incremental(700, 4, width=9, height=1e9), "viewport resize: `height` must be a number of"),
    "input of nothing": (incremental(700, 5, text="x", isChecked=False), "input: `id` must be"),
    "an unknown media interaction": (incremental(700, 7, id=3, type="play"), "media interaction: `type` must be"),
    "a font without a source": (incremental(700, 10, family="A"), "font: `fontSource` must be text, not missing"),
    "a style of no rule": (incremental(700, 13, id=3, index="0", set={}), "style declaration: `index` must be a list"),
    "adopted by nobody": (incremental(700, 15, styleIds=[1]), "adopted style sheet: `id` must be"),
    "adopted nothing": (
        incremental(700, 15, id=3, styleIds=["a"]),
        "sheet: `styleIds` must be a list",
    ),
    "a canvas nowhere": (incremental(700, 9, commands=[]), "canvas mutation: `id` must be"),
    "a snapshot of a text": (
        {"type": 2, "timestamp": START + 700, "data": {"node": {"type": 3, "textContent": "x"}}},
        "full snapshot: `data.node` is not a document: its `type` is 3",
    ),
    "a snapshot of a kind that is an object": (
        {"type": 2, "timestamp": START + 700, "data": {"node": {"type": {"type": 0}}}},
        "full snapshot: `data.node` is not a document: its `type` is an object",
    ),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_an_event_that_cannot_be_applied_is_skipped_with_its_line_its_kind_and_the_reason(name: str) -> None:
    event, message = SKIPPED[name]
    data = as_lines([*SESSION[:3], event, *SESSION[3:]])
    recording = parse_recording([data])
    assert recording.events == SESSION
    [warning] = recording.warnings
    assert warning.startswith("skipped the recording, line 4 (byte ")
    with pytest.raises(RecordingInvalid, match=message):
        parse_recording([data], strict=True)


MENDED: dict[str, tuple[Event, Event, str]] = {
    "adds without a node": (
        mutation(700, adds=[{"parentId": 3}, ADD, None, {**ADD, "node": None}], texts=[TEXT]),
        mutation(700, adds=[ADD], texts=[TEXT]),
        "mutation: left out 3 of 4 `adds`: `node` must be an object, not missing",
    ),
    "a node of no kind": (
        mutation(700, adds=[{**ADD, "node": {"type": 9, "id": 30}}, ADD]),
        mutation(700, adds=[ADD]),
        "mutation: left out 1 of 2 `adds`: a node of the type 9 cannot be there",
    ),
    "a change of no attributes": (
        mutation(700, attributes=[{"id": 2}, {"id": 3, "attributes": {"class": "a"}}]),
        mutation(700, attributes=[{"id": 3, "attributes": {"class": "a"}}]),
        "mutation: left out 1 of 2 `attributes`: `attributes` must be an object, not missing",
    ),
    "texts that are no list": (
        mutation(700, texts="many", removes=[{"id": 3, "parentId": 2}]),
        mutation(700, texts=[], removes=[{"id": 3, "parentId": 2}]),
        "mutation: `texts` must be a list, not 'many'",
    ),
    "a child that is no node": (
        mutation(700, adds=[{**ADD, "node": {**NODE, "childNodes": [7, {"type": 3, "textContent": "a", "id": 21}]}}]),
        mutation(700, adds=[{**ADD, "node": {**NODE, "childNodes": [{"type": 3, "textContent": "a", "id": 21}]}}]),
        "mutation: left out 1 of its nodes: a node is expected, not a number",
    ),
    "a position without x": (
        moves(700, (1, 2, -9)) | {"data": {"source": 1, "positions": [{"y": 1}, {"x": 1, "y": 2, "timeOffset": 0}]}},
        moves(700, (1, 2, 0)) | {"data": {"source": 1, "positions": [{"x": 1, "y": 2, "timeOffset": 0}]}},
        "mouse move: left out 1 of 2 `positions`: `x` must be a number, not missing",
    ),
    "a rule of no text": (
        sheet(700, adds=[{"index": 0}, {"rule": "p{}", "index": 0}]),
        sheet(700, adds=[{"rule": "p{}", "index": 0}]),
        "style sheet rule: left out 1 of 2 `adds`: `rule` must be text, not missing",
    ),
    "a clip that was set to words": (
        incremental(700, 7, id=3, type=2, currentTime="begin"),
        incremental(700, 7, id=3, type=2),
        "media interaction: `currentTime` must be a number, not 'begin'",
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_what_else_an_event_brings_is_applied(name: str) -> None:
    event, expected, message = MENDED[name]
    data = as_lines([*SESSION[:3], event, *SESSION[3:]])
    recording = parse_recording([data])
    # A Meta event that no full snapshot follows is left out, with or without a size.
    assert recording.events == [*SESSION[:3], *([expected] if expected["type"] != 4 else []), *SESSION[3:]]
    [warning] = recording.warnings
    assert warning.startswith("mended the recording, line 4 (byte ")
    assert warning.endswith(message)
    with pytest.raises(RecordingInvalid, match="repair the recording"):
        parse_recording([data], strict=True)


def test_a_meta_without_a_size_leaves_the_page_as_large_as_it_is() -> None:
    unsized = {"type": 4, "data": {"href": "", "width": None, "height": 9}, "timestamp": START + 700}
    events = [meta(), snapshot(), unsized, snapshot(700), mutation(900)]
    recording = parse_recording([as_lines(events)])
    assert recording.viewports == [(0, 800, 600)]
    assert recording.events[2]["data"] == {"href": "", "height": 9}
    [warning] = recording.warnings
    assert warning.endswith("meta: `width` must be a number of pixels up to 100,000, not missing")


def test_what_serialisers_leave_out_is_nobodys_mistake() -> None:
    """Lists that are empty, and offsets that are zero."""
    page = snapshot()
    del page["data"]["initialOffset"], page["data"]["node"]["childNodes"][0]["childNodes"][0]["childNodes"]
    events = [meta(), page, incremental(100, 0, adds=[ADD]), incremental(200, 0, texts=[TEXT]), sheet(300)]
    recording = parse_recording([as_array(events)], strict=True)
    page["data"]["initialOffset"] = {"left": 0, "top": 0}
    assert (recording.events, recording.warnings) == (events, [])


def test_a_window_that_is_hidden_keeps_its_size() -> None:
    hidden = [incremental(500, 4, width=0, height=0), incremental(600, 4, width=1, height=1), meta(700, 0, 0)]
    recording = parse_recording([as_array([meta(), snapshot(), *hidden, mutation(900)])], strict=True)
    assert recording.viewports == [(0, 800, 600)]
    assert recording.warnings == []


def test_the_index_says_where_each_event_stands() -> None:
    recording = parse_recording([as_lines(SESSION[:3]), as_lines(SESSION[3:])])
    assert [recording.index.place_of(at).partition(" (")[0] for at in range(len(SESSION))] == [
        "the recording", *(f"part 1, line {line}" for line in (2, 3)), *(f"part 2, line {line}" for line in (1, 2, 3))
    ]  # fmt: skip
    assert (
        parse_recording([as_lines(SESSION)]).index.place_of(1)
        == f"the recording, line 2 (byte {len(as_array(meta())) + 1})"
    )


RULES = [sheet(500, adds=[{"rule": ".a{color:red}", "index": 0}]), sheet(500, removes=[{"index": 0}])]
ADDING = mutation(1200, adds=[ADD])
WHOLE = [*SESSION[:3], *RULES, ADDING, *SESSION[4:]]

DELIVERIES = {
    "each event twice": ([[event for event in WHOLE for _ in range(2)]], len(WHOLE)),
    "everything twice": ([[*WHOLE, *WHOLE]], len(WHOLE)),
    "a batch twice": ([[*WHOLE[:3], *WHOLE[3:6], *WHOLE[3:6], *WHOLE[6:]]], 3),
    "a batch without new nodes twice": ([[*WHOLE, *WHOLE[6:]]], len(WHOLE) - 6),
    "parts that overlap": ([WHOLE[:6], WHOLE[3:]], 3),
    "a part three times": ([WHOLE, WHOLE[2:4], WHOLE[3:5]], 4),
}


@pytest.mark.parametrize("name", DELIVERIES)
def test_what_was_delivered_more_than_once_is_shown_once(name: str) -> None:
    parts, count = DELIVERIES[name]
    recording = parse_recording([as_array(part) for part in parts], strict=True)
    total = sum(map(len, parts))
    assert recording.events == WHOLE
    assert recording.warnings == [f"{count} of {total} events were delivered more than once: each is shown once"]


def test_what_a_page_does_twice_in_a_millisecond_is_done_twice() -> None:
    twice = [RULES[0], RULES[0], RULES[1], mutation(500, texts=[TEXT]), mutation(500, texts=[TEXT])]
    events = [meta(), snapshot(), *twice, mutation(900)]
    recording = parse_recording([as_array(events)], strict=True)
    assert (recording.events, recording.warnings) == (events, [])


def test_windows_may_do_the_same_at_the_same_time() -> None:
    lines = [[window, event] for window in "ab" for event in SESSION]
    assert parse_recording([as_lines(lines)]).events == SESSION
