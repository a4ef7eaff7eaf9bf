"""Every format and compression of the same session is read into the same recording."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from datetime import UTC, datetime
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
    session,
)
from video_export_worker.recording import json_stream, parse_recording

SESSION = session()
NAMES = {
    0: "DomContentLoaded",
    1: "load",
    2: "FULL_SNAPSHOT",
    3: "IncrementalSnapshot",
    4: "Meta",
    5: "custom",
    6: "Plugin",
}


def as_date(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def as_snappy(data: bytes) -> bytes:
    """A block with literals, and a copy of each kind where a part comes again."""
    block, at = as_varint(len(data)), 0
    while at < len(data):
        part = data[at : at + 40]
        before = data.rfind(part[:20], max(0, at - 60_000), at)
        if len(part) >= 20 and before >= 0:
            offset = at - before
            near = bytes([(7 << 2) | 1 | (offset >> 8) << 5, offset & 255]) if offset < 2048 else b""
            block += near or bytes([(11 - 1) << 2 | 2]) + offset.to_bytes(2, "little")
            at += 11
        else:
            block += bytes([60 << 2, len(part) - 1]) + part
            at += len(part)
    return block


def as_varint(number: int) -> bytes:
    return bytes([number & 127 | 128]) + as_varint(number >> 7) if number > 127 else bytes([number])


FORMATS = {
    "array": as_array(SESSION),
    "array, pretty": json.dumps(SESSION, indent=2).encode(),
    "array with a byte order mark": b"\xef\xbb\xbf" + as_array(SESSION),
    "object with events": as_array({"version": 3, "id": "x", "events": SESSION, "tags": ["a"], "end": None}),
    "object with snapshots, pretty": json.dumps({"snapshots": SESSION}, indent=1).encode(),
    "lines": as_lines(SESSION),
    "lines with empty ones": b"\n\n" + b"\r\n\n".join(as_array(event) for event in SESSION) + b"\n\n",
    "lines of arrays": as_lines([SESSION[:3], SESSION[3:]]),
    "packed array": as_array([as_packed(event) for event in SESSION]),
    "packed lines": as_lines([as_packed(event) for event in SESSION]),
    "window and event": as_lines([["018f-tab", event] for event in SESSION]),
    "array of window and event": as_array([["018f-tab", event] for event in SESSION]),
    "window and events": as_lines(
        [{"window_id": "018f-tab", "data": SESSION[:2]}, {"window_id": "018f-tab", "data": SESSION[2:]}]
    ),
    "window and compressed": as_lines([["018f-tab", as_posthog(event)] for event in SESSION]),
    "windows": as_array({"next": None, "result": {"snapshot_data_by_window_id": {"a": SESSION, "b": []}}}),
    "windows, pretty": json.dumps({"version": "2022-12-22", "snapshot_data_by_window_id": {"a": SESSION}}).encode(),
    "ingestion": as_lines(
        [
            {"event": "$snapshot_items", "properties": {"$session_id": "s", "$window_id": "w", "$snapshot_items": some}}
            for some in (SESSION[:2], SESSION[2:])
        ]
    ),
    "ingestion of one": as_lines(
        [{"event": "$snapshot", "properties": {"$window_id": "w", "$snapshot_data": event}} for event in SESSION]
    ),
    "rows": as_lines([{"id": at, "session": {"id": "s"}, "payload": event} for at, event in enumerate(SESSION)]),
    "rows with text": as_lines([{"id": at, "json": json.dumps(event)} for at, event in enumerate(SESSION)]),
    "a page of an API": as_array({"meta": {"next": None}, "result": {"list": [{"event": event} for event in SESSION]}}),
    "events as text": as_array([json.dumps(event) for event in SESSION]),
    "lines of events as text": as_lines([json.dumps(event) for event in SESSION]),
    "one text": json.dumps(json.dumps(SESSION)).encode(),
    "packed, and JSON again": as_array({"version": 1, "events": [json.dumps(as_packed(event)) for event in SESSION]}),
    "gzip in base64": as_array({"snapshots": [base64.b64encode(gzip.compress(as_array(SESSION))).decode()]}),
    "gzip in base64, two bytes a character": as_array(
        [base64.b64encode(gzip.compress(json.dumps(SESSION).encode("utf-16-le"))).decode()]
    ),
    "rows of columns": as_lines(
        [
            {
                "site_id": 1,
                "event_type": str(event["type"]),
                "event_data": json.dumps(event["data"]),
                "timestamp": str(event["timestamp"]),
            }
            for event in SESSION
        ]
    ),
    "rows with dates and names": as_array(
        [
            {"eventType": NAMES[event["type"]], "eventData": event["data"], "time": as_date(event["timestamp"])}
            for event in SESSION
        ]
    ),
    "data as text": as_array([{**event, "data": json.dumps(event["data"])} for event in SESSION]),
    "seconds": as_array([{**event, "timestamp": event["timestamp"] / 1000} for event in SESSION]),
    "microseconds": as_array([{**event, "timestamp": event["timestamp"] * 1000} for event in SESSION]),
    "extended JSON of MongoDB": as_lines(
        [
            {
                "_id": {"$oid": "65a"},
                "event": {
                    "type": {"$numberInt": str(event["type"])},
                    "data": event["data"],
                    "timestamp": {"$numberLong": str(event["timestamp"])},
                },
            }
            for event in SESSION
        ]
    ),
    "compressed column as base64": as_array(
        [{"id": 1, "events": base64.b64encode(gzip.compress(as_array(SESSION))).decode()}]
    ),
    "compressed column as hex": as_array([{"id": 1, "events": "\\x" + zlib.compress(as_array(SESSION)).hex()}]),
    "column as a buffer of Node": as_array(
        [{"id": 1, "events": {"type": "Buffer", "data": list(gzip.compress(as_array(SESSION)))}}]
    ),
    "compressed events as base64 for URLs": as_array(
        [base64.urlsafe_b64encode(zlib.compress(as_array(event))).decode().rstrip("=") for event in SESSION]
    ),
    "events by key": as_array({f"-N{at}": event for at, event in enumerate(SESSION)}),
    "lists of events by key": as_array({"id": "s", "first": SESSION[:3], "rest": SESSION[3:]}),
    "Grafana Faro": as_array(
        {
            "meta": {"session": {"id": "s"}},
            "events": [
                {"name": "faro.session_recording.started", "timestamp": "2023-11-14T22:13:20Z"},
                *(
                    {
                        "name": "faro.session_recording.event",
                        "timestamp": as_date(event["timestamp"]),
                        "attributes": {"event": json.dumps(event), "recording_id": "r", "seq": str(at)},
                    }
                    for at, event in enumerate(SESSION)
                ),
            ],
        }
    ),
    "logs of OpenTelemetry": as_array(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": [{"key": "session.id", "value": {"stringValue": "s"}}]},
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {
                                    "timeUnixNano": str(event["timestamp"] * 10**6),
                                    "attributes": [
                                        {"key": "seq", "value": {"stringValue": str(at)}},
                                        {"key": "event", "value": {"stringValue": json.dumps(event)}},
                                    ],
                                }
                                for at, event in enumerate(SESSION)
                            ]
                        }
                    ],
                }
            ]
        }
    ),
    "events in pieces": as_lines(
        [
            {
                "Timestamp": as_date(event["timestamp"]),
                "Body": text[start : start + 40],
                "LogAttributes": {
                    "rr-web.event": str(at),
                    "rr-web.chunk": str(start // 40 + 1),
                    "rr-web.total-chunks": str(-(-len(text) // 40)),
                },
            }
            for at, event in enumerate(SESSION)
            for text in [json.dumps(event)]
            for start in reversed(range(0, len(text), 40))
        ]
    ),
    "logs of events in pieces": as_array(
        {
            "resourceLogs": [
                {
                    "scopeLogs": [
                        {
                            "logRecords": [
                                {
                                    "body": {"stringValue": part},
                                    "attributes": [
                                        {"key": "rr-web.event", "value": {"intValue": str(at)}},
                                        {"key": "rr-web.chunk", "value": {"doubleValue": number}},
                                        {"key": "rr-web.total-chunks", "value": {"doubleValue": 2}},
                                    ],
                                }
                                for at, event in enumerate(SESSION)
                                for text in [json.dumps(event)]
                                for number, part in ((1, text[:30]), (2, text[30:]))
                            ]
                        }
                    ]
                }
            ]
        }
    ),
    "streams of Loki": as_array(
        {
            "data": {
                "resultType": "streams",
                "result": [
                    {
                        "stream": {"app": "shop"},
                        "values": [[str(event["timestamp"] * 10**6), json.dumps(event)] for event in SESSION],
                    }
                ],
            }
        }
    ),
    "with a comma too many": as_array(SESSION)[:-1] + b",]",
    "lines with commas": b",\n".join(as_array(event) for event in SESSION),
    "UTF-16": json.dumps(SESSION).encode("utf-16"),
    "segment": b'{"segment_id":0}\n' + as_array(SESSION),
    "segments, one after the other": b'{"segment_id":0}\n'
    + as_array(SESSION[:3])
    + b'\n{"segment_id":1}\n'
    + as_array(SESSION[3:]),
    "segments of an API": as_array([SESSION[:3], SESSION[3:]]),
    "compressed segments": b'{"segment_id": 0}\n'
    + zlib.compress(as_array(SESSION[:3]))
    + b'{"segment_id": 1}\n'
    + zlib.compress(as_array(SESSION[3:])),
    "compressed segments without their lines": zlib.compress(as_array(SESSION[:3]))
    + zlib.compress(as_array(SESSION[3:])),
    "export": as_array(
        {"version": "2023-04-28", "data": {"id": "x", "snapshots": [{"windowId": 1, **event} for event in SESSION]}}
    ),
}


COMPRESSIONS = {
    "plain": lambda data: data,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "gzip members": lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:]) + b"\0\0\0",
    "zlib": lambda data: zlib.compress(data),
    "zlib, fast": lambda data: zlib.compress(data, 1),
    "zstd": lambda data: zstandard.compress(data),
    "zstd frames": lambda data: zstandard.compress(data[:50]) + zstandard.compress(data[50:]),
    "zstd with a skippable frame": lambda data: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstandard.compress(data),
    "brotli": lambda data: brotli.compress(data),
    "brotli, fast": lambda data: brotli.compress(data, quality=1),
    "deflate without a header": deflate,
    "Snappy": as_snappy,
    "Snappy blocks": lambda data: as_snappy(data[:70]) + as_snappy(data[70:]),
    "base64 of gzip, in lines": lambda data: base64.encodebytes(gzip.compress(data)),
    "base64 of zlib": lambda data: base64.b64encode(zlib.compress(data)),
    "base64": lambda data: base64.b64encode(data),
    "base64 for URLs": lambda data: base64.urlsafe_b64encode(zlib.compress(data)).rstrip(b"="),
    "gzip of gzip": lambda data: gzip.compress(gzip.compress(data)),
    "zstd of base64 of gzip": lambda data: zstandard.compress(base64.b64encode(gzip.compress(data))),
    "gzip of UTF-16": lambda data: gzip.compress(data.decode("utf-8-sig").encode("utf-16")),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_gives_the_same_events(name: str) -> None:
    recording = parse_recording([FORMATS[name]], strict=True)
    assert recording.events == SESSION
    assert recording.warnings == []


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", ["array", "window and compressed", "packed lines"])
def test_each_compression_gives_the_same_events(name: str, compression: str) -> None:
    data = COMPRESSIONS[compression](FORMATS[name])  # type: ignore[no-untyped-call]
    assert parse_recording([data], strict=True).events == SESSION


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_file_comes_in_chunks_of_any_size(compression: str, size: int) -> None:
    data = COMPRESSIONS[compression](FORMATS["array"])  # type: ignore[no-untyped-call]
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    assert parse_recording([chunks], strict=True).events == SESSION


@pytest.mark.parametrize("data", [{}, {"data": None}], ids=["missing", "null"])
def test_events_of_loading_have_no_data(data: dict[str, Any]) -> None:
    loading = [{"type": kind, "timestamp": as_date(START - 2 + kind), **data} for kind in (0, 1)]
    recording = parse_recording([as_array([*loading, *SESSION[1:], SESSION[0]])], strict=True)
    assert (recording.events, recording.warnings) == (SESSION, [])
    late = [{"type": kind, "timestamp": str(START + 2000 + kind), **data} for kind in (0, 1)]
    assert len(parse_recording([as_array([*SESSION, *late])], strict=True).events) == len(SESSION) + 2


def test_compressed_segments_may_be_cut_anywhere() -> None:
    noise = {"type": 5, "data": {"tag": "noise", "payload": Random(1).randbytes(700).hex()}, "timestamp": START + 9}
    first, second = [*SESSION[:2], noise], SESSION[2:]
    before = b'{"segment_id": 0}\n' + zlib.compress(as_array(first))
    data = before + b'{"segment_id": 1}\n' + zlib.compress(as_array(second))
    for cut in range(len(before), len(before) + 30):
        assert parse_recording([iter((data[:cut], data[cut:]))], strict=True).events == [*first, *second], cut


def test_brotli_that_begins_like_a_json_array_is_brotli() -> None:
    """Brotli files of 64 KiB to 1 MiB in one block begin with the byte of "["."""
    text: list[Any] = [
        *SESSION,
        {"type": 5, "data": {"tag": "noise", "payload": "x" * 500_000}, "timestamp": SESSION[-1]["timestamp"]},
    ]
    data = brotli.compress(as_array(text), quality=11, lgwin=22)
    assert data.startswith(b"[")
    assert parse_recording([data]).events == text


def test_parts_have_formats_of_their_own_and_are_put_in_order() -> None:
    parts = [
        as_lines([["w", event] for event in SESSION[3:]]),
        gzip.compress(as_lines([["w", event] for event in SESSION[:3]])),
    ]
    assert parse_recording(parts, strict=True).events == SESSION


def test_an_event_may_be_larger_than_the_window_that_is_read_at_once() -> None:
    large = {"type": 5, "data": {"tag": "large", "payload": "é🚄" * 1_500_000}, "timestamp": SESSION[-1]["timestamp"]}
    assert parse_recording([as_array([*SESSION, large, SESSION[-1]])], strict=True).events[-2] == large
    assert parse_recording([as_lines([*SESSION, large, SESSION[-1]])], strict=True).events[-2] == large


def test_a_stylesheet_change_that_posthog_compressed_is_opened() -> None:
    rule = [{"rule": ".a { color: red }", "index": 0}]
    event = {**incremental(700, 8, id=3, adds=as_field(rule), removes=""), "cv": "2024-10"}
    recording = parse_recording([as_lines([["w", item] for item in [*SESSION[:2], event]])], strict=True)
    assert recording.events[-1] == incremental(700, 8, id=3, adds=rule, removes=[])


@pytest.mark.parametrize("wrapped", ["windows", "ingestion", "ingestion of one", "window and events", "export"])
def test_the_window_of_each_event_is_known(wrapped: str) -> None:
    assert [window.name for window in parse_recording([FORMATS[wrapped]]).windows] != [None]


def test_unknown_events_are_kept() -> None:
    unknown = [
        {"type": 99, "data": "anything", "timestamp": SESSION[0]["timestamp"] + 10},
        {"type": 3, "data": {"source": 77}, "timestamp": SESSION[0]["timestamp"] + 11},
    ]
    recording = parse_recording([as_array([*SESSION[:2], *unknown])], strict=True)
    assert recording.events == [*SESSION[:2], *unknown]


@pytest.mark.parametrize("window", [1, 5, 64])
@pytest.mark.parametrize("name", FORMATS)
def test_values_are_read_across_the_windows_of_the_reader(
    name: str, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "CHUNK_BYTES", window)
    chunks = (FORMATS[name][start : start + window] for start in range(0, len(FORMATS[name]), window))
    recording = parse_recording([chunks], strict=True)
    assert recording.events == SESSION


def test_an_event_of_which_a_piece_is_missing_is_told() -> None:
    lines = FORMATS["events in pieces"].splitlines()
    lacking = parse_recording([b"\n".join(lines[:-1])])
    assert lacking.events == SESSION[:-1]
    assert lacking.warnings == ["the recording: 1 events came in pieces of which some are missing"]
