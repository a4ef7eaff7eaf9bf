"""What the charts repository is told about a new worker image."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.delivery.scripts import ROOT, load_script

deployment_payload = load_script("deployment_payload")
DIGEST = "sha256:" + "ab" * 32
SHA = "c" * 40
AT = datetime(2026, 11, 22, 12, 0, 5, 999_999, tzinfo=UTC)


def build(**changes: Any) -> dict[str, Any]:
    values = {"digest": DIGEST, "commit": {"id": SHA}, "repository": "example/video-export", "labels": [], "at": AT}
    payload: dict[str, Any] = deployment_payload.build_payload(**(values | changes))
    return payload


def test_the_payload_says_what_was_built() -> None:
    assert build(commit={"id": SHA, "message": "Faster"}, labels=["b", "a", "b"]) == {
        "event_type": "commit_state_update",
        "client_payload": {
            "values": {"image": {"sha": DIGEST}},
            "release": "temporal-worker-video-export",
            "commit": {"id": SHA, "message": "Faster"},
            "repository": "example/video-export",
            "labels": ["a", "b"],
            "timestamp": "2026-11-22T12:00:05Z",
        },
    }


def test_the_timestamp_is_utc() -> None:
    at = AT.astimezone(timezone(timedelta(hours=8)))
    assert build(at=at)["client_payload"]["timestamp"] == "2026-11-22T12:00:05Z"


def test_a_long_message_fits_what_github_takes() -> None:
    payload = build(commit={"id": SHA, "message": "x" * 200_000})
    assert len(json.dumps(payload["client_payload"])) < 65_536
    assert len(payload["client_payload"]) <= 10, "GitHub takes at most ten properties at the top"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="IMAGE_DIGEST") as caught:
        build(digest="latest", commit={"id": "main"}, repository="video-export", labels=[1], at=datetime(2026, 1, 1))
    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines] == ["IMAGE_DIGEST", "the", "GITHUB_REPOSITORY", "LABELS", "the"]


def run_script(tmp_path: Path, event: object, **environment: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    base = {
        "PATH": os.environ["PATH"],
        "IMAGE_DIGEST": DIGEST,
        "GITHUB_SHA": SHA,
        "GITHUB_REPOSITORY": "example/video-export",
        "GITHUB_EVENT_PATH": str(path),
    }
    script = ROOT / ".github" / "scripts" / "deployment_payload.py"
    return subprocess.run([sys.executable, str(script)], env=base | environment, capture_output=True, text=True)


def test_a_push_event_gives_author_and_message(tmp_path: Path) -> None:
    head = {"id": SHA, "message": "Faster", "author": {"name": "A"}, "url": "u", "timestamp": "t", "distinct": True}
    done = run_script(tmp_path, {"head_commit": head}, LABELS='["worker"]')
    payload = json.loads(done.stdout)["client_payload"]
    assert payload["commit"] == {"id": SHA, "message": "Faster", "author": {"name": "A"}, "url": "u", "timestamp": "t"}
    assert payload["labels"] == ["worker"]
    age = datetime.now(UTC) - datetime.fromisoformat(payload["timestamp"])
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_a_manual_run_has_only_the_commit(tmp_path: Path) -> None:
    payload = json.loads(run_script(tmp_path, {"inputs": None}).stdout)["client_payload"]
    assert payload["commit"] == {
        "id": SHA,
        "url": f"https://github.com/example/video-export/commit/{SHA}",
        "message": "",
    }


def test_a_build_without_a_digest_is_not_announced(tmp_path: Path) -> None:
    done = run_script(tmp_path, {}, IMAGE_DIGEST="")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "set IMAGE_DIGEST" in done.stderr


def test_the_chart_takes_the_value_that_is_announced() -> None:
    chart = ROOT / "charts" / deployment_payload.RELEASE
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    assert "sha" in values["image"]
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    pattern = schema["properties"]["image"]["properties"]["sha"]["pattern"]
    assert deployment_payload.re.fullmatch(pattern, DIGEST)
    assert not deployment_payload.re.fullmatch(pattern, "latest")
