"""Files that a recording holds itself: asset events (type 7), as forks of rrweb and `video-export embed` write them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from video_export_worker.contract.assets import Asset
from video_export_worker.recording.events import whole_text

MOST_BYTES: Final = 256 * 2**20  # of all files
STYLE_SPLIT: Final = "/* rr_split */"


class RecordedFiles:
    """Writes the files into a folder, named by their hash."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._left = most_bytes

    def keep(self, data: dict[str, Any]) -> Asset | None:
        """Keep the file of an asset event's data; None if it holds none that can be read."""
        content = read_payload(data.get("payload", data.get("dataURL")))
        if content is None or len(content[1]) > self._left:
            return None
        kind, body = content
        self._left -= len(body)
        digest = hashlib.sha256(body).hexdigest()
        self._folder.mkdir(exist_ok=True)
        (self._folder / digest).write_bytes(body)
        return Asset(sha256=digest, type=kind, size=len(body))


def read_payload(payload: Any) -> tuple[str, bytes] | None:
    """Read what an asset event holds: a serialised Blob, the text of a style sheet, or a data URL.

    Returns:
        The declared media type and the bytes.
    """
    if isinstance(payload, str):
        return _read_data_url(whole_text(payload))
    if not isinstance(payload, dict):
        return None
    if "cssText" in payload or "cssTexts" in payload:
        return _read_css(payload)
    parts = payload.get("data")
    if payload.get("rr_type") != "Blob" or not isinstance(parts, list):
        return None
    bodies = [_decode(part.get("base64")) if isinstance(part, dict) else None for part in parts]
    if not bodies or None in bodies:
        return None
    kind = payload.get("type")
    return whole_text(kind) if isinstance(kind, str) else "", b"".join(body for body in bodies if body is not None)


def _read_css(payload: dict[str, Any]) -> tuple[str, bytes] | None:
    """The text of a style sheet, or its parts, one for each text in a `style`: rrweb finds them by the mark."""
    texts = payload.get("cssTexts", [payload.get("cssText")])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return None
    return "text/css", STYLE_SPLIT.join(texts).encode("utf-8", "replace")


def write_payload(kind: str, body: bytes) -> dict[str, Any]:
    """Write a file as an asset event holds it."""
    buffer = {"rr_type": "ArrayBuffer", "base64": base64.b64encode(body).decode()}
    return {"rr_type": "Blob", "type": kind, "data": [buffer]}


def _read_data_url(text: str) -> tuple[str, bytes] | None:
    head, comma, body = text.partition(",")
    if not comma or head[:5].lower() != "data:":
        return None
    kind = head[5:].partition(";")[0]
    if not head.lower().endswith(";base64"):
        return kind, unquote_to_bytes(body)
    decoded = _decode(body)
    return None if decoded is None else (kind, decoded)


def _decode(text: Any) -> bytes | None:
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return None
