"""rrweb recordings made by hand, for tests that need one exact page."""

from __future__ import annotations

import itertools
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

    def element(self, tag: str, /, *children: Node | str, **attributes: str | bool) -> Node:
        nodes = [self.text(child, style=tag == "style") if isinstance(child, str) else child for child in children]
        names = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return {"type": 2, "tagName": tag, "attributes": names, "childNodes": nodes, "id": next(self._ids)}

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
        changes = [{"id": node["id"], "attributes": attributes}]
        return self.add(at, 3, {"source": 0, "texts": [], "attributes": changes, "removes": [], "adds": []})

    def move(self, at: int, x: int, y: int, node: Node) -> Page:
        return self.add(at, 3, {"source": 1, "positions": [{"x": x, "y": y, "id": node["id"], "timeOffset": 0}]})

    def end(self, at: int) -> Page:
        """The recording goes on until `at` without anything to see."""
        return self.add(at, 5, {"tag": "end", "payload": {}})

    def recording(self) -> Recording:
        import json

        return parse_recording([json.dumps(self.events).encode()])
