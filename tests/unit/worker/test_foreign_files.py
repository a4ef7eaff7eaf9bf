"""Files that hold no rrweb recording are refused by their own name."""

from __future__ import annotations

import gzip

import pytest

from tests.unit.worker.recording_files import as_array, session
from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording import parse_recording

SESSION = session()
MOBILE_VIDEO = {"segmentId": 0, "encoding": "h264", "container": "mp4"}
FOREIGN = {
    "a user flow": (as_array({"title": "Buy", "steps": [{"type": "navigate", "url": "https://a.test/"}]}), "Puppeteer"),
    "Datadog": (as_array({"view": {"id": 1}, "records_count": 2, "records": SESSION[:2]}), "Datadog"),
    "FullStory": (as_array({"When": 7, "Seq": 1, "Evts": [{"Kind": 25, "Args": [], "When": 7}]}), "FullStory"),
    "CSV": (b"session_id,timestamp,data\ns,1,x\n", "CSV: export its rows as JSON lines"),
    "JavaScript": (b"export const events = [{type: 4}];", "JavaScript: give the list of events in it as JSON"),
    "player": (b"<!doctype html><script src='rrweb-player.js'></script>", "an HTML page with a player"),
    "server-sent events": (b'data: {"type":4}\n\n', "a stream of server-sent events"),
    "HAR": (as_array({"log": {"version": "1.2", "entries": []}}), "HTTP archive"),
    "Clarity": (as_array({"e": ["0.7.1", 1], "a": [[1, 4]], "p": []}), "Clarity"),
    "a trace": (as_array({"traceEvents": [{"name": "x"}]}), "performance trace"),
    "a mobile replay of Sentry": (
        as_array([[{**SESSION[0]}, {"type": 5, "timestamp": 1, "data": {"tag": "video", "payload": MOBILE_VIDEO}}]]),
        "mobile replay of Sentry",
    ),
    "a zip archive": (b"PK\x03\x04\x14\0\0\0" + bytes(600), "zip archive: unpack it"),
    "an MP4": (b"\0\0\0\x20ftypisom" + bytes(600), "a video"),
    "a compressed tar archive": (
        gzip.compress(b"session.json" + bytes(245) + b"ustar\x0000" + bytes(300)),
        "tar archive",
    ),
    "a compressed zip archive": (gzip.compress(b"PK\x03\x04\x14\0\0\0" + bytes(600)), "zip archive: unpack it"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n", "a pointer of Git LFS"),
    "an address": (b"https://bucket.test/session.json?signature=x\n", "an address: give what is there"),
    "null": (b"null\n", "nothing but 'null': the recording may not have been found"),
    "an empty object": (b"{}", "an object with nothing in it"),
    "a WebM": (b"\x1a\x45\xdf\xa3" + bytes(600), "a video"),
    "OpenReplay": (b"\xff" * 8 + bytes(range(200)), "OpenReplay"),
    "nothing known": (as_array({"session": {"id": 1}}), r"an object with 'session'.*"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_recording_of_rrweb_is_refused_by_its_name(name: str) -> None:
    data, message = FOREIGN[name]
    with pytest.raises(RecordingInvalid, match=message) as refused:
        parse_recording([data])
    assert "give an rrweb recording: its events as JSON" in str(refused.value), "the message says what is accepted"


def test_what_only_begins_like_base64_is_refused() -> None:
    with pytest.raises(RecordingInvalid, match="no base64 to its end"):
        parse_recording([b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0In0.x"])
