"""The whole of an export on one machine, on every recording of the set, and the `render` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from tests.snapshots import Page
from video_export_worker.contract import VideoFormat, parse_request
from video_export_worker.errors import RecordingNotFound
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

RECORDINGS = Path(__file__).parents[2] / "recordings"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in RECORDINGS.glob("*.json.gz"))


def test_the_set_is_there() -> None:
    assert len(NAMES) >= 9, "make the recordings again: tests/recordings/README.md"


@pytest.mark.parametrize("name", NAMES)
async def test_every_recording_becomes_a_video_of_every_format(
    name: str, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    fields = {"recording": "file:///a", "format": ["mp4", "webm", "gif"], "start": 1, "end": 4, "fps": 10}
    request = parse_request(fields)
    artefact = tmp_path / "artefact"
    artefact.mkdir()
    plan = await plan_export([RECORDINGS / f"{name}.json.gz"], request, artefact, limits=RecordingLimits())
    segment = await render_segment(artefact, request, plan, plan.segments[0], tmp_path, chromium=chromium)
    videos = await assemble(request, plan, segment.parts, tmp_path)
    assert [(video.format, video.codec, video.frames) for video in videos] == [
        (VideoFormat.MP4, "h264", 30),
        (VideoFormat.WEBM, "vp9", 30),
        (VideoFormat.GIF, "gif", 30),
    ]
    for video in videos:
        assert video.duration == pytest.approx(3.0, abs=0.0101)
        with av.open(str(video.path)) as container:
            last = list(container.decode(video=0))[-1].to_ndarray(format="rgb24")
        assert last.std() > 5, f"{name}: the last frame of the {video.format} is blank"


async def test_a_recording_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingNotFound, match=r"there is no recording at .*/absent.json"):
        await plan_export(
            [tmp_path / "absent.json"],
            parse_request({"recording": "file:///a"}),
            tmp_path / "recording",
            limits=RecordingLimits(),
        )


def video_export(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "video_export_worker", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_render_writes_what_it_says(tmp_path: Path, chromium: ChromiumSettings) -> None:
    outputs = [tmp_path / "form.gif", tmp_path / "form.mp4"]
    arguments = [word for path in outputs for word in ("-o", path)] + ["--end", 2, "--json", "--mask", "h1"]
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "VIDEO_EXPORT_CHROMIUM": chromium.find_executable()}
    done = video_export("render", RECORDINGS / "form.json.gz", *arguments, **cache)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert [video["path"] for video in report["videos"]] == [str(path) for path in outputs]
    assert [video["size"] for video in report["videos"]] == [path.stat().st_size for path in outputs]
    assert any((tmp_path / "cache" / "video-export" / "node").iterdir()), "Playwright's driver is not kept compiled"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "form.gif", "form.mp4"]


def test_every_frame_of_every_window_is_counted_once(tmp_path: Path, chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([])).end(1000)
    windows = {"snapshot_data_by_window_id": {"a": page.events, "b": page.events}}
    (tmp_path / "windows.json").write_text(json.dumps(windows))
    arguments = [tmp_path / "windows.json", "-o", tmp_path / "a.mp4", "-o", tmp_path / "a.gif", "--windows", "each"]
    done = video_export("render", *arguments, "--json", VIDEO_EXPORT_CHROMIUM=chromium.find_executable())
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    frames = sum(video["frames"] for video in report["videos"] if video["format"] == "mp4")
    assert len(report["videos"]) == 4
    assert report["captured"] + report["pointer_drawn"] + report["repeated"] == frames


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["absent.json", "-o", "a.mp4"], 2, "there is no file"),
        (["empty.json", "-o", "a.mp4"], 1, "empty"),
        (["text.json", "-o", "a.mp4"], 1, "JSON"),
        (["events.json", "-o", "a.mp4"], 1, "full snapshot"),
        (["events.json", "-o", "a.avi"], 2, "must be one of .mp4, .webm, .gif"),
        (["events.json", "-o", "taken.mp4"], 2, "taken.mp4 exists"),
        (["windows.json", "-o", "video.mp4", "--windows", "each"], 2, "video-2.mp4 exists"),
        (
            ["events.json", "-o", "a.mp4", "--fps", "900", "--start", "5", "--end", "1"],
            2,
            "end (1 s) must be after start",
        ),
    ],
)
def test_render_refuses_with_a_reason_and_writes_nothing(
    arguments: list[str], status: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.json").touch()
    (tmp_path / "text.json").write_text("not a recording")
    (tmp_path / "events.json").write_text('[{"type":5,"timestamp":1,"data":{}},{"type":5,"timestamp":2,"data":{}}]')
    page = Page()
    page.show(page.document([])).end(500)
    windows = {"snapshot_data_by_window_id": {"a": page.events, "b": page.events}}
    (tmp_path / "windows.json").write_text(json.dumps(windows))
    (tmp_path / "taken.mp4").write_text("somebody's")
    (tmp_path / "video-2.mp4").write_text("somebody's")
    before = sorted(path.name for path in tmp_path.iterdir())
    paths = [str(tmp_path / word) if "." in word else word for word in arguments]
    done = video_export("render", *paths)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    assert message in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "taken.mp4").read_text() == "somebody's"
