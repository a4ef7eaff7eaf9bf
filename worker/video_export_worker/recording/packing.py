"""What recorders do to single events: rrweb's `pack`, events as JSON text, PostHog's compressed fields."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any, Final

from video_export_worker.recording.decompression import GZIP_WINDOW, ZLIB_WINDOW, inflate
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


def looks_packed(text: str) -> bool:
    """Tell whether a text may hold an event, or several."""
    return text.lstrip().startswith(_JSON_STARTS) or text.startswith((_ZLIB_START, _GZIP_START, _BASE64_GZIP_START))


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
    if text.startswith(_BASE64_GZIP_START):
        return _unpack_base64(text, meters)
    return _decode(inflate(text, GZIP_WINDOW if text.startswith(_GZIP_START) else ZLIB_WINDOW, meters))


def _unpack_base64(text: str, meters: Meters) -> Any:
    """Decode what PostHog kept before 2023: gzip as base64, in UTF-8 or in two bytes for each character."""
    try:
        data = inflate(base64.b64decode(text, validate=True).decode("latin-1"), GZIP_WINDOW, meters)
    except (binascii.Error, zlib.error) as error:
        raise BrokenEvent(f"its compressed data is corrupt ({error})") from error
    return _decode(data.decode("utf-16-le", "replace") if data[1:2] == b"\0" else data)


def _decode_field(text: str, meters: Meters) -> Any:
    return _decode(inflate(text, GZIP_WINDOW, meters)) if text else []


def _decode(data: str | bytes) -> Any:
    try:
        return decode_json(data)
    except BrokenValue as error:
        raise BrokenEvent(f"its decompressed data is {error}" if isinstance(data, bytes) else str(error)) from error
