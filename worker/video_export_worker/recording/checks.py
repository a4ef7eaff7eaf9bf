"""Checks events against `schema`: what cannot be applied is named, and what is only in part is mended."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from video_export_worker.recording.events import MAX_TIMESTAMP_MS, Event, EventType, Source, is_id, is_number
from video_export_worker.recording.problems import BrokenEvent
from video_export_worker.recording.schema import (
    ADDED,
    CHILDREN,
    OF_SOURCES,
    OF_TYPES,
    Defaulted,
    Items,
    Needed,
    NodeType,
    Optional,
    Requirement,
    Tree,
)

_INCREMENTAL: Final = EventType.INCREMENTAL_SNAPSHOT
_MUTATION: Final = Source.MUTATION
_WITH_DATA: Final = (EventType.FULL_SNAPSHOT, _INCREMENTAL, EventType.META)


@dataclass
class Mended:
    """What was changed of an event so that it can be applied.

    Attributes:
        holes: What was left out, for a warning.
        is_changed: The event differs from its text.
    """

    holes: list[str] = field(default_factory=list)
    is_changed: bool = False

    def tell(self, hole: str) -> None:
        """Note something that was left out."""
        self.holes.append(hole)
        self.is_changed = True


def check_event(event: Any) -> Mended:
    """Check an event that was just decoded, and mend it in place.

    Types and sources that are not known yet are kept as they are.

    Raises:
        BrokenEvent: it cannot be applied; says why.
    """
    _check_frame(event)
    mended = Mended()
    kind, data = event["type"], event.get("data")
    requirements: tuple[Requirement, ...] = OF_TYPES.get(kind, ())
    if kind == _INCREMENTAL:
        source = data["source"]
        requirements = OF_SOURCES.get(source, ())
        if source == _MUTATION:
            _mend_added_trees(data, mended)
    for requirement in requirements:
        try:
            _CHECKS[type(requirement)](data, requirement, mended)
        except BrokenEvent as error:
            raise BrokenEvent(f"{name_kind(event)}: {error}") from None
    return mended


def name_kind(event: Event) -> str:
    """What messages call an event that has the fields of one: "mutation", "full snapshot"."""
    kind = event["type"]
    if kind == EventType.INCREMENTAL_SNAPSHOT:
        return name_code(kind, event["data"]["source"])
    return name_code(kind, -1)


def name_code(kind: int, source: int) -> str:
    """What messages call an event of this type and source (-1 for none)."""
    codes: Any = Source if kind == EventType.INCREMENTAL_SNAPSHOT else EventType
    number = source if codes is Source else kind
    try:
        return str(codes(number).name).lower().replace("_", " ")
    except ValueError:
        return f"{codes.__name__.lower()} {number}"


def _check_frame(event: Any) -> None:
    """Check what every event has."""
    if not isinstance(event, dict):
        raise BrokenEvent(f"not an event: an object is expected, not {name_type(event)}")
    kind: Any = event.get("type")
    timestamp: Any = event.get("timestamp")
    data: Any = event.get("data")
    if not _is_whole(kind) or kind < 0:
        names = ", ".join(f"{name!r:.40}" for name in itertools.islice(event, 6))
        fields = f" (an object with {names or 'nothing in it'})" if kind is None else ""
        raise BrokenEvent(f"not an event: `type` must be a whole number, not {_show(kind)}{fields}")
    if not is_number(timestamp) or abs(timestamp) > MAX_TIMESTAMP_MS:
        raise BrokenEvent(f"`timestamp` must be milliseconds since 1970, not {_show(timestamp)}")
    if kind in _WITH_DATA and not isinstance(data, dict):
        raise BrokenEvent(f"`data` must be an object, not {name_type(data)}")
    if kind == _INCREMENTAL and not _is_whole(data.get("source")):
        raise BrokenEvent(f"`data.source` must be a whole number, not {_show(data.get('source'))}")


def _check_needed(holder: dict[str, Any], needed: Needed, mended: Mended) -> None:
    if not needed.kind.fits(holder.get(needed.name)):
        raise BrokenEvent(_explain(holder, needed))


def _check_defaulted(holder: dict[str, Any], defaulted: Defaulted, mended: Mended) -> None:
    value = holder.get(defaulted.name)
    if defaulted.kind.fits(value):
        return
    if value is not None:
        mended.tell(_explain(holder, defaulted))
    holder[defaulted.name] = defaulted.default
    mended.is_changed = True


def _check_optional(holder: dict[str, Any], optional: Optional, mended: Mended) -> None:
    is_given = optional.name in holder
    if (is_given or optional.is_expected) and not optional.kind.fits(holder.get(optional.name)):
        mended.tell(_explain(holder, optional))
        holder.pop(optional.name, None)


def _check_items(holder: dict[str, Any], items: Items, mended: Mended) -> None:
    given = holder.get(items.name)
    if not given and not items.least and (given.__class__ is list or (given is None and not items.is_needed)):
        return
    if not isinstance(given, list):
        problem = f"`{items.name}` must be a list, not {_show(given)}"
        if items.is_needed or items.least:
            raise BrokenEvent(problem)
        mended.tell(problem)
        holder[items.name] = []
        return
    kept = [item for item in given if _fits(item, items.fields)]
    if len(kept) < items.least:
        raise BrokenEvent(f"no `{items.name}`" if not given else _explain_items(given, items))
    if len(kept) < len(given):
        mended.tell(f"left out {len(given) - len(kept)} of {len(given)} {_explain_items(given, items)}")
        holder[items.name] = kept


def _fits(item: Any, fields: tuple[Needed, ...]) -> bool:
    if not isinstance(item, dict):
        return False
    for needed in fields:  # noqa: SIM110 - a generator takes twice the time, and there are millions of items
        if not needed.kind.fits(item.get(needed.name)):
            return False
    return True


def _explain_items(given: list[Any], items: Items) -> str:
    """Say what is wrong with the first item that lacks something."""
    item = next(item for item in given if not _fits(item, items.fields))
    if not isinstance(item, dict):
        return f"`{items.name}`: an object is expected, not {name_type(item)}"
    needed = next(needed for needed in items.fields if not needed.kind.fits(item.get(needed.name)))
    return f"`{items.name}`: {_explain(item, needed)}"


def _check_tree(holder: dict[str, Any], tree: Tree, mended: Mended) -> None:
    node = holder.get(tree.name)
    if not isinstance(node, dict):
        raise BrokenEvent(f"`data.{tree.name}` must be a node, not {_show(node)}")
    if not _is_node(node, tree.kinds):
        raise BrokenEvent(f"`data.{tree.name}` is not a document: its `type` is {_show_number(node.get('type'))}")
    _mend_trees([node], mended)


def _mend_added_trees(data: dict[str, Any], mended: Mended) -> None:
    """Mend what a mutation adds: nodes whose kind cannot be added are items that lack something."""
    adds = data.get("adds")
    if not isinstance(adds, list):
        return
    unknown = [add["node"] for add in adds if _adds_unknown(add)]
    if unknown:
        mended.tell(f"left out {len(unknown)} of {len(adds)} `adds`: {_explain_node(unknown[0])}")
        data["adds"] = adds = [add for add in adds if not _adds_unknown(add)]
    _mend_trees([add["node"] for add in adds if isinstance(add, dict) and isinstance(add.get("node"), dict)], mended)


def _adds_unknown(add: Any) -> bool:
    """Tell whether an item would add a node of a kind that cannot be added."""
    return isinstance(add, dict) and isinstance(add.get("node"), dict) and not _is_node(add["node"], ADDED)


def _mend_trees(roots: list[dict[str, Any]], mended: Mended) -> None:
    """Leave out the nodes that their parents cannot hold."""
    strays: Counter[str] = Counter()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        allowed = CHILDREN.get(node.get("type"))
        children = node.get("childNodes")
        if not children or allowed is None:
            continue
        if not isinstance(children, list):
            strays[f"`childNodes` must be a list, not {_show(children)}"] += 1
            node["childNodes"] = []
            continue
        before = len(waiting)
        # What `_is_node` says, without a call for each of millions of nodes.
        waiting += [
            child
            for child in children
            if child.__class__ is dict
            and (kind := child.get("type")).__class__ is int
            and kind in allowed
            and (kind != NodeType.ELEMENT or child.get("tagName").__class__ is str)
        ]
        if len(waiting) - before < len(children):
            strays.update(_explain_node(child) for child in children if not _is_node(child, allowed))
            node["childNodes"] = waiting[before:]
    for reason, count in strays.items():
        mended.tell(f"left out {count} of its nodes: {reason}")


def _is_node(value: Any, allowed: frozenset[int]) -> bool:
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if kind == NodeType.ELEMENT and not isinstance(value.get("tagName"), str):
        return False
    return type(kind) is int and kind in allowed


def _explain_node(node: Any) -> str:
    if not isinstance(node, dict):
        return f"a node is expected, not {name_type(node)}"
    kind = node.get("type")
    if kind == NodeType.ELEMENT and not isinstance(node.get("tagName"), str):
        return "an element has no `tagName`"
    return f"a node of the type {_show_number(kind)} cannot be there"


_CHECKS: Final[dict[type, Any]] = {
    Needed: _check_needed,
    Defaulted: _check_defaulted,
    Optional: _check_optional,
    Items: _check_items,
    Tree: _check_tree,
}


def _explain(holder: dict[str, Any], needed: Needed | Defaulted | Optional) -> str:
    return f"`{needed.name}` must be {needed.kind.name}, not {_show(holder.get(needed.name))}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and is_id(value)


def name_type(value: Any) -> str:
    """What messages call a value's type."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _show(value: Any) -> str:
    if value is None:
        return "missing"
    return f"{value!r:.40}" if isinstance(value, str) else _show_number(value)


def _show_number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return name_type(value)
    return str(value) if abs(value) < 10**15 else "one so large"
