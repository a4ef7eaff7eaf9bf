"""Recordings with events of every kind, each field right, wrong, wild or missing; the same for the same seed."""

from __future__ import annotations

import random
from typing import Any

from tests.integration.rendering.hostile.mutations import HOSTILE

Json = Any
START = 1_700_000_000_000
TAGS = (
    "div",
    "p",
    "span",
    "input",
    "video",
    "iframe",
    "canvas",
    "x-card",
    "style",
    "select",
    "svg",
    "table",
    "a b",
    "HTML",
)
KNOWN = 12  # ids of nodes that the page has


class Chance:
    """Draws values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ids = 100

    def one(self, *values: Json) -> Json:
        return self._random.choice(values)

    def is_rare(self) -> bool:
        return self._random.random() < 0.08

    def count(self, most: int) -> int:
        return self._random.randint(0, most)

    def some(self, most: int, make: Any) -> Json:
        return [make() for _ in range(self.count(most))]

    def id(self) -> Json:
        return self.one(*range(KNOWN), *range(100, self._ids + 1), -1, 10**9, None, 2.5)

    def number(self) -> Json:
        return self.one(0, 1, 0.5, 40, 300, -5, 1e9, -1e308, None, "7")

    def text(self) -> Json:
        return self.one("", "words", "x" * 2000, "\ud800", None, 7)

    def rules(self) -> Json:
        return self.one(
            ".a{color:red}", "p{", "@import 'a'", "@keyframes k{to{opacity:0}}", "}", None, "*{animation:k 1s infinite}"
        )

    def node(self, depth: int = 0) -> Json:
        """A serialised node; mostly an element with some others in it."""
        self._ids += 1
        kind = self.one(2, 2, 2, 3, 3, 5, 0, 1, 4, 9, None) if depth else self.one(2, 2, 2, 2, 3, 0)
        inner = [self.node(depth + 1) for _ in range(self.count(3))] if depth < 3 else []
        node = {
            "type": kind,
            "tagName": self.one(*TAGS),
            "attributes": self.attributes(),
            "childNodes": inner,
            "textContent": self.text(),
            "id": self.one(self._ids, self._ids, self._ids, self.id()),
            "rootId": self.one(None, None, 1, 77),
        }
        if self.is_rare():
            node |= {"isShadow": True, "isShadowHost": True, "isSVG": True, "isCustom": True}
        return self.holed({key: value for key, value in node.items() if value is not None})

    def attributes(self) -> Json:
        names = (
            "class",
            "style",
            "src",
            "href",
            "value",
            "rr_dataURL",
            "rr_width",
            "_cssText",
            "rr_scrollTop",
            "onclick",
            "",
        )
        return {
            self.one(*names): self.one(self.text(), self.rules(), self.number(), True) for _ in range(self.count(3))
        }

    def holed(self, value: dict[str, Json]) -> Json:
        """The object; sometimes one of its fields is missing or is something else."""
        if self.is_rare() and value:
            key = self.one(*value)
            value = {**value, key: self.one(*HOSTILE)}
            if self.count(1):
                del value[key]
        return value if not self.is_rare() or self.count(4) else self.one(*HOSTILE)


def _mutation(chance: Chance) -> Json:
    def add() -> Json:
        return chance.holed({"parentId": chance.id(), "nextId": chance.id(), "node": chance.node()})

    adds = chance.some(5, add)
    if adds and chance.count(2) == 0:  # a circle: each before the next, the last before the first
        places = [add["node"].get("id") for add in adds if isinstance(add, dict) and isinstance(add.get("node"), dict)]
        for at, place in enumerate(places):
            if isinstance(adds[at], dict):
                adds[at] |= {"nextId": places[(at + 1) % len(places)], "parentId": chance.one(2, place)}
    return {
        "source": 0,
        "adds": adds,
        "removes": chance.some(3, lambda: chance.holed({"id": chance.id(), "parentId": chance.id()})),
        "texts": chance.some(3, lambda: chance.holed({"id": chance.id(), "value": chance.text()})),
        "attributes": chance.some(3, lambda: chance.holed({"id": chance.id(), "attributes": chance.attributes()})),
        "isAttachIframe": chance.one(True, False),
    }


def _moves(chance: Chance) -> Json:
    def at() -> Json:
        position = {"x": chance.number(), "y": chance.number(), "id": chance.id(), "timeOffset": chance.number()}
        return chance.holed(position)

    return {"source": chance.one(1, 6, 12), "positions": chance.some(4, at)}


def _rule_changes(chance: Chance) -> Json:
    def index() -> Json:
        return chance.one(0, 1, 99, -1, [0], [0, 5], [], None, "0")

    return {
        "source": 8,
        "id": chance.id(),
        "styleId": chance.one(None, 1, 2, 99),
        "adds": chance.some(3, lambda: chance.holed({"rule": chance.rules(), "index": index()})),
        "removes": chance.some(2, lambda: chance.holed({"index": index()})),
        "replace": chance.one(None, chance.rules()),
    }


def _adopted(chance: Chance) -> Json:
    def style() -> Json:
        rules = chance.some(2, lambda: chance.holed({"rule": chance.rules(), "index": chance.one(0, 9, None)}))
        return chance.holed({"styleId": chance.one(1, 2, 99, None), "rules": rules})

    ids = chance.some(3, lambda: chance.one(1, 2, 98))
    return {"source": 15, "id": chance.id(), "styles": chance.some(2, style), "styleIds": ids}


def _canvas(chance: Chance) -> Json:
    args = chance.some(4, lambda: chance.one(chance.number(), {"rr_type": "ImageData", "args": []}, *HOSTILE))
    names = ("fillRect", "drawImage", "fillStyle", "clearRect", "getImageData", "nonsense")
    command = {"property": chance.one(*names), "args": args, "setter": chance.one(True, False)}
    return {"source": 9, "id": chance.id(), "type": chance.one(0, 1, 2, 7), "commands": [chance.holed(command)]}


def _other(chance: Chance) -> Json:
    source = chance.one(2, 3, 4, 5, 7, 10, 11, 13, 14, 16, 77)
    numbers = {name: chance.number() for name in ("x", "y", "width", "height", "currentTime", "volume", "playbackRate")}
    font = {
        "family": chance.text(),
        "fontSource": chance.one("url(data:,)", "[1,2]", "x"),
        "buffer": chance.one(True, 0),
    }
    rule = {"index": chance.one([0], [0, 1], 0, None), "set": {"property": chance.text(), "value": chance.text()}}
    fields = {"id": chance.id(), "type": chance.count(12), "text": chance.text(), "isChecked": chance.one(True, None)}
    return {"source": source, **numbers, **font, **rule, **fields, "ranges": chance.some(2, lambda: _range(chance))}


def _range(chance: Chance) -> Json:
    return {"start": chance.id(), "startOffset": chance.number(), "end": chance.id(), "endOffset": 1}


DATA = (_mutation, _mutation, _mutation, _moves, _rule_changes, _adopted, _canvas, _other, _other)


def generate(seed: int, count: int = 40) -> list[Json]:
    """A page, and that many events of any kind in any order."""
    chance = Chance(seed)
    events = [_event(4, 0, {"href": "", "width": 320, "height": 200}), _event(2, 0, _page(chance))]
    for _ in range(count):
        at = chance.count(600) + chance.one(0, 0, 0, 0.25, -300, 10_000)
        kind = chance.one(3, 3, 3, 3, 3, 3, 3, 3, 2, 4, 0, 1, 5, 6, 7, 9)
        events.append(_event(kind, at, chance.holed(_data_of(kind, chance))))
    return [*events, {"type": 5, "timestamp": START + 700, "data": {"tag": "end", "payload": {}}}]


def _data_of(kind: int, chance: Chance) -> dict[str, Json]:
    data: Json = chance.attributes()
    if kind == 3:
        data = chance.one(*DATA)(chance)
    elif kind == 2:
        data = chance.one(_page(chance), {"node": chance.node()})
    elif kind == 4:
        data = {"href": chance.text(), "width": chance.number(), "height": chance.number()}
    return data if isinstance(data, dict) else {}


def _event(kind: Json, at: float, data: Json) -> Json:
    return {"type": kind, "timestamp": START + at, "data": data}


def _page(chance: Chance) -> Json:
    body: list[Json] = []
    for number in range(5, KNOWN):
        inner = [{"type": 3, "textContent": "text", "id": number + 50}]
        element = {"type": 2, "tagName": chance.one(*TAGS), "attributes": chance.attributes(), "id": number}
        body.append({**element, "childNodes": inner})
    body.append(chance.node())
    nodes = [
        {"type": 2, "tagName": "head", "attributes": {}, "childNodes": [], "id": 3},
        {"type": 2, "tagName": "body", "attributes": {}, "childNodes": body, "id": 4},
    ]
    html = {"type": 2, "tagName": "html", "attributes": {}, "childNodes": nodes, "id": 2}
    root = {"type": 0, "childNodes": [*chance.some(1, chance.node), html], "id": 1}
    return chance.holed({"node": root, "initialOffset": {"left": chance.number(), "top": 0}})
