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
from video_export_worker.cli.schema import SHAPES, schema_command

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


def test_the_schemas_describe_every_field() -> None:
    for name, shape in SHAPES.items():
        schema = json.loads(CliRunner().invoke(schema_command, [name]).stdout)
        assert set(schema["properties"]) == set(shape.model_fields)
