"""An event that is taken as it was decoded is what the tables of events would have made of it."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.rendering.hostile.kinds import generate
from tests.snapshots import Page
from video_export_worker.errors import VideoExportError
from video_export_worker.recording import RecordingLimits, parse_recording, parsing
from video_export_worker.recording.checks import check_event
from video_export_worker.recording.envelopes import unwrap
from video_export_worker.recording.events import brings_nodes, source_of
from video_export_worker.recording.foreign import name_event
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.packing import open_fields
from video_export_worker.recording.pieces import Pieces
from video_export_worker.recording.plain_events import PlainEvent, decode_object
from video_export_worker.recording.wireframes import MobileScreen

GONE = object()
NODE = {
    "type": 2,
    "tagName": "iframe",
    "attributes": {},
    "childNodes": [{"type": 3, "textContent": "x", "id": 10}],
    "id": 9,
}
ADDS = [[{"parentId": 5, "nextId": None, "node": node}] for node in (NODE, {**NODE, "type": 9}, {}, 7)]
NUMBERS = [0, -1, 5, 10, 11, 1.0, 0.5, -0.0, 2**53, 2**53 + 1, -(2**53) - 1, 10**400, -(10**400), 1e308]
TIMES = [1.7e9, 1_700_000_000, 1.7e12, 1.7e15, 1.7e18, 8.65e15, 9_999_999_999, 10**10, 10**15]
OTHERS = [None, True, False, "", "5", "\ud800", "東", [], {}, [None], [1], {"id": 1}, {"a": {"b": [None]}}]
WILD = [GONE, *NUMBERS, *TIMES, *OTHERS, *ADDS]
DATA: list[dict[str, Any]] = [
    {"source": 0, "texts": [{"id": 5, "value": "東京"}], "attributes": [], "removes": [], "adds": []},
    {"source": 0, "attributes": [{"id": 5, "attributes": {"class": "a", "style": {"x": False}}}], "adds": []},
    {"source": 0, "texts": [], "removes": [{"parentId": 1, "id": 5, "isShadow": True}], "adds": []},
    {"source": 1, "positions": [{"x": 1, "y": 2.5, "id": 5, "timeOffset": -40}]},
    {"source": 6, "positions": [{"x": 1, "y": 2, "id": 5, "timeOffset": 0}, {"x": 3, "y": 2, "timeOffset": 5}]},
    {"source": 2, "type": 2, "id": 5, "x": 10, "y": 10, "pointerType": 0},
    {"source": 2, "type": 5, "id": 5},
    {"source": 3, "id": 1, "x": 0, "y": 100.25},
    {"source": 5, "id": 5, "text": "a\u20ac", "isChecked": False, "userTriggered": True},
    {"source": 12, "positions": [{"x": 1, "y": 2, "id": 5, "timeOffset": -40}]},
]
ADDED = ["more", "cv", "windowId", "window_id", "delay", "updates", "wireframes", "adds", "node"]


def list_places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something can be changed in a value, places that it does not have yet among them."""
    if place:
        yield place
    if isinstance(value, dict):
        yield from ((*place, name) for name in ADDED if name not in value)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from list_places(inner, (*place, key))


