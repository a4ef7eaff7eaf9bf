"""Reading objects of one form the short way gives what the standard decoder gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.recording.json_stream import BrokenJson, BrokenValue, JsonReader
from video_export_worker.recording.object_ends import ObjectEnds

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
# What looks like the beginning of the next event, in strings and in nodes.
TEMPTING = st.sampled_from(['},{"type":3,"data":', '"},{"type":3,"data":{}}', "}", "\\", "東京", "\ud800"])
EVENTS = st.fixed_dictionaries(
    {
        "type": st.integers(),
        "data": VALUES | TEMPTING | st.lists(st.fixed_dictionaries({"type": st.just(3), "data": VALUES})),
    }
)
SEPARATORS = [(",", ":"), (", ", ": "), (" ,\n", " : ")]


def read(text: bytes, *, short: bool) -> list[Any]:
    """What a reader says of the elements of an array: values, their texts, places, and what is wrong."""
    reader = JsonReader(iter([text]))
    if not short:
        reader._ends.find = lambda data, start: None  # type: ignore[method-assign]
    seen: list[Any] = []
    try:
        reader.take("[")
        while True:
            reader.peek()
            seen.append(reader.place)
            try:
                seen.append(repr(reader.value()))
                seen.append(reader.encoded)
            except BrokenValue as error:
                seen.append(str(error))
            if reader.take(",]") == "]":
                return seen
    except BrokenJson as error:
        return [*seen, str(error), error.cut_off]


@given(st.lists(EVENTS, min_size=2, max_size=6), st.sampled_from(SEPARATORS), st.booleans())
def test_it_reads_what_the_long_way_reads(events: list[Any], separators: tuple[str, str], ascii_only: bool) -> None:
    text = json.dumps(events, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert read(text, short=True) == read(text, short=False)


@given(st.lists(EVENTS, min_size=2, max_size=4), st.integers(0, 400), st.binary(max_size=3))
def test_damaged_text_is_told_as_on_the_long_way(events: list[Any], at: int, damage: bytes) -> None:
    text = json.dumps(events, separators=(",", ":")).encode()
    at %= len(text)
    text = text[:at] + damage + text[at + len(damage) :]
    assert read(text, short=True) == read(text, short=False)


@pytest.mark.parametrize("bad", ["NaN", "1e999", '"\\ud800"', '"\x01"', "[" * 1200 + "]" * 1200])
def test_what_msgspec_refuses_is_read_the_long_way(bad: str) -> None:
    events = ",".join([*(f'{{"type":3,"data":{number}}}' for number in range(3)), f'{{"type":3,"data":{bad}}}'])
    text = f'[{events},{{"type":3,"data":5}},{{"type":3,"data":6}}]'.encode()
    assert read(text, short=True) == read(text, short=False)


def test_events_are_read_the_short_way() -> None:
    nodes = '{"type":2,"tagName":"p","childNodes":[{"type":3,"textContent":"x"},{"type":3,"textContent":"y"}]}'
    events = [f'{{"type":3,"data":{{"node":{nodes}}},"timestamp":{at}}}' for at in range(4)]
    text = f"[{','.join(events)}]".encode()
    ends = ObjectEnds()
    ends.learn(text, text.index(events[1].encode()), len(events[1]), json.loads(events[1]))
    found = ends.find(text, text.index(events[2].encode()))
    assert found is not None, "its end was not found"
    assert found.encoded.decode() == events[2]
    assert found.value == json.loads(events[2])
