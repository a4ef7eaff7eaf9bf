"""A recording of any size, made while it is read: nothing of it is kept.

A page of 6,000 elements is taken anew every two minutes. In between texts of 3 kB change, the mouse moves, the page
scrolls and a field is typed into, as a busy dashboard's recording has it.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import zstandard

START_MS: Final = 1_700_000_000_000
STEP_MS: Final = 40
CHECKOUT_MS: Final = 120_000
ROWS: Final = 1500
WORDS: Final = (
    "total",
    "orders",
    "delivered",
    "Zürich",
    "東京",
    "pending",
    "refund",
    "customer",
    "[open]",
    "{id}",
    "a,b,c",
)


def huge_recording(size: int) -> Iterator[bytes]:
    """Yield about `size` bytes of a recording, as a JSON array."""
    made = 0
    for number, event in enumerate(_events()):
        text = (b"," if number else b"[") + json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        made += len(text)
        yield text
        if made >= size:
            break
    yield b"]"


def write_huge(path: Path, size: int) -> None:
    """Write about `size` bytes of a recording, compressed by zstd."""
    _write(path, huge_recording(size))


def write_texts(path: Path, *, changes: int, seconds: float, snapshot_seconds: float) -> None:
    """Write a recording in which one text after the other changes, 3 kB each, compressed by zstd."""
    events = _change_texts(changes, seconds, snapshot_seconds)
    texts = (json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() for event in events)
    _write(path, (part for number, text in enumerate(texts) for part in (b"," if number else b"[", text)), b"]")


def _write(path: Path, parts: Iterable[bytes], end: bytes = b"") -> None:
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    with path.open("wb") as file:
        for part in parts:
            file.write(compressor.compress(part))
        file.write(compressor.compress(end) + compressor.flush())


def _change_texts(changes: int, seconds: float, snapshot_seconds: float) -> Iterator[dict[str, Any]]:
    rng = random.Random(7)
    page, taken = _page(), -1.0
    for number in range(changes):
        at = int(number * seconds * 1000 / changes)
        if at // (snapshot_seconds * 1000) > taken:
            taken = at // (snapshot_seconds * 1000)
            yield _event(4, at, {"href": "https://shop.test/", "width": 1280, "height": 720})
            yield _event(2, at, {"node": page, "initialOffset": {"left": 0, "top": 0}})
        text = " ".join(rng.choices(WORDS, k=430))
        change = {"source": 0, "adds": [], "removes": [], "attributes": []}
        yield _event(3, at, {**change, "texts": [{"id": 10 + 4 * rng.randrange(ROWS) + 3, "value": text}]})


def _events() -> Iterator[dict[str, Any]]:
    rng = random.Random(7)
    page = _page()
    for at in itertools.count(0, STEP_MS):
        if at % CHECKOUT_MS == 0:
            yield _event(4, at, {"href": "https://shop.test/", "width": 1280, "height": 720})
            yield _event(2, at, {"node": page, "initialOffset": {"left": 0, "top": 0}})
        text = " ".join(rng.choices(WORDS, k=400))
        change = {"source": 0, "adds": [], "removes": [], "attributes": []}
        yield _event(3, at + 1, {**change, "texts": [{"id": 10 + 4 * rng.randrange(ROWS) + 3, "value": text}]})
        if at % 480 == 0:
            moves = [
                {"x": rng.randrange(1280), "y": rng.randrange(720), "id": 8, "timeOffset": -40 * k} for k in range(10)
            ]
            yield _event(3, at + 2, {"source": 1, "positions": moves[::-1]})
        if at % 1000 == 0:
            yield _event(3, at + 3, {"source": 3, "id": 1, "x": 0, "y": at % 5000})


def _page() -> dict[str, Any]:
    rows = []
    for row in range(ROWS):
        first = 10 + 4 * row
        text = {"type": 3, "textContent": f"Order {row}: " + "waiting for delivery " * 20, "id": first + 3}
        cell = {"type": 2, "tagName": "td", "attributes": {"class": "cell wide"}, "childNodes": [text], "id": first + 1}
        rows.append({"type": 2, "tagName": "tr", "attributes": {}, "childNodes": [cell], "id": first})
    table = {"type": 2, "tagName": "table", "attributes": {"class": "orders"}, "childNodes": rows, "id": 8}
    body = {"type": 2, "tagName": "body", "attributes": {}, "childNodes": [table], "id": 7}
    html = {"type": 2, "tagName": "html", "attributes": {}, "childNodes": [body], "id": 2}
    return {"type": 0, "childNodes": [html], "id": 1}


def _event(kind: int, at: int, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "timestamp": START_MS + at, "data": data}
