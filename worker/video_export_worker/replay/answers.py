"""What a page's requests are answered with: the replay page itself, and the recording's assets. All else is refused.

Chromium has no network. Each request is paused by DevTools before it would go anywhere, and is either answered from
here or refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote

from video_export_worker.contract.assets import Asset, AssetTable

TABLE_NAME: Final = "assets.json"
FILES_FOLDER: Final = "assets"
# Where the page asks for the files whose parts it shows: only its own origin would give them (player/src/svg-parts.js).
PARTS: Final = "http://player.invalid/part?of="
# A grey dot that light and dark pages show through: what a missing image is drawn with, in whatever size its box has.
QUIET_PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNoaGhwAAAExQHB+i7AIQAAAABJRU5ErkJggg=="
)
# What the page adds to the files that an image may choose from (player/src/candidates.js).
_CHOICE: Final = re.compile(r"[?&]video-export-choice=[\d-]+$")
# Answers are good for ever: an asset that is shown again, also by another document, is not asked for again.
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}
_MOVING_TAG: Final = re.compile(rb"(</?)(animate(?:Transform|Motion)?|set)\b", re.IGNORECASE)
_MOVING_RULE: Final = re.compile(rb"@(-webkit-)?keyframes", re.IGNORECASE)
# Addresses of the texts of `style` elements: the page writes them into the elements, whose rules may change later.
_STYLE_TEXT: Final = re.compile(r"\?rr_style_el:\d+$")
MOST_STYLE_BYTES: Final = 32 * 2**20
# Texts, comments, parts of elements and `(hover:hover)` are passed over, as in player/src/hover.js.
_HOVER: Final = re.compile(
    rb"""
      "[^"\\]*+(?:\\.[^"\\]*+)*+"?+ | '[^'\\]*+(?:\\.[^'\\]*+)*+'?+
    | /\*(?:[^*]++|\*(?!/))*+(?:\*/)?+
    | ::[-\w]++(?:\([^()]*+\))?+(?::[-\w]++)*+
    | (?P<hover>(?<!\\)(?<!\(hover)(?<!\(any-hover):hover(?![-\w]))
    """,
    re.VERBOSE | re.DOTALL,
)
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})$")


@dataclass(frozen=True)
class Answer:
    """An answer to a request."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200


class Answers(Protocol):
    """Answers requests."""

    def find(self, url: str, kind: str, headers: Mapping[str, str]) -> Answer | None:
        """Answer a request, or None where it is to be refused.

        Args:
            url: without a fragment.
            kind: DevTools' type of the resource, such as `Image`.
            headers: of the request.
        """


class NoAnswers:
    """Refuses everything."""

    def find(self, url: str, kind: str, headers: Mapping[str, str]) -> Answer | None:
        """Refuse."""
        return None


class StoredAnswers:
    """The assets of a recording.

    Args:
        table: which file each URL is answered with.
        folder: the files, named by their hash.
    """

    def __init__(self, table: AssetTable, folder: Path) -> None:
        self.table = table
        self._folder = folder
        self._moved = {
            asset.moved: asset.model_copy(update={"moved": ""}) for asset in table.files.values() if asset.moved
        }

    def find(self, url: str, kind: str, headers: Mapping[str, str]) -> Answer | None:
        """Answer with the file of the URL; an image that is missing is a quiet box."""
        if url.startswith(PARTS):
            return self._find_part(unquote(url.removeprefix(PARTS)), headers)
        url = _CHOICE.sub("", url)
        asset = self.table.files.get(url) or self._moved.get(url)
        if asset is not None and asset.moved and kind == "Stylesheet":
            return Answer(b"", {"Location": asset.moved, **_KEPT}, 302)  # relative URLs in it count from there
        if asset is not None:
            return self._read(asset, headers)
        if kind == "Image" and self.table.missing.get(url, True):
            return Answer(QUIET_PNG, {"Content-Type": "image/png", **_KEPT})
        return None

    def read_style_texts(self) -> dict[str, str]:
        """The texts of `style` elements that a recorder has kept apart from them, by their addresses."""
        texts: dict[str, str] = {}
        room = MOST_STYLE_BYTES
        for url, asset in self.table.files.items():
            if _STYLE_TEXT.search(url) and asset.type == "text/css" and asset.size <= room:
                room -= asset.size
                texts[url] = (self._folder / asset.sha256).read_text("utf-8", "replace")
        return texts

    def _find_part(self, url: str, headers: Mapping[str, str]) -> Answer | None:
        asset = self.table.files.get(url)
        is_svg = asset is not None and asset.type == "image/svg+xml"
        return self._read(asset, headers) if asset is not None and is_svg else None

    def _read(self, asset: Asset, headers: Mapping[str, str]) -> Answer | None:
        try:
            body = (self._folder / asset.sha256).read_bytes()
        except FileNotFoundError:
            return None
        if asset.type == "image/svg+xml":
            body = still_svg(body)
        elif asset.type == "text/css" and b":hover" in body:
            body = show_hover(body)
        answer = {"Content-Type": asset.type, "Accept-Ranges": "bytes", **_KEPT}
        wanted = _RANGE.fullmatch(headers.get("Range", headers.get("range", "")))
        if wanted is None or not asset.type.startswith(("video/", "audio/")):
            return Answer(body, answer)
        first, last = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
        if first > last:
            return Answer(b"", {**answer, "Content-Range": f"bytes */{len(body)}"}, 416)
        return Answer(body[first : last + 1], {**answer, "Content-Range": f"bytes {first}-{last}/{len(body)}"}, 206)


WITHOUT_ASSETS: Final = StoredAnswers(AssetTable(), Path())


def still_svg(svg: bytes) -> bytes:
    """SVG pictures stand still, as those in the recording do: Blink would move them by the machine's clock."""
    return _MOVING_RULE.sub(rb"@\1still-keyframes", _MOVING_TAG.sub(rb"\1still-\2", svg))


def show_hover(css: bytes) -> bytes:
    """Style sheets match what was hovered in the recording, which has a class in the replay."""
    return _HOVER.sub(lambda token: rb":is(:hover, .\:hover)" if token["hover"] else token[0], css)


def open_answers(folder: Path) -> StoredAnswers:
    """The assets of an artefact folder; an empty table where there are none."""
    path = folder / TABLE_NAME
    table = AssetTable.model_validate_json(path.read_text()) if path.is_file() else AssetTable()
    return StoredAnswers(table, folder / FILES_FOLDER)


def fulfilment(request: str, answer: Answer) -> dict[str, Any]:
    """Parameters of DevTools' `Fetch.fulfillRequest`."""
    return {
        "requestId": request,
        "responseCode": answer.status,
        "responseHeaders": [{"name": name, "value": value} for name, value in answer.headers.items()],
        "body": base64.b64encode(answer.body).decode(),
    }


def describe_for_page(answers: StoredAnswers) -> dict[str, Any]:
    """What the page has to know: which images it must load before they are shown, and what moves by itself."""
    table = answers.table
    return {
        "texts": answers.read_style_texts(),
        "awaited": [url for url, file in table.files.items() if file.awaited and file.type.startswith("image/")],
        "animated": [url for url, file in table.files.items() if file.animated],
        "exist": bool(table.files or table.missing),
        "href": table.href,
        "styled": any(file.animated and file.awaited for file in table.files.values()),
    }
