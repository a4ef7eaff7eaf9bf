"""Every URL that a recording can show, found while its events pass by. Pure: nothing is asked.

What counts is what Blink would load: images of elements, of SVG and of styles, posters, style sheets, fonts, media. The
replay page resolves URLs the same way before rrweb sees them (worker/player/src/links.js); the two change together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final

from video_export_worker.assets.css import Reference, Use, find_references
from video_export_worker.contract.assets import Asset
from video_export_worker.recording.events import (
    Event,
    EventType,
    Source,
    changes_texts_only,
    list_objects,
    whole_text,
)

MOST_LINKS: Final = 10_000  # of a recording; what is more is counted as missing
MOST_LINK_BYTES: Final = 16 * 2**20  # of their addresses
LONGEST_URL: Final = 8192
# Attributes that load, whatever the element; `href` and `data` only do on those that are listed.
_IMAGES: Final = frozenset({"src", "rr_captured_src"})
_SETS: Final = frozenset({"srcset", "imagesrcset", "rr_captured_srcset"})
_STYLE_TEXT: Final = "rr_css_text"  # of a `style`: the address of its text among the recording's own files
_HREFS: Final = frozenset({"href", "xlink:href", "rr_captured_href"})
_STYLES: Final = frozenset({"style", "_cssText"})
_SHEET_LINK: Final = "link of a sheet"
_HREF_USES: Final = {_SHEET_LINK: Use.SHEET, "image": Use.IMAGE, "feimage": Use.STYLE_IMAGE, "use": Use.STYLE_IMAGE}
_SRC_USES: Final = {"video": Use.MEDIA, "audio": Use.MEDIA, "source": Use.MEDIA}
_WITHOUT_PICTURE: Final = frozenset({"iframe", "frame", "script", "noscript", "embed", "track", "portal"})
# Only a text with one of these can hold a link: a page of an application has thousands of changes without any. Plain
# searches, because an expression that looks at every name takes longer than decoding.
_MARKS: Final = (
    *(b'src"', b'srcset"', b'href"', b'poster"', b'background"', b'fontSource"'),
    b'rr_css_text"',
    *(b"url(", b"URL(", b"@import", b"image-set("),
)
# These elements may come to link by a later change.
_MAY_COME_TO_LINK: Final = re.compile(rb'"tagName"\s*:\s*"(?:style|link|image|use|feImage|video|audio|source)"')
# What recorders of rrweb's asset events name by a part of the page's address: `https://shop.test/#rr_style_el:1`.
_MADE_UP_PART: Final = re.compile(r"#(rr_(?:style_el|data_[a-z]++|adopted_style):\d++)\Z")
_MADE_UP: Final = re.compile(r"\?rr_(?:style_el|data_[a-z]++|adopted_style):\d++\Z")
# A URL, whose last character is no comma, and what describes it. It matches wherever it is tried, so that nothing is
# looked at twice.
_CANDIDATE: Final = re.compile(r"[\s,]*+(?:((?:,*+[^\s,]++)++)[^,(]*+(?:\([^)]*+\)?[^,(]*+)*+)?+")


class LinkFinder:
    """Follows the events of a recording in their order.

    Attributes:
        uses: what each URL is used as; URLs are absolute, as a browser writes them, without fragments.
        recorded: files that the recording itself holds, by URL.
        left_out: how many links there were beyond `MOST_LINKS` and `MOST_LINK_BYTES`.
        shown: for each chunk of the recording the URLs that its events bring, in the order of `uses`.

    Args:
        keep: keeps the file of an asset event.
    """

    def __init__(self, keep: Callable[[dict[str, Any]], Asset | None] = lambda data: None) -> None:
        self._keep = keep
        self.recorded: dict[str, Asset] = {}
        self.uses: dict[str, set[Use]] = {}
        self.left_out = 0
        self._room = MOST_LINK_BYTES
        self.href = self._href = self._base = ""
        self._tags: dict[Any, str] = {}
        self._seen: dict[tuple[int, str], list[Reference]] = {}
        self._numbers: dict[str, int] = {}
        self.shown: list[set[int]] = [set()]
        self._chunk = 0

    def enter(self, chunk: int) -> None:
        """Take note that the events of that chunk follow, which may have been seen before."""
        self._chunk = chunk
        self.shown += [set() for _ in range(chunk + 1 - len(self.shown))]

    def reads(self, kind: int, source: int, text: bytes, event: Event | None) -> bool:
        """Tell whether an event has to be noted, which is decoded if somebody needed that before."""
        if kind in _ALWAYS_READ:
            return True
        if kind != _FULL_SNAPSHOT and source not in _NOTED:
            return False
        if event is not None and source == _MUTATION and changes_texts_only(event):
            return bool(self._tags)  # only a style's text links
        return any(mark in text for mark in _MARKS) or _MAY_COME_TO_LINK.search(text) is not None

    def note(self, event: Event) -> None:
        """Take in an event that `reads` has chosen."""
        kind, data = event["type"], event.get("data")
        if not isinstance(data, dict):
            return
        if kind == EventType.META:
            href = data.get("href")
            self._href = self._base = whole_text(href) if href and isinstance(href, str) else self._href
            self.href = self.href or self._href
        elif kind == EventType.FULL_SNAPSHOT:
            self._tags.clear()
            self._base = _find_base(data["node"], self._href) or self._href
            self._note_tree(data["node"])
        elif kind == EventType.ASSET:
            self._note_recorded(data)
        elif data.get("source") == Source.MUTATION:
            self._note_mutation(data)
        else:
            self._note_values(data)

    def _note_recorded(self, data: dict[str, Any]) -> None:
        url = resolve(str(data.get("url") or ""), self._base)
        has_room = len(self.recorded) < MOST_LINKS and self._room > 0
        asset = self._keep(data) if url is not None and has_room else None
        if url is not None and asset is not None:
            self._room -= len(url)
            self.recorded[url] = asset

    def _note_mutation(self, data: dict[str, Any]) -> None:
        for add in list_objects(data.get("adds")):
            if isinstance(add.get("node"), dict):
                self._note_tree(add["node"])
        for change in list_objects(data.get("attributes")):
            if isinstance(change.get("attributes"), dict):
                self._note_attributes(self._tag_of(change.get("id")), change["attributes"])
        for change in list_objects(data.get("texts")):
            if self._tag_of(change.get("id")) == "style":
                self._note_style(change.get("value"))

    def _tag_of(self, node: Any) -> str:
        return self._tags.get(node, "") if isinstance(node, int) else ""

    def _note_tree(self, root: dict[str, Any]) -> None:
        waiting: list[tuple[dict[str, Any], str]] = [(root, "")]
        while waiting:
            node, parent = waiting.pop()
            tag = str(node.get("tagName") or "").lower()
            if parent == "style" or node.get("isStyle"):
                self._remember(node, "style")
                self._note_style(node.get("textContent"))
            attributes = node.get("attributes")
            if tag == "link" and isinstance(attributes, dict) and _loads_sheet(attributes):
                tag = _SHEET_LINK
            if tag in _REMEMBERED:
                self._remember(node, tag)
            if attributes and isinstance(attributes, dict):
                self._note_attributes(tag, attributes)
            children = list_objects(node.get("childNodes"))
            if tag == "picture" and any(_is_inlined(child) for child in children):
                children = [child for child in children if child.get("tagName") != "source"]
            waiting.extend((child, tag) for child in children)

    def _remember(self, node: dict[str, Any], tag: str) -> None:
        if isinstance(node.get("id"), int):
            self._tags[node["id"]] = tag

    def _note_attributes(self, tag: str, attributes: dict[str, Any]) -> None:
        for name, value in attributes.items():
            if name in _STYLES:
                self._note_style(value)
            elif name == _STYLE_TEXT and isinstance(value, str):
                self._add(value, Use.SHEET)
            elif not isinstance(value, str) or tag in _WITHOUT_PICTURE:
                continue
            elif name in _IMAGES:
                if "rr_dataURL" not in attributes:
                    self._add(value, _SRC_USES.get(tag, Use.IMAGE))
                if tag == "input":  # no event tells when its image has come
                    self._add(value, Use.STYLE_IMAGE)
            elif name in _SETS and "rr_dataURL" not in attributes:
                for url in split_srcset(value):
                    self._add(url, Use.IMAGE)
            elif name in _HREFS and tag in _HREF_USES:
                self._add(value, _HREF_USES[tag])
            elif name in ("poster", "background"):
                self._add(value, Use.STYLE_IMAGE)

    def _note_style(self, style: Any) -> None:
        if isinstance(style, str):
            key = hash(style), self._base
            if key not in self._seen:
                self._seen[key] = list(find_references(style))
            for reference in self._seen[key]:
                self._add(reference.url, reference.use)
        elif isinstance(style, dict | list):
            self._note_values(style)

    def _note_values(self, root: Any) -> None:
        """What style rules, declarations, fonts and canvas commands hold, wherever it stands in them."""
        waiting = [root]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                if isinstance(value.get("fontSource"), str):
                    for reference in find_references(value["fontSource"]):
                        self._add(reference.url, Use.FONT)
                elif "rr_type" in value and isinstance(value.get("src"), str):
                    self._add(value["src"], Use.IMAGE)
                else:
                    waiting.extend(value.values())
            elif isinstance(value, list):
                waiting.extend(value)
            elif isinstance(value, str):
                self._note_style(value)

    def _add(self, url: str, use: Use) -> None:
        absolute = resolve(url, self._base)
        if absolute is None or ("#" in url and is_of_page(url, absolute, self._href)):
            return
        if absolute not in self.uses:
            if len(self.uses) >= MOST_LINKS or len(absolute) > self._room:
                self.left_out += 1
                return
            self._room -= len(absolute)
        self.uses.setdefault(absolute, set()).add(use)
        self.shown[self._chunk].add(self._numbers.setdefault(absolute, len(self._numbers)))


_FULL_SNAPSHOT: Final = int(EventType.FULL_SNAPSHOT)
_MUTATION: Final = int(Source.MUTATION)
_ALWAYS_READ: Final = frozenset(map(int, (EventType.META, EventType.ASSET)))
_NOTED: Final = frozenset(
    map(
        int,
        (
            Source.MUTATION,
            Source.STYLE_SHEET_RULE,
            Source.STYLE_DECLARATION,
            Source.ADOPTED_STYLE_SHEET,
            Source.FONT,
            Source.CANVAS_MUTATION,
        ),
    )
)
_REMEMBERED: Final = frozenset({*_HREF_USES, *_SRC_USES, *_WITHOUT_PICTURE})


def _is_inlined(node: dict[str, Any]) -> bool:
    """Tell whether the recording itself holds the picture of an image: then nothing else of it is shown."""
    attributes = node.get("attributes")
    return node.get("tagName") == "img" and isinstance(attributes, dict) and "rr_dataURL" in attributes


def _loads_sheet(attributes: dict[str, Any]) -> bool:
    return "stylesheet" in str(attributes.get("rel", "")).lower().split() or "rr_captured_href" in attributes


def _find_base(root: dict[str, Any], href: str) -> str | None:
    """The first `<base>` of a page that has an `href`."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        attributes = node.get("attributes")
        if str(node.get("tagName")).lower() == "base" and isinstance(attributes, dict):
            base = attributes.get("href")
            if isinstance(base, str):  # one with a `target` only is no base
                return resolve(base, href)
        if str(node.get("tagName")).lower() != "body":
            waiting.extend(reversed(list_objects(node.get("childNodes"))))
    return None


