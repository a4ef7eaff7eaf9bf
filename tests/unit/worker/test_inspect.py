"""`video-export inspect` says what is in a recording, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.unit.worker.recording_files import START, as_array, as_lines, incremental, meta, session, snapshot
from video_export_worker.cli.inspect import inspect_command
from video_export_worker.errors import RecordingInvalid


def run(*arguments: str, stdin: bytes = b"") -> str:
    result = CliRunner().invoke(inspect_command, arguments, input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_person_reads_duration_sizes_events_idle_windows_and_warnings() -> None:
    first = [meta(), snapshot(), incremental(4000, 4, width=400, height=700), incremental(3_700_000, 3, id=1, x=0, y=9)]
    events = [*(["first", event] for event in first), ["second", snapshot(9)], ["first", {"type": 4}]]
    lines = run("-", stdin=as_lines(events)).splitlines()
    assert lines == [
        "Duration  1:01:40.0",
        "Size      800x600 at 0:00.0, 400x700 at 0:04.0",
        "Canvas    no",
        "Events    4",
        "        1  meta",
        "        1  full_snapshot",
        "        1  viewport_resize",
        "        1  scroll",
        "Idle      1:01:36.0 in 1 stretches",
        "  0:04.0 - 1:01:40.0",
        "Windows   2",
        "  first: 4 events, 0:00.0 - 1:01:40.0, the user did something 2 times",
        "  second: 1 events, cannot be shown",
        "Warnings  2",
        "  the window second cannot be shown: its 1 events hold no full snapshot, or nothing else",
        f"  skipped the recording, line 6 (byte {len(as_lines(events[:5])) + 1}): "
        "`timestamp` must be milliseconds since 1970, not missing",
    ]


def test_a_script_reads_json_of_several_parts(tmp_path: Path) -> None:
    parts = [tmp_path / "1.json", tmp_path / "2.json"]
    parts[0].write_bytes(as_array(session()[:3]))
    parts[1].write_bytes(as_array([*session()[3:], {"type": 42, "timestamp": START + 2500}, incremental(2600, 88)]))
    summary = json.loads(run("--json", "--idle", "1", *map(str, parts)))
    assert summary == {
        "start_ms": START,
        "duration": 2.6,
        "events": 8,
        "events_by_kind": {
            "meta": 1,
            "full_snapshot": 1,
            "mutation": 1,
            "mouse_move": 1,
            "mouse_interaction": 1,
            "input": 1,
            "type 42": 1,
            "incremental 88": 1,
        },
        "viewports": [{"at": 0.0, "width": 800, "height": 600}],
        "canvas": False,
        "idle": [],
        "idle_total": 0,
        "windows": [{"name": None, "events": 8, "kept": True, "start": 0.0, "end": 2.6, "activity": 4}],
        "warnings": [],
        "linked_hosts": {},
    }


def test_what_cannot_be_read_is_a_typed_error(tmp_path: Path) -> None:
    missing = CliRunner().invoke(inspect_command, [str(tmp_path / "missing.json")])
    assert missing.exit_code == 2
    assert "there is no file" in missing.output
    with pytest.raises(RecordingInvalid, match="empty"):
        run("-")
    with pytest.raises(RecordingInvalid, match="strict"):
        run("-", "--strict", stdin=as_array([*session(), 17]))
