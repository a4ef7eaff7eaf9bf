"""What recorders and databases do to events: rrweb's `pack`, JSON text, compressed fields, base64, bytes as hex."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any, Final

from video_export_worker.recording.decompression import EITHER_WINDOW, GZIP_WINDOW, ZLIB_WINDOW, inflate
from video_export_worker.recording.json_stream import BrokenValue, decode_json
from video_export_worker.recording.limits import Meters
from video_export_worker.recording.problems import BrokenEvent

POSTHOG_COMPRESSION: Final = "2024-10"
POSTHOG_FIELDS: Final = ("adds", "removes", "texts", "attributes")
RRWEB_PACK_VERSION: Final = "v1"
MOST_LAYERS: Final = 4  # of text around one event: Amplitude packs it, and writes that as JSON again
_JSON_STARTS: Final = ("{", "[", '"')
_ZLIB_START: Final = "\x78"
_GZIP_START: Final = "\x1f\x8b"
_BASE64_GZIP_START: Final = "H4sI"
_HEX_START: Final = "\\x"  # of PostgreSQL's `bytea`
_HEX: Final = re.compile(r"\\x(?:1f8b|78(?:01|5e|9c|da)|5b7b|5b5b|7b22)[0-9a-f]*", re.IGNORECASE)
_BASE64_ZLIB: Final = re.compile(r"(?:eJ[wxyz]|eN[or])[A-Za-z0-9+/_-]{24,}")
_BASE64_JSON: Final = re.compile(r"(?:W3si|W1t7|eyJ[0-9a-z])[A-Za-z0-9+/_-]{24,}")
_FOR_URLS: Final = str.maketrans("-_", "+/")  # the alphabet that is written into URLs
HEAD: Final = 4096  # characters of a text that are looked at


def looks_packed(text: str) -> bool:
    """Tell whether a text may hold an event, or several."""
    return text.lstrip().startswith(_JSON_STARTS) or text.startswith((_ZLIB_START, _GZIP_START, _BASE64_GZIP_START))


def looks_encoded(text: str) -> bool:
    """Tell whether a text is what a database makes of events: base64 of compressed data or of JSON, or bytes as hex."""
    if text.startswith(_BASE64_GZIP_START) or _HEX.match(text, 0, HEAD):
        return True
    is_zlib = _BASE64_ZLIB.match(text, 0, HEAD) is not None
    if not is_zlib and not _BASE64_JSON.match(text, 0, HEAD):
        return False
    try:
        head = _decode_base64(text[:HEAD].strip()[: len(text) // 4 * 4])
        if is_zlib:
            head = zlib.decompressobj().decompress(head, HEAD)
    except (binascii.Error, ValueError, zlib.error):
        return False
    return b'"type"' in head


def read_buffer(value: Any) -> str | None:
    """The bytes of a buffer of Node that was written as JSON, each as a character; None if it is none."""
    data = value.get("data") if isinstance(value, dict) and value.get("type") == "Buffer" else None
    if not isinstance(data, list) or not all(isinstance(byte, int) and 0 <= byte < 256 for byte in data):
        return None
    return bytes(data).decode("latin-1")


def unpack_text(text: str, meters: Meters) -> Any:
    """Decode what a recorder wrote as text: JSON, or JSON that it has compressed.

    Raises:
        BrokenEvent: it is neither.
        RecordingTooLarge: a limit is passed.
    """
    value: Any = text
    for _ in range(MOST_LAYERS):
        value = _unpack_layer(value, meters)
        if not isinstance(value, str):
            break
    if isinstance(value, dict) and "type" in value and value.pop("v", RRWEB_PACK_VERSION) != RRWEB_PACK_VERSION:
        raise BrokenEvent(f"packed by a version of rrweb's packer that is not known; only {RRWEB_PACK_VERSION} is")
    return value


def open_fields(event: Any, meters: Meters) -> Any:
    """Undo PostHog's compression of an event's fields.

    Raises:
        BrokenEvent: a field cannot be decompressed.
        RecordingTooLarge: a limit is passed.
    """
    if not isinstance(event, dict) or "cv" not in event:
        return event
    event = dict(event)
    version = event.pop("cv")
    if version != POSTHOG_COMPRESSION:
        raise BrokenEvent(f"compressed in a way that is not known (cv {version!r:.40}); only {POSTHOG_COMPRESSION} is")
    if isinstance(event.get("data"), str):
        event["data"] = _decode_field(event["data"], meters)
    elif isinstance(event.get("data"), dict):
        data = event["data"]
        opened = {key: _decode_field(data[key], meters) for key in POSTHOG_FIELDS if isinstance(data.get(key), str)}
        event["data"] = {**data, **opened}
    return event


def _unpack_layer(text: str, meters: Meters) -> Any:
    if text.lstrip().startswith(_JSON_STARTS):
        meters.check_event(text)
        return _decode(text)
    if text.startswith(_HEX_START):
        return _unpack_bytes(_read_hex(text), meters)
    if text.startswith(_BASE64_GZIP_START):
        return _unpack_base64(text, meters)
    if _BASE64_ZLIB.match(text) or _BASE64_JSON.match(text):
        return _unpack_bytes(_read_base64(text), meters)
    return _decode(inflate(text, GZIP_WINDOW if text.startswith(_GZIP_START) else ZLIB_WINDOW, meters))


def _read_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix(_HEX_START))
    except ValueError as error:
        raise BrokenEvent(f"its bytes are no hexadecimal numbers ({error})") from error


def _decode_base64(text: str, *, validate: bool = False) -> bytes:
    """Decode base64 of either alphabet, with its padding or without."""
    plain = text.rstrip("=\n").translate(_FOR_URLS)
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=validate)


def _read_base64(text: str) -> bytes:
    try:
        return _decode_base64(text)
    except (binascii.Error, ValueError) as error:
        raise BrokenEvent(f"its base64 is corrupt ({error})") from error


def _unpack_bytes(data: bytes, meters: Meters) -> Any:
    if data[:1] in (b"{", b"[", b'"'):
        meters.check_event(data)
        return _decode(data)
    return _decode(inflate(data.decode("latin-1"), EITHER_WINDOW, meters))


def _unpack_base64(text: str, meters: Meters) -> Any:
    """Decode what PostHog kept before 2023: gzip as base64, in UTF-8 or in two bytes for each character."""
    try:
        data = inflate(_decode_base64(text, validate=True).decode("latin-1"), GZIP_WINDOW, meters)
    except (ValueError, zlib.error) as error:  # characters that are not ASCII are no error of base64's own
        raise BrokenEvent(f"its compressed data is corrupt ({error})") from error
    return _decode(data.decode("utf-16-le", "replace") if data[1:2] == b"\0" else data)


def _decode_field(text: str, meters: Meters) -> Any:
    return _decode(inflate(text, GZIP_WINDOW, meters)) if text else []


def _decode(data: str | bytes) -> Any:
    try:
        return decode_json(data)
    except BrokenValue as error:
        raise BrokenEvent(f"its decompressed data is {error}" if isinstance(data, bytes) else str(error)) from error
