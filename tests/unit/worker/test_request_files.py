"""Requests as files: what `--file` takes, what comes before what, and what a wrong file is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from video_export_worker.cli import submit
from video_export_worker.cli.render import render_command
from video_export_worker.cli.request_files import read_drafts
from video_export_worker.contract import SkipInactivity, VideoFormat
from video_export_worker.errors import InvalidRequest

ROOT = Path(__file__).parents[3]
BATCH = """\
recording: s3://recordings/a.json
format: [mp4, gif]
mouse: {trail: true, clicks: false}
skip_inactivity:
  threshold: 5
---
recording:
  - s3://recordings/b-1.json
  - s3://recordings/b-2.json
fps: 30
"""


def _submit(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Any, list[submit.Order]]:
    """Run `submit` up to where it would start exports."""
    orders: list[submit.Order] = []

    async def keep(ordered: list[submit.Order], *_: Any) -> None:
        orders.extend(ordered)

    monkeypatch.setattr(submit, "_submit", keep)
    return CliRunner().invoke(submit.submit_command, arguments, standalone_mode=False), orders


def test_each_document_of_a_file_is_an_export_and_options_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "requests.yaml"
    file.write_text(BATCH)
    done, orders = _submit(monkeypatch, "--file", str(file), "--id", "nightly", "--fps", "12", "--clicks")
    assert done.exception is None
    assert [order.export_id for order in orders] == ["nightly-1", "nightly-2"]
    first, second = (order.request for order in orders)
    assert first.format == [VideoFormat.MP4, VideoFormat.GIF]
    assert (first.mouse.trail, first.mouse.clicks) == (True, True)
    assert first.skip_inactivity == SkipInactivity(threshold=5, mode="cut", speed=20)
    assert second.recording == ["s3://recordings/b-1.json", "s3://recordings/b-2.json"]
    assert (first.fps, second.fps) == (12, 12)


def test_the_example_is_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    done, orders = _submit(monkeypatch, "--file", str(ROOT / "examples" / "requests" / "nightly.yaml"))
    assert done.exception is None
    assert [len(order.request.recording) for order in orders] == [1, 2]


def test_paths_of_a_file_are_those_of_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_text("recording: [a.json, s3://b/c.json]")
    assert read_drafts(file, [])[0].recordings == (str(tmp_path / "a.json"), "s3://b/c.json")
    assert read_drafts(file, ["x.json"])[0].recordings == ("x.json",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty: write a request"),
        ("- recording: a", "must have fields, such as `recording: "),
        ("fps: 3", "names no recording"),
        ("recording: [1]", "recording: must be a URI or a path"),
        ("recording: s3://b/r\nfps: 3\nfps: 4", "line 3: fps is given twice"),
        ("recording: s3://b/r\n fps: 3", "line 2: "),
        ("recording: !!python/object:os.system {}", "could not determine a constructor"),
        ("recording: s3://b/r\nfsp: 3\nwidth: wide", "request.yaml: "),
        ("recording: s3://b/r\nfsp: 3\nwidth: wide", "fsp: there is no such field, did you mean fps?"),
        ("recording: s3://b/r\nfsp: 3\nwidth: wide", "width: must be a whole number (given: 'wide')"),
        ("{[a]: 1}", "line 1: a field's name must be a text"),
        ("recording: s3://b/r\nstart: 2001-13-45", "line 2: '2001-13-45' cannot be read (month must be"),
        ("recording: s3://b/r\nx: !!timestamp abc", "line 2: 'abc' cannot be read"),
        ("recording: s3://b/r\nwidth: " + "9" * 5000, "quote it if it is a text"),
        ("[" * 3000, "is nested too deeply to be a request"),
        ("recording: s3://b/r\nformat: 5", "format: must be a list"),
        ("recording: s3://b/r\nformat: avi", "format.0: must be 'mp4', 'webm' or 'gif'"),
        ("recording: s3://b/r\nmouse: none", "mouse: must be an object with fields"),
        ("recording: s3://b/r\n---\nrecording: s3://b/r\nfps: 900", "request 2 of 2: fps: must be at most 60"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    file = tmp_path / "request.yaml"
    file.write_text(text)
    done, orders = _submit(monkeypatch, "--file", str(file))
    assert isinstance(done.exception, click.UsageError | InvalidRequest), done.exception
    told = done.exception.format_message() if isinstance(done.exception, click.UsageError) else str(done.exception)
    assert says in told
    assert orders == []


def test_render_takes_one_request(tmp_path: Path) -> None:
    file = tmp_path / "requests.yaml"
    file.write_text(BATCH)
    done = CliRunner().invoke(render_command, ["--file", str(file)], standalone_mode=False)
    assert isinstance(done.exception, click.UsageError)
    assert "render takes one, submit takes them all" in done.exception.format_message()
    (tmp_path / "recording.json").write_text("[]")
    file.write_text("recording: recording.json\nfsp: 3\n")
    done = CliRunner().invoke(
        render_command, ["--file", str(file), "-o", str(tmp_path / "a.mp4")], standalone_mode=False
    )
    assert isinstance(done.exception, InvalidRequest)
    assert "requests.yaml: fsp: there is no such field" in str(done.exception)
