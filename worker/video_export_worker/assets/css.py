"""What a style sheet refers to: `url()`, `@import`, `image-set()`.

One regular expression reads the tokens that matter (comments, strings, `url()`, a few at-rules), as CSS Syntax Level 3
defines them. A parser of the whole language takes many times as long (docs/decisions/0038), and the
sheets of one recording can have a hundred megabytes. Every quantifier is possessive: the time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Use(StrEnum):
    """What a page uses an asset as."""

    IMAGE = "image"
    """Of an element: `img`, `input`, SVG `image`."""
    STYLE_IMAGE = "style-image"
    """Of a style sheet, a `style` attribute or a poster: nothing waits for it by itself."""
    SHEET = "sheet"
    FONT = "font"
    MEDIA = "media"


@dataclass(frozen=True)
class Reference:
    """A URL as it is written, and what it is used as."""

    url: str
    use: Use


_MAY_REFER: Final = re.compile(r"url\(|@import|image-set\(", re.IGNORECASE)
_ESCAPED: Final = r"\\(?:[0-9a-fA-F]{1,6}\s?|.)"
_TEXTS: Final = rf""" "(?:[^"\\\n]|{_ESCAPED})*+"?+ | '(?:[^'\\\n]|{_ESCAPED})*+'?+ """
_URL: Final = rf"""
    (?<![\w-])url\(\s*+(?:
        "(?P<double>(?:[^"\\\n]|{_ESCAPED})*+)"?+
      | '(?P<single>(?:[^'\\\n]|{_ESCAPED})*+)'?+
      | (?P<bare>(?:[^"'()\\\s]|{_ESCAPED})*+)
    )\s*+\)?+
"""
_FLAGS: Final = re.IGNORECASE | re.VERBOSE | re.DOTALL
_TOKEN: Final = re.compile(
    rf"""
      /\*(?:[^*]++|\*(?!/))*+(?:\*/)?
    | {_URL}
    | image-set\((?P<set>(?:[^()"']++|{_TEXTS}|\((?:[^()"']++|{_TEXTS})*+\))*+)
    | (?P<rule>@import|@font-face)(?![\w-])
    | (?P<text>{_TEXTS})
    | (?P<end>\}})
    """,
    _FLAGS,
)
_OF_A_SET: Final = re.compile(rf"(?:type|format)\([^()]*+\) | {_URL} | (?P<text>{_TEXTS})", _FLAGS)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(\n)|(.))", re.DOTALL)
_FORMAT: Final = re.compile(r"\s*format\(\s*[\"']?(?:svg|embedded-opentype)[\"']?", re.IGNORECASE)
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def may_refer(text: str) -> bool:
    """Tell at little cost whether a text can refer to anything."""
    return _MAY_REFER.search(text) is not None


def find_references(text: str) -> Iterator[Reference]:
    """Yield what a style sheet or a list of declarations refers to, in its order; data URLs are left out."""
    if not may_refer(text):
        return
    rule = ""
    for token in _TOKEN.finditer(text):
        if token["rule"]:
            rule = token["rule"].lower()
        elif token["end"]:
            rule = ""
        elif token["set"]:
            yield from (
                Reference(url, Use.STYLE_IMAGE)
                for inner in _OF_A_SET.finditer(token["set"])
                if (url := _read_url(inner, inner["text"]))
            )
        elif url := _read_url(token, token["text"] if rule == "@import" else None):
            use = {"@import": Use.SHEET, "@font-face": Use.FONT}.get(rule, Use.STYLE_IMAGE)
            if use != Use.FONT or not (_FORMAT.match(text, token.end()) or ".eot" in url):
                yield Reference(url, use)
            rule = "" if rule == "@import" else rule


def _read_url(token: re.Match[str], text: str | None) -> str:
    """The URL of a token, or the text where that is one; empty if there is nothing to load."""
    named = next((token[name] for name in ("double", "single", "bare") if token[name] is not None), None)
    if named is None and text:
        named = text[1:].removesuffix(text[0])
    url = unescape(named or "").strip()
    before, _, part = url.partition("#")
    is_of_page = bool(part) and (not before or before.endswith("/"))
    return "" if is_of_page or url[:5].lower() == "data:" else url


def unescape(text: str) -> str:
    """Read the escapes of a string or a URL."""
    return _ESCAPE.sub(_read_escape, text) if "\\" in text else text


def _read_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        code = int(escape[1], 16)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else _REPLACEMENT
    return escape[3] or ""
