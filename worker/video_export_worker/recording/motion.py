"""What moves on a page by itself, told from its events: enough for an estimate of work, not for a picture."""

from __future__ import annotations

import binascii
import re
from enum import IntEnum
from typing import Any, Final

from video_export_worker.recording.events import Event, changes_texts_only, is_full_snapshot, is_id, list_objects
from video_export_worker.recording.style_rules import ENDLESS, Subject, is_endless, list_endless, names_of


class Motion(IntEnum):
    """A kind of content that changes without events."""

    ANIMATION = 0
    TRANSITION = 1
    SMIL = 2
    PICTURE = 3
    CLIP = 4
    CANVAS = 5
    STILL = 6
    """The last animation without an end is gone."""
    KEYFRAMES = 7
    """A style sheet has animations, whether elements have them or not."""


# What the text of a snapshot or of a change holds where it brings such content.
_SIGNS: Final[dict[Motion, tuple[bytes, ...]]] = {
    Motion.TRANSITION: (b"transition", b"keyframes "),  # also an animation that ends
    Motion.KEYFRAMES: (b"keyframes ",),
    Motion.SMIL: (b'"animate', b'"set"'),
}
_CLIPS: Final = (b'"video"', b'"audio"')
_PLAYING: Final = (b'"played"', b'"autoplay"')
_PICTURE: Final = re.compile(rb"data:image/(gif|apng|png|webp|avif)[^,\"]{0,128};base64,([A-Za-z0-9+/]*)")
_GIF_FRAME: Final = b"\x00\x21\xf9\x04"  # the end of a block, and a graphic control extension
_CHUNKS: Final = (b"acTL", b"ANIM", b"avis")  # of an animated PNG, WebP, AVIF
_HEADER: Final = 4096  # base64 characters that hold them
_MOST_SUBJECTS: Final = 1000  # of rules that are held against each node; with more, too, it moves until then
_MOST_AROUND: Final = 512  # elements around one that are followed: Chromium's parser stops there, too
_MOST_TURNING: Final = 200  # elements that are followed; with more of them the page moves until the next snapshot


class MotionFinder:
    """Follows the page of a recording through its events, in their order."""

    def __init__(self) -> None:
        self._page = _MovingPage()

    def find(self, text: bytes, event: Event | None) -> list[Motion]:
        """List the kinds of moving content that an event brings, and `STILL` where the last animation goes with it.

        Args:
            text: The event's JSON.
            event: Decoded, if it is a full snapshot or a mutation.
        """
        if event is not None and not is_full_snapshot(event) and changes_texts_only(event) and not _may_be_style(event):
            text = b""
        found = _list_signs(text) if text else set()
        is_snapshot = event is not None and is_full_snapshot(event)
        if is_snapshot:
            self._page = _MovingPage()
        moved = self._page.moves
        self._page.follow(text, event, is_snapshot=is_snapshot)
        if moved != self._page.moves:
            found.add(Motion.STILL if moved else Motion.ANIMATION)
        return sorted(found)


class _MovingPage:
    """Elements of a page with an animation without an end."""

    def __init__(self) -> None:
        self._subjects: list[Subject] = []
        self._turning: set[int] = set()
        self._parents: dict[int, int] = {}
        self._is_lost = False  # nobody can tell when it ends

    @property
    def moves(self) -> bool:
        return bool(self._turning) or self._is_lost

    def follow(self, text: bytes, event: Event | None, *, is_snapshot: bool) -> None:
        if ENDLESS in text:
            subjects = list(list_endless(text))
            self._subjects += subjects
            # Elements that were there before such a rule are not known.
            self._is_lost |= bool(subjects) and not is_snapshot
            self._is_lost |= len(self._subjects) > _MOST_SUBJECTS
        self._is_lost |= b'"marquee"' in text
        if event is not None and not self._is_lost and (self._subjects or ENDLESS in text or self._turning):
            self._follow_nodes(event["data"])
            self._is_lost = len(self._turning) > _MOST_TURNING

    def _follow_nodes(self, data: dict[str, Any]) -> None:
        for change in list_objects(data.get("attributes")):
            self._change(change.get("id"), change.get("attributes"))
        self._remove({removed["id"] for removed in list_objects(data.get("removes")) if is_id(removed.get("id"))})
        for add in list_objects(data.get("adds")):
            self._learn(add.get("node"), add.get("parentId"))
        self._learn(data.get("node"), None)

    def _learn(self, root: Any, parent: Any) -> None:
        waiting = [(root, parent)] if isinstance(root, dict) else []
        while waiting:
            node, above = waiting.pop()
            number: Any = node.get("id")
            if not is_id(number):
                continue
            if is_id(above):
                self._parents[number] = above
            attributes = node.get("attributes")
            tag, names = names_of(node)
            style = attributes.get("style") if isinstance(attributes, dict) else None
            if is_endless(style) or any(subject.fits(tag, names) for subject in self._subjects):
                self._turning.add(number)
            waiting.extend((child, number) for child in list_objects(node.get("childNodes")))

    def _change(self, number: Any, attributes: Any) -> None:
        """An element whose tag is not known any more gets other names: tags are taken to fit."""
        if not isinstance(attributes, dict) or not is_id(number) or not {"class", "id", "style"} & set(attributes):
            return
        if "class" not in attributes and not is_endless(attributes.get("style")):
            return
        _, names = names_of({"attributes": attributes})
        named = any(subject.names and subject.names <= names for subject in self._subjects)
        if named or is_endless(attributes.get("style")):
            self._turning.add(number)
        else:
            self._turning.discard(number)

    def _remove(self, numbers: set[int]) -> None:
        if numbers:
            self._turning = {turning for turning in self._turning if numbers.isdisjoint(self._around(turning))}

    def _around(self, number: int) -> list[int]:
        """An element and those around it."""
        found = [number]
        while (number := self._parents.get(number, -1)) >= 0 and len(found) < _MOST_AROUND:
            found.append(number)
        return found


def _list_signs(text: bytes) -> set[Motion]:
    found = {kind for kind, signs in _SIGNS.items() if any(sign in text for sign in signs)}
    if any(sign in text for sign in _CLIPS) and any(sign in text for sign in _PLAYING):
        found.add(Motion.CLIP)
    if any(map(_is_animated, _PICTURE.finditer(text))):
        found.add(Motion.PICTURE)
    return found


def _may_be_style(event: Event) -> bool:
    """Tell whether one of the texts that a mutation changes can be that of a style sheet with a declaration in it."""
    values = (text.get("value") for text in list_objects(event["data"].get("texts")))
    return any(isinstance(value, str) and ":" in value and "{" in value for value in values)


def _is_animated(picture: re.Match[bytes]) -> bool:
    kind, encoded = picture[1], picture[2]
    encoded = encoded if kind == b"gif" else encoded[:_HEADER]
    data = binascii.a2b_base64(encoded[: len(encoded) // 4 * 4])
    return data.count(_GIF_FRAME) > 1 if kind == b"gif" else any(chunk in data for chunk in _CHUNKS)