def split_srcset(text: str) -> Iterator[str]:
    """Yield the URLs of a `srcset`."""
    return (candidate[1] for candidate in _CANDIDATE.finditer(text) if candidate[1])


def resolve_references(references: Iterator[Reference], base: str) -> Iterator[Reference]:
    """Make what a fetched style sheet refers to absolute."""
    for reference in references:
        if (url := resolve(reference.url, base)) is not None:
            yield Reference(url, reference.use)


def is_of_page(url: str, absolute: str, page: str) -> bool:
    """Whether a URL with a fragment names a part of the page itself, and not of another file.

    rrweb makes `url(#part)` absolute by the folder of the page or of the style sheet.
    """
    return url.lstrip().startswith("#") or absolute.endswith("/") or absolute == page.partition("#")[0]


def is_of_recorder(url: str) -> bool:
    """Whether a recorder made this address up for what the page held itself: nobody else has the file."""
    return _MADE_UP.search(url) is not None


@lru_cache(4096)
def resolve(url: str, base: str) -> str | None:
    """Make a URL absolute as a browser does.

    Returns:
        None if it is not one of http or https, names a user (which browsers refuse in a page), or is far too long.
    """
    if len(url) > LONGEST_URL or url.lstrip()[:5].lower() in ("data:", "blob:", "about", ""):
        return None
    url = _MADE_UP_PART.sub(r"?\1", url)  # it tells files apart, which parts of a page do not
    import ada_url  # the URL parser that Node has: WHATWG's rules. Imported where there is a link

    try:
        absolute = str(ada_url.join_url(base, url) if base else ada_url.normalize_url(url))
    except ValueError:
        try:
            absolute = str(ada_url.normalize_url(url))
        except ValueError:
            return None
    absolute = absolute.partition("#")[0]
    scheme, _, rest = absolute.partition("://")
    is_asked = scheme in ("http", "https") and "@" not in rest.partition("/")[0]
    return absolute if is_asked and len(absolute) <= LONGEST_URL else None
