"""Which elements a style sheet gives an animation without an end, told from its text: by classes, ids and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

ENDLESS: Final = b"infinite"
_REACH: Final = 2000  # bytes that a rule's selector and its declarations have at most, each
_NAME: Final = re.compile(r"([.#]?)(-?[A-Za-z_][\w-]*)")
_PART: Final = re.compile(r"[\s>+~]+")
_PSEUDO: Final = re.compile(r"::?[\w-]++(\([^()]*+\))?|\[[^\]\[]*+\]")
_ON_TOUCH: Final = re.compile(r":(hover|active|focus)")  # lasts as long as the user does it


@dataclass(frozen=True)
class Subject:
    """What an element must be named so that a rule may match it."""

    tag: str
    names: frozenset[str]

    def fits(self, tag: str, names: set[str]) -> bool:
        """Whether an element of this tag, with these classes and its id, may be meant."""
        return self.names <= names and self.tag in ("", tag)


def list_endless(text: bytes) -> Iterator[Subject]:
    """List what the rules with animations without an end are about, in a text that holds style sheets (JSON, CSS)."""
    at, read = text.find(ENDLESS), -1
    while at >= 0:
        begin = text.rfind(b"{", max(0, at - _REACH), at)
        end = text.find(b"}", at, at + _REACH)
        if begin > read and b"animation" in text[begin : end if end >= 0 else at]:
            yield from _read_selector(text[max(0, begin - _REACH) : begin])
            read = begin
        at = text.find(ENDLESS, end if end >= 0 else at + len(ENDLESS))


def _read_selector(before: bytes) -> Iterator[Subject]:
    start = max(before.rfind(mark) for mark in (b"}", b"{", b'"', b";", b"*/"))
    for alternative in before[start + 1 :].decode(errors="replace").replace("\\n", " ").split(","):
        if _ON_TOUCH.search(alternative):
            continue
        subject = _PART.split(_PSEUDO.sub("", alternative).strip())[-1]
        found = _NAME.findall(subject)
        if found:
            tag = next((name.lower() for kind, name in found if not kind), "")
            yield Subject(tag, frozenset(kind + name for kind, name in found if kind))


def names_of(node: dict[str, Any]) -> tuple[str, set[str]]:
    """The tag of an element, and its classes and id as a selector has them."""
    attributes = node.get("attributes")
    given = attributes if isinstance(attributes, dict) else {}
    names = {f".{name}" for name in str(given.get("class") or "").split()}
    if given.get("id"):
        names.add(f"#{given['id']}")
    return str(node.get("tagName")).lower(), names


def is_endless(style: object) -> bool:
    """Whether an inline style has an animation without an end."""
    return "infinite" in str(style) and "animation" in str(style)
