"""Each kind of bad input ends in a typed error that says what to do, or in a warning that says what is missing."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from tests.unit.worker.recording_files import (
    START,
    as_array,
    as_field,
    as_lines,
    as_packed,
    as_posthog,
    incremental,
    meta,
    moves,
    session,
    snapshot,
)
from video_export_worker.errors import RecordingInvalid, RecordingTooLarge
from video_export_worker.recording import RecordingLimits, json_stream, parse_recording

SESSION = session()

REFUSED = {
    "no parts": ([], "empty"),
    "no bytes": ([b""], "empty"),
    "white space": ([b" \n \n"], "empty"),
    "an empty list": ([b"[]"], "empty"),
    "an empty gzip": ([gzip.compress(b"")], "empty"),
    "XML": ([b"<Error><Code>AccessDenied</Code></Error>"], "is XML: the storage may have answered with an error"),
    "HTML": ([b" <!DOCTYPE html><title>Log in</title>"], "is an HTML page"),
    "words": ([b"hello"], "not JSON: it starts with 'h'"),
    "a number": ([b"12"], "not JSON"),
    "a picture": ([b"\x89PNG\r\n\x1a\n" + bytes(range(256))], "is a picture"),
    "noise": ([b"\x89NOISE\r\n\x1a\n" + bytes(range(256))], "neither JSON nor gzip, zlib, zstd or brotli"),
    "an object that is no event": ([b'{"message": "not found"}'], r"line 1 \(byte 0\): not an event: `type`"),
    "a broken line alone": ([b'{"type": 4, "data'], r"line 1 \(byte 0\): not JSON"),
    "an error in an array": (
        [as_array(SESSION)[:-1] + b', {"type": oops}]'],
        r"not JSON: Expecting value in the event at line 1 \(byte \d+\)",
    ),
    "corrupt gzip": ([b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"\xff" * 40], "corrupt"),
    "corrupt zstd": ([zstandard.compress(as_array(SESSION))[:8] + b"\xff" * 40], "corrupt"),
    "gzip with a wrong checksum": ([gzip.compress(as_array(SESSION))[:-8] + bytes(8)], "corrupt"),
    "no full snapshot": ([as_array([meta(), moves(5, (1, 1, 0))])], "no full snapshot among its 2 events"),
    "a snapshot that is cut off": (
        [as_array(SESSION[:2])[:-9]],
        r"no full snapshot among its 1 events.*first problem in it: .*ends inside of the event at line 1 \(byte \d+\)",
    ),
    "one event": ([as_array([snapshot()])], "only one event"),
    "nested too deeply": ([b"[" * 100_000], "nested too deeply"),
    "lists without end": ([b"[" * 50 + b"]" * 50], "lists around it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_replayed_is_refused_with_the_reason(name: str) -> None:
    parts, message = REFUSED[name]
    with pytest.raises(RecordingInvalid, match=message):
        parse_recording(parts)


BROKEN_EVENTS: dict[str, tuple[Any, str]] = {
    "a number": (17, "an object is expected, not a number"),
    "null": (None, "an object is expected, not null"),
    "text": ("hello", "compressed data is corrupt"),
    "text that is half JSON": ('{"type": 4, "ti', "not JSON"),
    "no type": ({"data": {}, "timestamp": START}, "`type` must be a whole number, not missing"),
    "a type in words": ({"type": "meta", "timestamp": START}, "`type` must be a whole number, not 'meta'"),
    "no timestamp": ({"type": 4, "data": {}}, "`timestamp` must be milliseconds since 1970, not missing"),
    "a timestamp in words": ({"type": 4, "data": {}, "timestamp": "now"}, "`timestamp` must be .* not 'now'"),
    "a timestamp without end": ({"type": 4, "data": {}, "timestamp": 10**400}, "`timestamp` must be"),
    "no data": ({"type": 3, "timestamp": START}, "`data` must be an object, not null"),
    "a snapshot without a page": (
        {"type": 2, "data": {}, "timestamp": START},
        "must be a node, not missing",
    ),
    "no source": ({"type": 3, "data": {}, "timestamp": START}, "`data.source` must be a whole number"),
    "moves without positions": (moves(9), "mouse move: no `positions`"),
    "a move without x": (
        incremental(9, 1, positions=[{"y": 1, "timeOffset": 0}]),
        "`x` must be a number, not missing",
    ),
    "a move to nowhere": (moves(9, (10**400, 1, 0)), "`x` must be a number, not one so large"),
    "an unknown compression": ({**as_posthog(snapshot()), "cv": "2031-01"}, "cv '2031-01'"),
    "a damaged field": ({**as_posthog(snapshot()), "data": "\x1f\x8bnonsense"}, "compressed data is corrupt"),
    "a field cut off": ({**as_posthog(snapshot()), "data": as_field({"node": 1})[:-6]}, "compressed data is cut off"),
    "base64 that is none": ("H4sI\N{SNOWMAN}", "compressed data is corrupt"),
    "an unknown packer": (as_packed({**meta(), "type": 4})[:-3], "compressed data is cut off"),
}


@pytest.mark.parametrize("layout", ["array", "lines"])
@pytest.mark.parametrize("name", BROKEN_EVENTS)
def test_a_broken_event_is_skipped_with_its_place_or_refused_when_strict(name: str, layout: str) -> None:
    event, message = BROKEN_EVENTS[name]
    values = [*SESSION[:4], event, *SESSION[4:]]
    data = as_array(values) if layout == "array" else as_lines(values)
    recording = parse_recording([data])
    assert recording.events == SESSION
    assert len(recording.warnings) == 1
    byte = len(as_array(SESSION[:4])) + 1 if layout == "array" else len(as_lines(SESSION[:4])) + 1
    place = rf"line {1 if layout == 'array' else 5} \(byte {byte}\)"
    with pytest.raises(RecordingInvalid, match=f"^the recording, {place}: .*{message}.*without `strict`"):
        parse_recording([data], strict=True)
    assert recording.warnings[0].startswith("skipped the recording, line ")


@pytest.mark.parametrize("literal", [b"NaN", b"-Infinity", b"1e999", b"1" * 5000])
def test_numbers_that_no_browser_reads_are_skipped(literal: bytes) -> None:
    broken = b'{"type": 5, "data": {"n": ' + literal + b'}, "timestamp": 1700000000005}'
    for data in (as_array(SESSION)[:-1] + b"," + broken + b"]", as_lines(SESSION) + b"\n" + broken):
        recording = parse_recording([data])
        assert recording.events == SESSION
        assert len(recording.warnings) == 1


def test_a_broken_line_does_not_take_the_next_one_with_it() -> None:
    lines = [as_array(event) for event in SESSION]
    lines.insert(3, b'["w", {"type": 3, "data": {"source": 0, "te')
    recording = parse_recording([b"\n".join(lines)])
    assert recording.events == SESSION
    assert recording.warnings[0].startswith("skipped the recording, line 4 (byte ")


def test_a_file_that_is_cut_off_is_used_up_to_there() -> None:
    noise = Random(1).randbytes(120_000).hex()  # so that a compressor writes several blocks
    events = [*SESSION, *(incremental(3000 + at, 11, text=noise[at : at + 50]) for at in range(0, len(noise), 50))]
    whole = as_array(events)
    for data in (
        whole[:-20],
        gzip.compress(whole)[:-30],
        zstandard.compress(whole)[:-9],
        brotli.compress(whole, quality=4)[:-30],
    ):
        recording = parse_recording([data])
        assert recording.events == events[: len(recording.events)]
        assert len(events) > len(recording.events) > len(events) / 2
        assert any("the end of the recording is missing" in warning for warning in recording.warnings)
        with pytest.raises(RecordingInvalid, match="upload it again"):
            parse_recording([data], strict=True)


def test_bytes_that_are_not_utf_8_are_shown_as_browsers_show_them() -> None:
    data = as_lines(SESSION) + b'\n{"type": 5, "data": {"tag": "a\xffb"}, "timestamp": 1700000002000}'
    recording = parse_recording([data])
    assert recording.events[-1]["data"]["tag"] == "a\N{REPLACEMENT CHARACTER}b"
    assert "not UTF-8" in recording.warnings[0]
    with pytest.raises(RecordingInvalid, match="not UTF-8"):
        parse_recording([data], strict=True)


def test_a_million_problems_make_a_short_list() -> None:
    recording = parse_recording([as_array([*SESSION, *range(1000)])])
    assert len(recording.warnings) == 21
    assert recording.warnings[-1] == "980 more events were broken"


@pytest.mark.parametrize("depth", [401, 5000])
def test_a_page_that_is_too_deep_to_be_shown_is_refused_by_name(depth: int) -> None:
    before, after = as_array(snapshot()).split(b'"childNodes": []')
    deep = (
        before
        + b'"childNodes": ['
        + b'{"type": 2, "tagName": "p", "childNodes": [' * depth
        + b"]}" * depth
        + b"]"
        + after
    )
    with pytest.raises(RecordingInvalid, match="nested too deeply"):
        parse_recording([b"[" + as_array(SESSION[0]) + b"," + deep + b"]"])


MANY = 64 * 2**20
SPACE = b"[" + b" " * MANY
BOMBS = {
    "gzip": lambda: gzip.compress(SPACE),
    "zstd": lambda: zstandard.compress(SPACE),
    "brotli": lambda: brotli.compress(SPACE, quality=4),
    "a packed event": lambda: as_array([as_packed({"type": 5, "data": "x" * MANY, "timestamp": START})]),
    "a compressed field": lambda: as_array(
        [{"type": 2, "cv": "2024-10", "data": as_field("x" * MANY), "timestamp": START}]
    ),
}


CROWD = b"[{},[0],1,2]," * (2 * 2**20)  # 26 MiB of values, which Python would hold in 1 GiB
CROWDS = {
    "in an array": lambda: as_array([*SESSION, 0])[:-2] + b'{"type": 5, "data": [' + CROWD + b"0]}]",
    "in a line": lambda: as_lines(SESSION) + b'\n{"type": 5, "data": [' + CROWD + b"0]}",
    "in a packed event": lambda: as_array(
        [*SESSION, zlib.compress(b'{"v": "v1", "type": 5, "data": [' + CROWD + b"0]}").decode("latin-1")]
    ),
}


@pytest.mark.parametrize("name", CROWDS)
def test_values_without_number_are_refused_before_they_are_decoded(name: str) -> None:
    data = zstandard.compress(CROWDS[name]())
    assert len(data) < 10_000
    tracemalloc.start()
    try:
        with pytest.raises(RecordingTooLarge, match=r"holds more than 100,000 JSON values: no browser could replay it"):
            parse_recording([data], limits=RecordingLimits(event_values=100_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 * 2**20


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_uses_little_more_than_the_limit(name: str) -> None:
    data = BOMBS[name]()  # type: ignore[no-untyped-call]
    limits = RecordingLimits(decompressed_bytes=2**20)
    tracemalloc.start()
    try:
        with pytest.raises(RecordingTooLarge, match=r"1,048,576 bytes decompressed.*`decompressed_bytes`"):
            parse_recording([data], limits=limits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 * 2**20


def test_the_limit_holds_for_all_parts_together_and_nothing_is_read_behind_it() -> None:
    read = []

    def endless() -> Iterator[bytes]:
        while True:
            read.append(1)
            yield b" " * 1000

    with pytest.raises(RecordingTooLarge, match="decompressed"):
        parse_recording([as_array(SESSION), endless()], limits=RecordingLimits(decompressed_bytes=100_000))
    assert len(read) <= 101


def test_compressed_bytes_have_a_limit_of_their_own() -> None:
    data = gzip.compress(as_array(SESSION))
    parse_recording([data], limits=RecordingLimits(compressed_bytes=len(data)))
    with pytest.raises(RecordingTooLarge, match="compressed_bytes"):
        parse_recording([data], limits=RecordingLimits(compressed_bytes=len(data) - 1))


@pytest.mark.parametrize("window", [1, 5, 64])
def test_problems_have_the_same_place_whatever_the_window(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = as_lines([*SESSION[:3], 17]) + b'\n{"type": 5, "data": NaN, "timestamp": 1}\n{"type" oops}\n'
    data = broken + as_lines(SESSION[3:]) + b'\n{"type": 3, "data": {"sour'
    at_once = parse_recording([data])
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", window)
    in_pieces = parse_recording([(data[start : start + window] for start in range(0, len(data), window))])
    assert in_pieces.warnings == at_once.warnings
    assert in_pieces.events == at_once.events == SESSION
    assert [warning.partition(" (")[0] for warning in in_pieces.warnings] == [
        f"skipped the recording, line {line}" for line in (4, 5, 6, 10)
    ]
