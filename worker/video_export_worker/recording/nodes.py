"""What an event brings into the page, followed in one walk over its nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from video_export_worker.recording.events import Event, Source, is_full_snapshot, is_id, list_objects, source_of


@dataclass
class Brought:
    """What the nodes of one event hold.

    Attributes:
        edits: The event changes text inside of an element that the user edits (`contenteditable`).
        canvas: There is a canvas among the nodes.
        frames: Ids of the iframes among the nodes.
        nesting: Elements around the deepest node, as far as the event tells.
    """

    edits: bool = False
    canvas: bool = False
    frames: list[int] = field(default_factory=list)
    nesting: int = 0


class PageNodes:
    """Follows the nodes of a page through a recording's events, in their order.

    Attributes:
        most: how many nodes a page has had at once, at most. Of nodes that a snapshot brought and that are removed with
            their parent nothing is known, so there may have been fewer.

    rrweb has no input events for `contenteditable` elements, which rich text editors are made of: there, a changed
    text is typing. So the ids of the nodes inside of such elements are kept.
    """

    def __init__(self) -> None:
        self._editable: set[Any] = set()
        self.most = self._count = 0
        self._children: dict[Any, list[Any]] = {}  # ids by the id of the parent, of nodes that mutations have brought

    def follow(self, event: Event) -> Brought:
        """Take in a full snapshot or a mutation; other events bring no nodes."""
        brought = Brought()
        if is_full_snapshot(event):
            self._editable.clear()
            self._children.clear()
            self._count = 0
            self._learn(event["data"]["node"], brought, inside=False)
        elif source_of(event) == Source.MUTATION:
            self._follow_mutation(event["data"], brought)
        self.most = max(self.most, self._count)
        return brought

    def _follow_mutation(self, data: dict[str, Any], brought: Brought) -> None:
        for removed in list_objects(data.get("removes")):
            self._forget(removed.get("id"))
        adds = [add for add in list_objects(data.get("adds")) if isinstance(add.get("node"), dict)]
        inside = [self._is_editable(add.get("parentId")) for add in adds]
        for add, is_inside in zip(adds, inside, strict=True):
            self._learn(add["node"], brought, inside=is_inside)
            parent, node = add.get("parentId"), add["node"].get("id")
            if is_id(parent) and is_id(node):
                self._children.setdefault(parent, []).append(node)
        brought.edits = self.edits_texts(data) or any(inside)

    def edits_texts(self, data: dict[str, Any]) -> bool:
        """Tell whether a mutation changes texts inside of elements that the user edits."""
        return bool(self._editable) and any(
            self._is_editable(text.get("id")) for text in list_objects(data.get("texts"))
        )

    def _forget(self, root: Any) -> None:
        waiting = [root] if is_id(root) else []
        while waiting:
            self._count = max(0, self._count - 1)
            waiting += self._children.pop(waiting.pop(), ())

    def _learn(self, root: dict[str, Any], brought: Brought, *, inside: bool) -> None:
        waiting = [(root, inside, 0)]
        while waiting:
            node, is_inside, nesting = waiting.pop()
            self._count += 1
            attributes = node.get("attributes")
            edit = attributes.get("contenteditable") if isinstance(attributes, dict) else None
            is_inside = is_inside if edit is None else edit not in (False, "false")
            if is_inside and is_id(node.get("id")):
                self._editable.add(node["id"])
            self._note_tag(node, brought)
            brought.nesting = max(brought.nesting, nesting)
            waiting.extend((child, is_inside, nesting + 1) for child in list_objects(node.get("childNodes")))

    @staticmethod
    def _note_tag(node: dict[str, Any], brought: Brought) -> None:
        tag = node.get("tagName")
        if not isinstance(tag, str):
            return
        brought.canvas = brought.canvas or tag.lower() == "canvas"
        if tag == "iframe" and is_id(node.get("id")):
            brought.frames.append(node["id"])

    def _is_editable(self, node: Any) -> bool:
        return is_id(node) and node in self._editable
