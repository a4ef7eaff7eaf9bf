"""submit, watch, result and cancel against a real Temporal server, worker and storage."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from tests.integration.worker.conftest import RECORDINGS
from tests.servers import S3Server
from tests.waiting import wait_for
from tests.workers import WorkerProcess

FORM = RECORDINGS / "form.json.gz"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def environment(worker: WorkerProcess, worker_environment: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "VIDEO_EXPORT_"))}
    return {**kept, **worker_environment}


async def _start(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    # Where these tests run in the background of a shell they ignore SIGINT, and so would what they start.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "video_export_worker", *arguments]
    return await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)


async def _run(environment: dict[str, str], *arguments: str) -> Done:
    process = await _start(environment, *arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


def _measure_videos(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and width of each file in the folder."""
    found = {}
    for path in folder.iterdir():
        with av.open(str(path)) as container:
            found[str(path)] = path.stat().st_size, container.streams.video[0].width
    return found


async def test_a_local_recording_is_uploaded_exported_and_downloaded(
    environment: dict[str, str], s3_server: S3Server, tmp_path: Path
) -> None:
    arguments = ["submit", str(FORM), "--task-queue", "shared-exports", "-f", "mp4", "-f", "gif", "--end", "1"]
    done = await _run(
        environment, *arguments, "--id", f"mine-{uuid.uuid4().hex}", "--download", str(tmp_path), "--json"
    )
    assert done.code == 0, done.err
    shown = done.json()
    assert shown["files"] == [str(tmp_path / f"{shown['id']}.mp4"), str(tmp_path / f"{shown['id']}.gif")]
    assert _measure_videos(tmp_path) == {
        path: (video["size"], video["width"]) for path, video in zip(shown["files"], shown["videos"], strict=True)
    }
    uploaded = [key for key in s3_server.objects("recordings/") if key.endswith(".json.gz")]
    again = await _run(environment, *arguments, "--wait")
    assert again.code == 0, again.err
    assert "video.mp4: " in again.out
    assert [key for key in s3_server.objects("recordings/") if key.endswith(".json.gz")] == uploaded


async def test_watch_follows_and_result_shows(environment: dict[str, str], form: str, temporal_client: Client) -> None:
    submitted = await _run(environment, "submit", form, "--task-queue", "shared-exports", "--end", "2", "--json")
    assert submitted.code == 0, submitted.err
    export_id = submitted.json()["id"]
    early = await _run(environment, "result", export_id)
    watched = await _run(environment, "watch", export_id)
    assert watched.code == 0, watched.err
    assert "/video.mp4: " in watched.out
    assert (await temporal_client.get_workflow_handle(export_id).describe()).status is WorkflowExecutionStatus.COMPLETED
    if early.code:  # it asked while the export ran
        assert f"video-export watch {export_id}" in early.err
    result = await _run(environment, "result", export_id, "--json")
    assert result.code == 0, result.err
    assert result.json()["videos"][0]["uri"].endswith(f"{export_id}/video.mp4")
    late = await _run(environment, "cancel", export_id)
    assert (late.code, "it is completed" in late.err) == (1, True)


async def test_cancel_stops_an_export(environment: dict[str, str], animations: str, s3_server: S3Server) -> None:
    arguments = ["submit", animations, "--task-queue", "shared-exports", "--fps", "60", "--speed", "0.1", "--json"]
    export_id = (await _run(environment, *arguments)).json()["id"]
    watching = await _start(environment, "watch", export_id)
    assert watching.stderr is not None
    async for line in watching.stderr:
        if line.startswith(b"rendering: "):
            break
    cancelled = await _run(environment, "cancel", export_id)
    assert (cancelled.code, cancelled.out) == (0, f"{export_id}: cancelling\n")
    _, err = await watching.communicate()
    assert (watching.returncode, f"error: Cancelled: {export_id}" in err.decode()) == (1, True)
    assert s3_server.objects(f"exports/default/{export_id}") == []


async def test_interrupting_watch_leaves_the_export_alone(
    environment: dict[str, str], animations: str, temporal_client: Client
) -> None:
    arguments = ["submit", animations, "--task-queue", "shared-exports", "--fps", "60", "--speed", "0.1", "--watch"]
    export_id = f"watched-{uuid.uuid4().hex}"
    watching = await _start(environment, *arguments, "--id", export_id)
    assert watching.stderr is not None
    async for line in watching.stderr:
        if line.startswith(b"rendering"):
            break
    watching.send_signal(signal.SIGINT)
    await watching.communicate()
    assert watching.returncode == 130
    export = temporal_client.get_workflow_handle(export_id)
    assert (await export.describe()).status is WorkflowExecutionStatus.RUNNING
    taken = await _run(environment, *arguments[:-1], "--id", export_id)
    assert (taken.code, f"video-export watch {export_id}" in taken.err) == (1, True)
    await export.cancel()

    async def ended() -> bool:
        return (await export.describe()).status is WorkflowExecutionStatus.CANCELED

    await wait_for(ended, "the export ends as cancelled")


async def test_a_failure_has_its_code(environment: dict[str, str], s3_server: S3Server) -> None:
    uri = s3_server.put(f"recordings/{uuid.uuid4()}.json.gz", gzip.compress(b"[]"))
    arguments = ["submit", uri, "--task-queue", "shared-exports", "--wait"]
    done = await _run(environment, *arguments)
    assert done.code == 1
    assert "RecordingInvalid: " in done.err
    shown = await _run(environment, *arguments, "--json")
    assert (shown.code, shown.json()["error"]["code"]) == (1, "RecordingInvalid")


async def test_an_unknown_export_is_named(environment: dict[str, str]) -> None:
    for command in ("watch", "result", "cancel"):
        done = await _run(environment, command, "no-such-export")
        assert (done.code, "there is no export 'no-such-export'" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("capture", "told"),
    [
        ("auto", ("read from its memory", "captured by screenshots (slower)")),
        ("screenshot", ("captured by screenshots (slower)",)),
    ],
)
async def test_doctor_finds_everything(environment: dict[str, str], capture: str, told: tuple[str, ...]) -> None:
    done = await _run({**environment, "VIDEO_EXPORT_CHROMIUM_CAPTURE": capture}, "doctor", "--json")
    findings = {finding["name"]: finding for finding in done.json()["findings"]}
    assert done.code == 0, done.out
    marks = {name: findings[name]["mark"] for name in ("Chromium", "encoders", "ffmpeg", "Temporal", "storage")}
    assert marks == dict.fromkeys(marks, "ok")
    assert any(way in findings["Chromium"]["detail"] for way in told)
