"""Small recordings for tests, in every format."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

from video_export_worker.recording import Event

START = 1_700_000_000_000


def meta(at: float = 0, width: float = 800, height: float = 600) -> Event:
    return {
        "type": 4,
        "data": {"href": "https://shop.test/", "width": width, "height": height},
        "timestamp": START + at,
    }


def snapshot(at: float = 1, *, tag: str = "p") -> Event:
    body = {"type": 2, "tagName": tag, "attributes": {}, "childNodes": [], "id": 3}
    html = {"type": 2, "tagName": "html", "attributes": {}, "childNodes": [body], "id": 2}
    node = {"type": 0, "childNodes": [html], "id": 1}
    return {"type": 2, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}, "timestamp": START + at}


def incremental(at: float, source: int, **data: Any) -> Event:
    return {"type": 3, "data": {"source": source, **data}, "timestamp": START + at}


def moves(at: float, *positions: tuple[float, float, float], source: int = 1) -> Event:
    """A batch of (x, y, timeOffset), sent at its end."""
    batch = [{"x": x, "y": y, "id": 3, "timeOffset": offset} for x, y, offset in positions]
    return incremental(at, source, positions=batch)


def mutation(at: float, **fields: Any) -> Event:
    return incremental(at, 0, **{"adds": [], "removes": [], "texts": [], "attributes": [], **fields})


def session() -> list[Event]:
    """A small session of two seconds."""
    return [
        meta(),
        snapshot(),
        mutation(300, texts=[{"id": 3, "value": "你好 🚄 \ud83d"}]),
        moves(1000, (10, 20, -450), (30, 40, 0)),
        incremental(1500, 2, type=2, id=3, x=30, y=40),
        incremental(2000, 5, id=3, text="a", isChecked=False),
    ]


def as_array(events: Any) -> bytes:
    return json.dumps(events).encode()


def as_lines(values: list[Any]) -> bytes:
    return b"\n".join(json.dumps(value).encode() for value in values)


def as_field(value: Any) -> str:
    """PostHog's compressed field: gzip bytes as a string of code points 0-255."""
    return gzip.compress(json.dumps(value).encode()).decode("latin-1")


def as_posthog(event: Event) -> Event:
    """The event with the fields that PostHog's recorder compresses."""
    data = event["data"]
    if event["type"] == 2:
        return {**event, "cv": "2024-10", "data": as_field(data)}
    if event["type"] == 3 and data["source"] == 0:
        fields = {key: as_field(data[key]) for key in ("adds", "removes", "texts", "attributes")}
        return {**event, "cv": "2024-10", "data": {**data, **fields}}
    return event


def as_packed(event: Event) -> str:
    """What rrweb's `pack` makes of an event."""
    return zlib.compress(json.dumps({**event, "v": "v1"}).encode()).decode("latin-1")
