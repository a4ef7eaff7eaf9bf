"""The client: what `pip install video-export` alone brings, without the renderer."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from video_export_worker.cli.failures import WORKER_MODULES, tell
from video_export_worker.cli.outcome import name_downloads
from video_export_worker.cli.schema import SHAPES, schema_command
from video_export_worker.contract import VideoExportResult, VideoFormat, VideoObject

ROOT = Path(__file__).parents[3]
MODULES = {"ada-url": "ada_url", "ffmpeg-python": "ffmpeg"}


def _requirements(extra: str | None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    names = (re.split(r"[\[<>=~ ]", requirement)[0] for requirement in listed)
    return {MODULES.get(name, name) for name in names}


def test_the_commands_of_a_client_import_nothing_of_the_renderer() -> None:
    program = (
        "import sys; from video_export_worker.cli import submit, exports, listing, schema, progress, outcome; "
        f"sys.exit(str({set(WORKER_MODULES)!r} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.strip() == ""


def test_what_a_client_lacks_is_what_the_extra_brings() -> None:
    assert _requirements("worker") == set(WORKER_MODULES)
    assert {"click", "obstore", "pydantic", "pyyaml", "rich", "temporalio"} == _requirements(None)


def test_a_client_is_told_how_to_get_the_renderer(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ModuleNotFoundError("No module named 'numpy'", name="numpy"), as_json=False) == 1
    assert "error: NotInstalled: " in (told := capsys.readouterr().err)
    assert "pip install 'video-export[worker]'" in told


def test_downloads_of_several_windows_do_not_replace_each_other(tmp_path: Path) -> None:
    def result(*formats: VideoFormat) -> VideoExportResult:
        videos = [
            VideoObject(
                format=name, uri="", size=1, sha256="", duration=1, frames=1, width=1, height=1, codec="", window=None
            )
            for name in formats
        ]
        return VideoExportResult(videos=videos, poster=None, time_map=[], captured=1, repeated=0, warnings=[])

    two = (VideoFormat.MP4, VideoFormat.GIF)
    assert [path.name for path in name_downloads("a/b", result(*two), tmp_path)] == ["a%2Fb.mp4", "a%2Fb.gif"]
    names = [path.name for path in name_downloads("a", result(*two, *two), tmp_path)]
    assert names == ["a-1.mp4", "a-1.gif", "a-2.mp4", "a-2.gif"]


def test_the_schemas_describe_every_field() -> None:
    for name, shape in SHAPES.items():
        schema = json.loads(CliRunner().invoke(schema_command, [name]).stdout)
        assert set(schema["properties"]) == set(shape.model_fields)
