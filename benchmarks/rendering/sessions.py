"""Makes long recordings of a page that is used all the time: typing, hovering, scrolling, lists that change."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_MS = 1_700_000_000_000
ROWS = 40
CSS = (
    "body{margin:0;font:14px DejaVu Sans} li{height:22px;transition:background .3s} .on{background:gold}"
    "li:hover{background:skyblue} div{height:300px;overflow:auto}"
)
Event = dict[str, Any]


def write_session(path: Path, minutes: float, *, snapshot_minutes: float | None = None) -> None:
    """Write a recording of that many minutes, with a checkout every so many minutes, or with one snapshot."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        separator = "["
        for event in list_events(minutes * 60, None if snapshot_minutes is None else snapshot_minutes * 60):
            file.write(separator + json.dumps(event, separators=(",", ":")))
            separator = ","
        file.write("]")


def list_events(seconds: float, snapshot_seconds: float | None = None) -> Iterator[Event]:
    """About ten events a second, in order."""
    rows = [_row(100 + 2 * number, f"row {number}") for number in range(ROWS)]
    ids = itertools.count(1000, 2)
    typed = ""
    yield from _snapshot(0, rows, typed)
    for second in range(int(seconds)):
        at = second * 1000
        if snapshot_seconds and second and second % snapshot_seconds == 0:
            yield from _snapshot(at, rows, typed)
        target = rows[second % ROWS]["id"]
        for step in range(4):
            position = {"x": 40 + step * 8, "y": 60 + second % 200, "id": target, "timeOffset": 0}
            yield _change(at + 100 + 200 * step, source=1, positions=[position])
        typed = (typed + "abcdefghij"[second % 10])[-40:]
        yield _change(at + 150, source=5, id=7, text=typed, isChecked=False)
        yield _mutate(at + 350, attributes=[{"id": target, "attributes": {"class": "on" if second % 2 else ""}}])
        gone, added = rows.pop(0), _row(next(ids), f"row of second {second}")
        yield _mutate(at + 550, removes=[{"parentId": 6, "id": gone["id"]}])
        (text,) = added["childNodes"]
        adds = [{"parentId": 6, "nextId": None, "node": {**added, "childNodes": []}}]
        yield _mutate(at + 560, adds=[*adds, {"parentId": added["id"], "nextId": None, "node": text}])
        rows.append(added)
        yield _change(at + 750, source=3, id=8, x=0, y=20 * (second % 20))
    yield {"type": 5, "timestamp": START_MS + int(seconds * 1000), "data": {"tag": "end", "payload": {}}}


def _snapshot(at: int, rows: list[Event], typed: str) -> Iterator[Event]:
    style = _element(4, "style", {}, {"type": 3, "textContent": CSS, "isStyle": True, "id": 5})
    box = _element(8, "div", {}, _element(6, "ul", {}, *rows))
    body = _element(9, "body", {}, _element(7, "input", {"value": typed}), box)
    html = _element(3, "html", {}, _element(10, "head", {}, style), body)
    doctype = {"type": 1, "name": "html", "publicId": "", "systemId": "", "id": 2}
    document = {"type": 0, "childNodes": [doctype, html], "id": 1}
    yield {"type": 4, "timestamp": START_MS + at, "data": {"href": "http://page.test/", "width": 1280, "height": 720}}
    offset = {"left": 0, "top": 0}
    yield {"type": 2, "timestamp": START_MS + at, "data": {"node": document, "initialOffset": offset}}


def _element(number: int, tag: str, attributes: dict[str, str], *children: Event) -> Event:
    return {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": list(children), "id": number}


def _row(number: int, text: str) -> Event:
    return _element(number, "li", {}, {"type": 3, "textContent": text, "id": number + 1})


def _change(at: int, **data: Any) -> Event:
    return {"type": 3, "timestamp": START_MS + at, "data": data}


def _mutate(at: int, **changes: Any) -> Event:
    return _change(at, **{"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [], **changes})
