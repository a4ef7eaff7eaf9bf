"""Files that are no rrweb recordings, told by their content, so that they can be refused by their own name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from video_export_worker.recording.events import EventType

ACCEPTED: Final = (
    "give an rrweb recording: its events as JSON or JSON lines, or a web recording as PostHog, Sentry, Highlight or "
    "Amplitude store or export it, plain or compressed"
)

# First bytes, where in the file they stand, what the file is, and what to do.
_MAGIC: Final[tuple[tuple[bytes, int, str], ...]] = (
    (b"PK\x03\x04", 0, "a zip archive: unpack it and give the recording in it"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive: unpack it and give the recording in it"),
    (b"ustar", 257, "a tar archive: unpack it and give the recording in it"),
    (b"ftyp", 4, "a video (MP4) already"),
    (b"\x1a\x45\xdf\xa3", 0, "a video (WebM or Matroska) already"),
    (b"GIF8", 0, "a picture (GIF)"),
    (b"\x89PNG", 0, "a picture (PNG)"),
    (b"\xff\xd8\xff", 0, "a picture (JPEG)"),
    (b"%PDF", 0, "a PDF document"),
    (b"SQLite format 3", 0, "an SQLite database"),
    (b"PAR1", 0, "a Parquet file: export its rows as JSON lines"),
    (b"\xff" * 8, 0, "a session of OpenReplay, which has a format of its own"),
)

_CUSTOM: Final = int(EventType.CUSTOM)
_DATADOG: Final = "a segment of Datadog's session replay (OpenObserve has the same), which has a format of its own"
_FULLSTORY: Final = "a bundle of FullStory, which has a format of its own"
_CODE: Final = re.compile(r"(export|import|const|let|var|module\.exports|window\.|[\w.]+\s*[=(]\s*[\[{])")
_CSV: Final = re.compile(r"[\w\" .-]+(?:[,;\t][\w\" .-]+)+\r?\n")
# Keys that a JSON object has, and what it is then.
_OBJECTS: Final[tuple[tuple[frozenset[str], str], ...]] = (
    (frozenset({"title", "steps"}), "a user flow of Chrome's recorder (Puppeteer), which holds steps and no page"),
    (frozenset({"records", "records_count"}), _DATADOG),
    (frozenset({"records", "has_full_snapshot"}), _DATADOG),
    (frozenset({"Evts", "Seq"}), _FULLSTORY),
    (frozenset({"Evts", "When"}), _FULLSTORY),
    (frozenset({"traceEvents"}), "a performance trace of Chrome"),
    (frozenset({"lighthouseVersion"}), "a report of Lighthouse"),
    (frozenset({"suites", "tests", "url"}), "a project of Selenium IDE"),
    (frozenset({"cookies", "origins"}), "a storage state of Playwright"),
)


def name_bytes(head: bytes) -> str | None:
    """Say what a file is that begins so; None if nothing else than a recording is known to."""
    return next((name for magic, at, name in _MAGIC if head[at : at + len(magic)] == magic), None)


def name_text(head: str) -> str | None:
    """Say what a text is that begins so and is not JSON."""
    start = head.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<!doctype html", "<html")) and "rrweb" in start:
        return "an HTML page with a player: give the list of events in it as JSON"
    if start.startswith(("<!doctype html", "<html")):
        return "an HTML page: the server may have answered with a page of its own, as for a login"
    if start.startswith("<?xml") or start.startswith("<"):
        return "XML: the storage may have answered with an error"
    if _CODE.match(start):
        return "JavaScript: give the list of events in it as JSON"
    if start.startswith("version https://git-lfs"):
        return "a pointer of Git LFS: fetch the file that it stands for"
    if start.startswith(("https://", "http://")):
        return "an address: give what is there"
    if start.rstrip() in ("null", "true", "false"):
        return f"nothing but {start.rstrip()!r}: the recording may not have been found where this comes from"
    if start.startswith("data:"):
        return "a stream of server-sent events: give what stands behind each `data:` as JSON lines"
    return "CSV: export its rows as JSON lines" if _CSV.match(start) else None


def name_object(value: Mapping[str, Any]) -> str | None:
    """Say what a JSON object is that holds no event of rrweb's."""
    log = value.get("log")
    if isinstance(log, dict) and "entries" in log:
        return "an HTTP archive (HAR), which holds requests and no page"
    envelope = value.get("e")
    if isinstance(envelope, list) and isinstance(value.get("a", value.get("p")), list):
        return "a payload of Microsoft Clarity, which has a format of its own"
    return next((name for keys, name in _OBJECTS if keys <= value.keys()), None)


def name_event(event: Mapping[str, Any]) -> str | None:
    """Say what a recording is that has this event, which looks like one of rrweb's."""
    data = event.get("data")
    if not isinstance(data, dict):
        return None
    payload = data.get("payload")
    is_video = event.get("type") == _CUSTOM and data.get("tag") == "video"
    if is_video and isinstance(payload, dict) and {"segmentId", "container"} <= payload.keys():
        return "a mobile replay of Sentry, which is a video already: download its video segments"
    return None