def change(event: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of an event with something else at a place."""
    event = copy.deepcopy(event)
    *outer, last = place
    holder = functools.reduce(lambda inner, key: inner[key], outer, event)
    if value is not GONE:
        holder[last] = copy.deepcopy(value)
    elif isinstance(holder, list) or last in holder:
        del holder[last]
    return event


def event_of(data: dict[str, Any], stamp: int = 1_700_000_000_000) -> dict[str, Any]:
    return {"type": 3, "data": data, "timestamp": stamp}


CHANGED = [(event_of(data), place, value) for data in DATA for place in list_places(event_of(data)) for value in WILD]


def make(changed: list[Any], *, mobile: bool) -> list[Any]:
    page = Page()
    page.show(page.document([page.element("p", "x")]))
    start, events = page.events[-1]["timestamp"], [*page.events]
    if mobile:
        screen = {"wireframes": [{"id": 5, "type": "text", "text": "x", "x": 0, "y": 0, "width": 9, "height": 9}]}
        events.append({"type": 2, "data": screen, "timestamp": start + 1})
    for at, (event, place, value) in enumerate(changed):
        events += [{**event, "timestamp": start + at}, change({**event, "timestamp": start + at}, place, value)]
    return [*events, *page.end(1000).events[-1:]]


def read(data: bytes) -> list[Any]:
    """All that is known of a recording."""
    try:
        recording = parse_recording([data])
    except VideoExportError as error:
        return [type(error), str(error)]
    known: list[Any] = [json.dumps(recording.events), recording.warnings]
    for index in recording.index.session:
        columns = {field.name: getattr(index, field.name) for field in dataclasses.fields(index)}
        known += [
            (name, column.dtype, column.tolist()) if isinstance(column, np.ndarray) else (name, column)
            for name, column in columns.items()
            if name != "others"
        ]
    return known


def read_generally(data: bytes) -> list[Any]:
    with mock.patch.object(parsing, "decode_object", msgspec.json.decode):
        return read(data)


def test_what_is_plain_is_kept_as_it_stands() -> None:
    taken = 0
    for before, place, value in CHANGED:
        event = change(before, place, value)
        try:
            plain = decode_object(json.dumps(event).encode())
        except ValueError:  # half a character
            continue
        if not isinstance(plain, PlainEvent):
            continue
        taken += 1
        meters = Meters(RecordingLimits())
        assert list(unwrap(event, meters, "the recording", Pieces(meters))) == [(None, event)]
        assert open_fields(event, meters) is event
        assert MobileScreen().convert(event) is event
        mended = check_event(event)
        assert (mended.holes, mended.is_changed) == ([], False), event
        assert (name_event(event), brings_nodes(event)) == (None, False), event
        assert (plain.timestamp, plain.data.source) == (event["timestamp"], source_of(event))
    assert taken > 500


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(CHANGED), min_size=3, max_size=30),
    st.booleans(),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_a_recording_is_the_same_whether_its_events_are_looked_through(
    changed: list[Any], mobile: bool, lines: bool, separators: tuple[str, str]
) -> None:
    texts = [json.dumps(event, separators=separators, ensure_ascii=mobile) for event in make(changed, mobile=mobile)]
    text = "\n".join(texts) if lines else f"[{separators[0].join(texts)}]"
    data = text.encode("utf-8", "surrogatepass")
    assert read(data) == read_generally(data)


@settings(max_examples=50)
@given(st.integers(0, 2**40))
def test_a_recording_of_every_kind_of_event_is_the_same(seed: int) -> None:
    data = json.dumps(generate(seed), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert read(data) == read_generally(data)


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ('{"source":0,"texts":[{"id":5,"value":null}],"attributes":[],"removes":[],"adds":[]}', 0),
        ('{"source":1,"positions":[{"x":1,"y":2,"id":5,"timeOffset":0}]}', 1),
        ('{"source":2,"type":6,"id":5,"x":1,"y":2}', 2),
        ('{"source":3,"id":1,"x":0,"y":9}', 3),
        ('{"source":5,"id":5,"text":"a","isChecked":true}', 5),
        ('{"source":6,"positions":[{"x":1,"y":2,"id":5,"timeOffset":0}]}', 6),
    ],
)
def test_the_frequent_kinds_are_plain(data: str, source: int) -> None:
    event = decode_object(f'{{"type":3,"data":{data},"timestamp":1700000000000}}'.encode())
    assert isinstance(event, PlainEvent)
    assert (event.timestamp, event.data.source) == (1_700_000_000_000, source)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":3,"data":{"source":3,"id":1,"x":0,"y":9},"timestamp":1700000000}',
        '{"type":3,"data":{"source":3,"id":1,"x":0,"y":9},"timestamp":1700000000000,"windowId":"w"}',
        '{"type":3,"data":{"source":3,"id":1,"x":0,"y":"9"},"timestamp":1700000000000}',
        '{"type":3,"data":{"source":0,"adds":[{"parentId":1,"node":{"type":9}}]},"timestamp":1700000000000}',
        '{"type":3,"data":{"source":0,"updates":[]},"timestamp":1700000000000}',
        '{"type":3,"data":{"source":1,"positions":[]},"timestamp":1700000000000}',
        '{"type":3,"data":{"source":5,"id":1},"timestamp":1700000000000}',
    ],
)
def test_what_has_to_be_looked_through_is_not_plain(text: str) -> None:
    assert decode_object(text.encode()) == json.loads(text)
