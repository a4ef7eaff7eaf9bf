"""rrweb recordings made by hand, for tests that need one exact page."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from video_export_worker.recording import Recording, parse_recording

Node = dict[str, Any]
START_MS = 1_700_000_000_000


class Page:
    """Builds the nodes of one page; each gets the next id, as rrweb's recorder would give it."""

    def __init__(self, width: int = 320, height: int = 200) -> None:
        self.width, self.height = width, height
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    def text(self, content: str, *, style: bool = False) -> Node:
        return {"type": 3, "textContent": content, "isStyle": style, "id": next(self._ids)}

    def element(self, tag: str, /, *children: Node | str, **attributes: str | float) -> Node:
        nodes = [self.text(child, style=tag == "style") if isinstance(child, str) else child for child in children]
        names = {_attribute_name(name): value for name, value in attributes.items()}
        return {"type": 2, "tagName": tag, "attributes": names, "childNodes": nodes, "id": next(self._ids)}

    def svg(self, tag: str, /, *children: Node | str, **attributes: str) -> Node:
        """An element of SVG."""
        return {**self.element(tag, *children, **attributes), "isSVG": True}

    def shadow(self, host: Node, *children: Node) -> Node:
        """The host with a shadow tree."""
        host["isShadowHost"] = True
        host["childNodes"] = [{**child, "isShadow": True} for child in children] + host["childNodes"]
        return host

    def document(self, body: list[Node], css: str = "", head: list[Node] | None = None) -> Node:
        style = [self.element("style", "html,body{margin:0}" + css)]
        html = self.element("html", self.element("head", *style, *(head or [])), self.element("body", *body))
        doctype = {"type": 1, "name": "html", "publicId": "", "systemId": "", "id": next(self._ids)}
        return {"type": 0, "childNodes": [doctype, html], "id": next(self._ids)}

    def show(self, document: Node, at: int = 0) -> Page:
        """The page as it stands at `at` milliseconds: its size and a full snapshot."""
        self.add(at, 4, {"href": "http://page.test/", "width": self.width, "height": self.height})
        return self.add(at, 2, {"node": document, "initialOffset": {"top": 0, "left": 0}})

    def add(self, at: int, kind: int, data: dict[str, Any]) -> Page:
        self.events.append({"type": kind, "timestamp": START_MS + at, "data": data})
        return self

    def change(self, at: int, node: Node, **attributes: Any) -> Page:
        """Set attributes of an element."""
        names = {_attribute_name(name): value for name, value in attributes.items()}
        return self._mutate(at, attributes=[{"id": node["id"], "attributes": names}])

    def append(self, at: int, parent: Node, *nodes: Node, before: Node | None = None) -> Page:
        """Add nodes to an element, at its end or before another of its children."""
        after = before["id"] if before else None
        for node in nodes:
            self._mutate(at, adds=[*_list_adds(node, parent["id"], after)])
        return self

    def attach(self, at: int, frame: Node, document: Node) -> Page:
        """What an iframe holds."""
        for child in document["childNodes"]:
            for node in _walk(child):
                node["rootId"] = document["id"]
        add = {"parentId": frame["id"], "nextId": None, "node": document}
        return self._mutate(at, adds=[add], isAttachIframe=True)

    def remove(self, at: int, parent: Node, node: Node) -> Page:
        return self._mutate(at, removes=[{"parentId": parent["id"], "id": node["id"]}])

    def write(self, at: int, text: Node, value: str) -> Page:
        """Change a text."""
        return self._mutate(at, texts=[{"id": text["id"], "value": value}])

    def _mutate(self, at: int, **changes: Any) -> Page:
        return self.add(at, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [], **changes})

    def scroll(self, at: int, node: Node, y: int, x: int = 0) -> Page:
        return self.add(at, 3, {"source": 3, "id": node["id"], "x": x, "y": y})

    def interact(self, at: int, kind: int, node: Node, x: int = 0, y: int = 0) -> Page:
        """A mouse interaction by rrweb's number: 1 is mouse down, 2 a click, 5 focus, 6 blur, 7 touch start."""
        return self.add(at, 3, {"source": 2, "type": kind, "id": node["id"], "x": x, "y": y})

    def move(self, at: int, x: int, y: int, node: Node) -> Page:
        return self.add(at, 3, {"source": 1, "positions": [{"x": x, "y": y, "id": node["id"], "timeOffset": 0}]})

    def end(self, at: int) -> Page:
        """The recording goes on until `at` without anything to see."""
        return self.add(at, 5, {"tag": "end", "payload": {}})

    def recording_of(self, milliseconds: int) -> Recording:
        """An empty page for that long."""
        return self.show(self.document([])).end(milliseconds).recording()

    def recording(self) -> Recording:
        return parse_recording([json.dumps(self.events).encode()])


def _attribute_name(name: str) -> str:
    """`class_` and `http_equiv` as HTML has them; rrweb's own names keep their underscores."""
    return name if name.startswith(("rr_", "_")) else name.rstrip("_").replace("_", "-")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("childNodes", []):
        yield from _walk(child)


def _list_adds(node: Node, parent: int, after: int | None) -> Iterator[dict[str, Any]]:
    """A tree as rrweb reports it when it is added: node by node."""
    yield {"parentId": parent, "nextId": after, "node": {**node, "childNodes": []}}
    for child in node.get("childNodes", []):
        yield from _list_adds(child, node["id"], None)
