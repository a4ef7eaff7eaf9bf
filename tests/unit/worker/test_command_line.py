"""The command line: what it says, how it ends, and that it starts fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from video_export_worker.cli import COMMANDS, cli
from video_export_worker.cli.render import count_frames
from video_export_worker.cli.request_options import build_request, request_options
from video_export_worker.cli.settings import find_mistyped
from video_export_worker.contract import (
    DEFAULT_TASK_QUEUE,
    ColorScheme,
    Quality,
    SkipInactivity,
    VideoExportRequest,
    VideoFormat,
    ViewportChoice,
)
from video_export_worker.task_queues import find_doubt


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "VIDEO_EXPORT_"))}
    return subprocess.run(
        [sys.executable, "-m", "video_export_worker", *arguments],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_command_exists_and_explains_itself() -> None:
    with click.Context(cli) as context:
        for name in COMMANDS:
            command = cli.get_command(context, name)
            assert command is not None
            assert command.help


def test_help_imports_neither_temporal_nor_the_renderer() -> None:
    program = (
        "import sys; from video_export_worker.cli import cli; cli.main(['--help'], standalone_mode=False); "
        "slow = {'temporalio', 'obstore', 'playwright', 'av', 'numpy'} & set(sys.modules); sys.exit(str(slow or ''))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == ""
    assert all(name in done.stdout for name in COMMANDS)


def test_render_does_not_wait_for_temporal() -> None:
    program = (
        "import sys; import video_export_worker.cli.render, video_export_worker.pipeline; "
        "sys.exit(str({'temporalio', 'obstore'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        (["nothing"], {}, 2, "No such command 'nothing'"),
        (["submit"], {}, 2, "Missing argument 'RECORDING...'"),
        (["submit", "-"], {}, 2, "set VIDEO_EXPORT_STORAGE_URI to the workers' storage"),
        (["submit", "s3:/b/r.json"], {}, 2, "did you mean s3://b/r.json?"),
        (["submit", "https://example.com/r.json"], {}, 2, "is on a web server: upload the recording"),
        (["submit", "s4://b/r.json"], {}, 2, "did you mean s3://?"),
        (["submit", "s3://b"], {}, 2, "is a bucket and no recording in it: write s3://bucket/key"),
        (["submit", "s3:///b/r.json"], {}, 2, "names no bucket: write s3://bucket/key"),
        (["submit", "s3://b/r.json", "--background", "red"], {}, 2, "background: must be a colour such as #ffffff"),
        (["submit", "s3://b/r.json", "--width", "7"], {}, 2, "width: must be at least 16 (given: 7)"),
        (["render", "none.json"], {}, 2, "there is no file none.json: give a recording's path"),
        (
            ["render", "s3://b/r.json"],
            {},
            2,
            "download it, or export it where it is: video-export submit s3://b/r.json",
        ),
        (["inspect", "s3://b/r.json"], {}, 2, "s3://b/r.json is no file of this machine"),
        (["render", "-", "-"], {}, 2, "can be read once"),
        (["inspect", "none.json"], {}, 2, "there is no file none.json"),
        (
            ["worker"],
            {"VIDEO_EXPORT_STORAGE_URI": "s3://b", "VIDEO_EXPORT_SLOT": "3"},
            2,
            "did you mean VIDEO_EXPORT_SLO",
        ),
        (["submit", "here.json"], {"VIDEO_EXPORT_STORAGE_URI": "s3://b"}, 2, "there is no file here.json"),
        (["submit", "s3://b/r.json", "--fps", "900", "--start", "9", "--end", "3"], {}, 2, "must be after start"),
        (["submit", "s3://b/r.json"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, 1, "cannot reach Temporal at 127.0.0.1:1"),
        (["watch", "x"], {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, 1, "Connection refused; set TEMPORAL_ADDRESS"),
        (["cancel", "x"], {"TEMPORAL_TLS_CLIENT_CERT_PATH": "/none"}, 2, "Temporal settings"),
        (["list"], {"TEMPORAL_ADDRESS": "https://temporal:7233"}, 2, "'https://temporal:7233': write HOST:PORT"),
        (["watch", "x"], {"TEMPORAL_ADDRESS": "temporal"}, 2, "for example temporal-frontend.temporal:7233"),
        (["submit", "s3://b/r.json"], {"TEMPORAL_ADDRESS": "127.0.0.1:70000"}, 2, "TEMPORAL_ADDRESS"),
        (["list"], {"TEMPORAL_ADDRESS": "[::zz]:7233"}, 2, "'[::zz]:7233': write HOST:PORT"),
        (["list"], {"TEMPORAL_ADDRESS": "a..b:7233"}, 1, "a..b:7233: failed to lookup address"),
    ],
)
def test_a_refusal_has_its_exit_code(arguments: list[str], environment: dict[str, str], code: int, says: str) -> None:
    done = _run(*arguments, **environment)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("recording.json.mp4/video.mp4", "is no folder"),
        ("/proc/x/video.mp4", "this user may not write to /proc"),
        ("folder.mp4", "folder.mp4 is a folder: name a file in it"),
        ("there.mp4", "there.mp4 exists: choose another name or give --force"),
        ("video.avi", "the suffix names the format and must be one of .mp4"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path, output: str, says: str) -> None:
    recording = tmp_path / "recording.json.mp4"
    recording.write_text("[]")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "there.mp4").touch()
    told = _run("render", str(recording), "-o", str(tmp_path / output))
    assert (told.returncode, says in told.stderr) == (2, True), told.stderr


def test_the_recording_is_never_its_own_video(tmp_path: Path) -> None:
    recording = tmp_path / "recording.mp4"
    recording.write_text("[]")
    assert "is the recording itself" in _run("render", str(recording), "-o", str(recording), "--force").stderr


def test_failures_are_json_where_json_was_asked_for(tmp_path: Path) -> None:
    recording = tmp_path / "recording.json"
    recording.write_text('[{"type": 4}]')
    for arguments, code in (
        (["inspect", str(recording), "--json"], "RecordingInvalid"),
        (["render", str(recording), "--json", "--fps", "900"], "InvalidRequest"),
        (["render", "none.json", "--json"], "InvalidUsage"),
        (["watch", "x", "--json"], "TemporalUnreachable"),
    ):
        done = _run(*arguments, TEMPORAL_ADDRESS="127.0.0.1:1")
        told = json.loads(done.stdout)
        assert told["error"]["code"] == code, told
        assert told["error"]["message"]
        assert done.stderr == ""


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    name = f"{tmp_path}/no\udcff.json"  # a byte that UTF-8 does not have
    done = _run("inspect", "--json", name, PYTHONIOENCODING="utf-8:strict")
    assert name in json.loads(done.stdout)["error"]["message"]


def test_the_standard_input_is_a_recording_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "video_export_worker", "render", "-", "--format", "gif", "--json"],
        input='[{"type": 4}]',
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout)["error"]["code"] == "RecordingInvalid", done.stderr


def test_a_queue_that_no_mapping_names_is_told() -> None:
    assert find_doubt(DEFAULT_TASK_QUEUE) is None
    told = find_doubt("video-export-taks-queue")
    assert told is not None
    assert told.endswith("did you mean 'video-export-task-queue'?")
    assert "did you mean" not in (find_doubt("video-export-batch-of-the-media-team") or "")


def test_variables_of_others_are_no_typing_errors() -> None:
    links = {"VIDEO_EXPORT_SERVICE_HOST": "1", "VIDEO_EXPORT_PORT_80_TCP": "2", "VIDEO_EXPORT_OPERATOR_LOG_LEVEL": "x"}
    theirs = {"TEMPORAL_HOST": "1", "TEMPORAL_UI_PORT": "2", "TEMPORAL_FRONTEND_SERVICE_PORT": "3", "TEMPORAL_CLI": "4"}
    assert find_mistyped({**links, **theirs, "VIDEO_EXPORT_CACHE": "/folder"}) == []
    assert find_mistyped({"VIDEO_EXPORT_STORAGE_PORT": "tcp://10.96.0.7:9000"}) == [], "a Service video-export-storage"


@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("TEMPORAL_ADRESS", "TEMPORAL_ADDRESS"),
        ("TEMPORAL_NAME_SPACE", "TEMPORAL_NAMESPACE"),
        ("TEMPORAL_APIKEY", "TEMPORAL_API_KEY"),
        ("VIDEO_EXPORT_STORGE_URI", "VIDEO_EXPORT_STORAGE_URI"),
        ("VIDEO_EXPORT_ASSET_HOST", "VIDEO_EXPORT_ASSET_HOSTS"),
    ],
)
def test_a_variable_that_is_mistyped_is_refused_by_every_command(mistyped: str, meant: str) -> None:
    """What it says would be ignored: another server is asked, or every host."""
    told = f"{mistyped}: there is no such setting, did you mean {meant}?"
    for name in COMMANDS:
        if name == "worker":  # it tells of all its settings together
            assert told in find_mistyped({mistyped: "x"})
            continue
        refused = CliRunner(env={mistyped: "x"}).invoke(cli, [name], standalone_mode=False)
        assert isinstance(refused.exception, click.UsageError), name
        assert refused.exception.message == told


def test_what_is_wrong_about_the_storage_is_said_of_its_variable(tmp_path: Path) -> None:
    recording = tmp_path / "recording.json"
    recording.write_text("[]")
    for given, said in (
        ("s3:/exports", "must be a URI"),
        ("s3://", "names no bucket"),
        ("s4://exports", "did you mean"),
    ):
        done = CliRunner(env={"VIDEO_EXPORT_STORAGE_URI": given}).invoke(
            cli, ["submit", str(recording)], standalone_mode=False
        )
        assert isinstance(done.exception, click.UsageError)
        assert done.exception.message.startswith(f"VIDEO_EXPORT_STORAGE_URI: {given!r} ")
        assert said in done.exception.message


def test_every_option_reaches_the_request() -> None:
    collected: dict[str, Any] = {}

    @click.command()
    @request_options
    def command(**values: Any) -> None:
        collected.update(values)

    arguments = ["--width", "640", "--height", "480", "--fps", "30", "--speed", "2", "--start", "1", "--end", "9"]
    arguments += ["--skip-inactivity", "5", "--skip-speed", "8", "--quality", "high", "--scale", "2", "--no-cursor"]
    arguments += ["--no-clicks", "--trail", "--mask", ".a", "--mask", ".b", "--background", "#123456", "--strict"]
    arguments += ["--viewport", "largest", "--color-scheme", "dark", "--windows", "each"]
    command.main(arguments, standalone_mode=False)
    more: dict[str, Any] = {"priority": 2, "fairness_key": "tenant"}
    request = build_request(collected, ["s3://b/r"], [VideoFormat.GIF], "s3://b/out", **more)
    assert request == VideoExportRequest(
        recording=["s3://b/r"],
        output="s3://b/out",
        format=[VideoFormat.GIF],
        width=640,
        height=480,
        fps=30,
        speed=2,
        start=1,
        end=9,
        skip_inactivity=SkipInactivity(threshold=5, mode="speed", speed=8),
        quality=Quality.HIGH,
        device_scale_factor=2,
        mouse={"cursor": False, "clicks": False, "trail": True},  # type: ignore[arg-type]
        mask_selectors=[".a", ".b"],
        background="#123456",
        windows="each",
        viewport=ViewportChoice.LARGEST,
        color_scheme=ColorScheme.DARK,
        strict=True,
        priority=2,
        fairness_key="tenant",
    )


def test_doctor_names_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    done = _run("doctor", PATH=str(tmp_path), TEMPORAL_ADDRESS="127.0.0.1:1", VIDEO_EXPORT_STORAGE_URI="s3:///x")
    assert done.returncode == 1
    for line in (
        "missing Chromium",
        "install Debian's chromium-headless-shell",
        "missing ffmpeg: no ffmpeg and no ffprobe on PATH",
        "install Debian's ffmpeg",
        "missing Temporal: cannot reach Temporal at 127.0.0.1:1",
        "missing storage: InvalidRequest",
        "warning fonts",
    ):
        assert line in done.stdout


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("VIDEO_EXPORT_BROWSERS", "0", "use a whole number from 1 up"),
        ("VIDEO_EXPORT_CHROMIUM_CAPTURE", "video", "use auto or screenshot"),
        ("VIDEO_EXPORT_CHROMIUM_SANDBOX", "perhaps", "use true, false or auto"),
    ],
)
def test_a_wrong_setting_of_the_browser_is_told_before_anything_is_done(
    tmp_path: Path, name: str, value: str, advice: str
) -> None:
    recording = tmp_path / "recording.json"
    recording.write_text("[]")
    done = _run("render", str(recording), "-o", str(tmp_path / "video.mp4"), **{name: value})
    assert done.returncode == 2
    assert f"error: InvalidUsage: {name} is '{value}': {advice}" in done.stderr
    assert list(tmp_path.iterdir()) == [recording]
    told = _run("doctor", PATH=str(tmp_path), **{name: value}).stdout
    assert f"missing Chromium: {name} is '{value}': {advice}" in told
    assert "chromium-headless-shell" not in told


@pytest.mark.parametrize(
    ("captures", "repeated", "counted"),
    [
        (60, 30, {"captured": 60, "pointer_drawn": 10, "repeated": 30}),
        (90, 30, {"captured": 70, "pointer_drawn": 0, "repeated": 30}),
        (3, 100, {"captured": 0, "pointer_drawn": 0, "repeated": 100}),
    ],
    ids=["pointer drawn", "captures that showed nothing new", "nothing new at all"],
)
def test_numbers_of_frames_add_up(captures: int, repeated: int, counted: dict[str, int]) -> None:
    assert count_frames(100, captures, repeated) == counted
    assert sum(counted.values()) == 100
