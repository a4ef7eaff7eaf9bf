"""Draws PostHog's recordings of mobile apps: wireframes and screenshots become nodes of a page.

A mobile recorder has no DOM. Its full snapshot lists `wireframes`: rectangles, texts, pictures and inputs with an id, a
place on the screen and a style; its mutations add, update and remove them. Places count from the screen's top left
corner, wherever a wireframe is nested. Touches, sizes and times are rrweb's own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final

from video_export_worker.recording.events import Event, EventType, Source, is_id, is_number, list_objects
from video_export_worker.recording.schema import NodeType
from video_export_worker.recording.wireframe_nodes import Node, Wireframe, build_element, build_node

# Ids of nodes that no wireframe has: above all that recorders give.
DOCUMENT: Final = 10**12
BODY: Final = DOCUMENT + 1
KEYBOARD: Final = DOCUMENT + 2
_FIRST_OWN: Final = DOCUMENT + 10
MAX_DEPTH: Final = 100  # wireframes in each other
_DEFAULT_KEYBOARD: Final = 300  # CSS pixels of height
_FULL_SNAPSHOT: Final = EventType.FULL_SNAPSHOT
_INCREMENTAL: Final = EventType.INCREMENTAL_SNAPSHOT
_CUSTOM: Final = EventType.CUSTOM
_MUTATION: Final = Source.MUTATION


def is_mobile(event: Any) -> bool:
    """Tell whether an event holds wireframes."""
    data = event.get("data") if isinstance(event, dict) else None
    if not isinstance(data, dict):
        return False
    if "wireframes" in data or isinstance(data.get("updates"), list):
        return True
    adds = data.get("adds")
    return bool(adds) and any("wireframe" in add for add in list_objects(adds))


class Siblings:
    """Ids of the nodes in another one, in order. Whatever their number, each is found, put in and taken out at once."""

    def __init__(self) -> None:
        self._after: dict[int | None, int | None] = {None: None}  # nothing stands for the place behind the last
        self._before: dict[int | None, int | None] = {None: None}

    def __contains__(self, node: int | None) -> bool:
        return node is not None and node in self._after

    def __iter__(self) -> Iterator[int]:
        node = self._after[None]
        while node is not None:
            yield node
            node = self._after[node]

    def after(self, node: int) -> int | None:
        """The one behind it; None if it is the last, or is not there."""
        return self._after.get(node)

    def insert(self, node: int, following: int | None) -> None:
        """Put it before the one that should follow it; where that is not there, behind the last."""
        self.remove(node)
        following = following if following in self else None
        previous = self._before[following]
        self._after[previous] = self._before[following] = node
        self._after[node], self._before[node] = following, previous

    def remove(self, node: int) -> None:
        """Take it out, if it is there."""
        if node in self:
            following, previous = self._after.pop(node), self._before.pop(node)
            self._after[previous], self._before[following] = following, previous


class MobileScreen:
    """The screen of one mobile app, as far as the events told it until now."""

    def __init__(self) -> None:
        self._ids = itertools.count(_FIRST_OWN)
        self._children: dict[int, Siblings | None] = {}  # most have none
        self._parents: dict[int, int] = {}

    @property
    def is_on(self) -> bool:
        """Whether anything was shown."""
        return bool(self._children)

    def convert(self, event: Event) -> Event:
        """Give an event of a mobile recorder the form of rrweb's; what is in that form already passes."""
        data = event.get("data")
        if not isinstance(data, dict):
            return event
        if event.get("type") == _FULL_SNAPSHOT and "wireframes" in data:
            return {**event, "data": self._show(data)}
        if event.get("type") == _FULL_SNAPSHOT:
            self._children.clear()  # a page of the web takes the screen
        is_change = event.get("type") == _INCREMENTAL and data.get("source") == _MUTATION
        if is_change and (self.is_on or is_mobile(event)):
            return {**event, "data": self._change(data)}
        if event.get("type") == _CUSTOM and data.get("tag") == "keyboard" and self.is_on:
            change = self._toggle_keyboard(data.get("payload"))
            return {**event, "type": int(_INCREMENTAL), "data": change}
        return event

    def _show(self, data: Mapping[str, Any]) -> dict[str, Any]:
        self._children, self._parents = {BODY: Siblings()}, {}
        body = build_element("body", BODY, "margin:0;background:#fff;font-family:sans-serif")
        for wireframe in list_objects(data.get("wireframes")):
            body["childNodes"] += self._build(wireframe, BODY)
        html = build_element("html", next(self._ids), "")
        html["childNodes"] = [build_element("head", next(self._ids), ""), body]
        doctype = {"type": NodeType.DOCTYPE, "name": "html", "publicId": "", "systemId": "", "id": next(self._ids)}
        document = {"type": NodeType.DOCUMENT, "childNodes": [doctype, html], "id": DOCUMENT}
        return {"node": document, "initialOffset": {"left": 0, "top": 0}}

    def _change(self, data: Mapping[str, Any]) -> dict[str, Any]:
        removes = [self._remove(entry["id"]) for entry in list_objects(data.get("removes")) if is_id(entry.get("id"))]
        adds: list[dict[str, Any]] = []
        for entry in list_objects(data.get("updates")):
            after = self._next_of(entry)
            if is_id(_wireframe_of(entry).get("id")):
                removes.append(self._remove(_wireframe_of(entry)["id"]))
            adds += self._add(entry, after)
        for entry in list_objects(data.get("adds")):
            adds += self._add(entry, None)
        return _mutation(removes=removes, adds=adds)

    def _add(self, entry: Mapping[str, Any], after: int | None) -> Iterator[dict[str, Any]]:
        """List the additions of a wireframe, node by node, before the sibling of that id."""
        parent = entry.get("parentId")
        parent = int(parent) if is_id(parent) and parent in self._children else BODY
        for node in self._build(_wireframe_of(entry), parent, after):
            yield from _list_adds(node, parent, after)

    def _remove(self, node: int) -> dict[str, Any]:
        parent = self._parents.pop(node, BODY)
        if siblings := self._children.get(parent):
            siblings.remove(node)
        for child in self._children.pop(node, None) or ():
            self._parents.pop(child, None)
        return {"parentId": parent, "id": node}

    def _next_of(self, entry: Mapping[str, Any]) -> int | None:
        """The sibling behind a wireframe that is updated: it keeps its place among them."""
        node: Any = _wireframe_of(entry).get("id")
        siblings = self._children.get(self._parents.get(node, BODY)) if is_id(node) else None
        return siblings.after(node) if siblings else None

    def _build(self, wireframe: Wireframe, parent: int, after: int | None = None, depth: int = 0) -> list[Node]:
        """The node of a wireframe with all in it; none where it has no id."""
        node_id: Any = wireframe.get("id")
        if not is_id(node_id) or depth > MAX_DEPTH:
            return []
        node_id = int(node_id)
        siblings = self._children[parent] = self._children.get(parent) or Siblings()
        siblings.insert(node_id, after)
        self._parents[node_id], self._children[node_id] = parent, None
        node = build_node(wireframe, node_id, self._ids)
        for child in list_objects(wireframe.get("childWireframes")):
            node["childNodes"] += self._build(child, node_id, None, depth + 1)
        return [node]

    def _toggle_keyboard(self, payload: Any) -> dict[str, Any]:
        payload = payload if isinstance(payload, dict) else {}
        removes = [self._remove(KEYBOARD)] if KEYBOARD in self._parents else []
        if not payload.get("open"):
            return _mutation(removes=removes)
        height = payload.get("height") if is_number(payload.get("height")) else _DEFAULT_KEYBOARD
        place = {} if is_number(payload.get("y")) else {"bottom": 0}
        keyboard = {**payload, "id": KEYBOARD, "type": "placeholder", "label": "keyboard", "height": height, **place}
        return _mutation(removes=removes, adds=list(self._add({"wireframe": keyboard}, None)))


def _mutation(**changes: Any) -> dict[str, Any]:
    return {"source": int(Source.MUTATION), "texts": [], "attributes": [], "removes": [], "adds": [], **changes}


def _wireframe_of(entry: Mapping[str, Any]) -> Wireframe:
    wireframe = entry.get("wireframe")
    return wireframe if isinstance(wireframe, dict) else {}


def _list_adds(node: Node, parent: int, after: int | None) -> Iterator[dict[str, Any]]:
    yield {"parentId": parent, "nextId": after, "node": {**node, "childNodes": []}}
    for child in node.get("childNodes", []):
        yield from _list_adds(child, node["id"], None)
