"""Exports through a real Temporal server, a real worker process and a real S3 server."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from tests.integration.worker.conftest import Exporting
from tests.servers import S3Server
from tests.waiting import wait_for
from tests.workers import WorkerProcess, running_worker
from video_export_worker.cli.outcome import observe_progress
from video_export_worker.contract import PROGRESS_QUERY, Progress, VideoFormat

SLOW = {"fps": 60, "speed": 0.1}  # thousands of frames that all differ


async def test_one_recording_becomes_every_format(exporting: Exporting, s3_server: S3Server, form: str) -> None:
    export = await exporting.start({"recording": form, "format": ["mp4", "webm", "gif"], "end": 2, "fps": 10})
    result = await export.result()
    assert [video.format for video in result.videos] == list(VideoFormat)
    prefix = f"exports/default/{export.id}/"
    names = ["manifest.json", "poster.png", "video.gif", "video.mp4", "video.webm"]
    assert s3_server.objects(prefix) == [f"{prefix}{name}" for name in names]
    for video in result.videos:
        stored = s3_server.root / s3_server.bucket / prefix / f"video.{video.format}"
        data = stored.read_bytes()
        assert (video.uri, video.size, video.sha256) == (
            f"{s3_server.uri}/{prefix}video.{video.format}",
            len(data),
            hashlib.sha256(data).hexdigest(),
        )
        assert video.frames == 20
        assert video.duration == pytest.approx(2, abs=0.05)
        with av.open(str(stored)) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (video.width, video.height)
    assert result.captured > 0
    assert s3_server.objects(f"parts/default/{export.id}/") == []
    progress: Progress = await export.query(PROGRESS_QUERY, result_type=Progress)
    assert progress == Progress(phase="done", segments=1, segments_done=1, frames=20, frames_done=20, seconds_left=0.0)


async def test_segments_without_time_become_many_and_the_video_is_the_same(
    exporting: Exporting,
    s3_server: S3Server,
    worker_environment: dict[str, str],
    animations: str,
    queue: str,
    tmp_path: Path,
) -> None:
    request = {"recording": animations, "format": ["gif", "mp4"], "start": 1, "end": 1.08, "fps": 50, "speed": 0.1}
    hurried = Exporting(exporting.client, queue)
    environment = {**worker_environment, "VIDEO_EXPORT_SEGMENT_SECONDS": "0.5"}
    with running_worker(tmp_path, queue, environment) as process:
        process.wait_for_log("takes exports")
        export = await hurried.start(request)
        result = await export.result()
        progress: Progress = await export.query(PROGRESS_QUERY, result_type=Progress)
    assert progress.segments > 1, "nothing was left to another segment"
    assert progress.segments_done == progress.segments
    assert s3_server.objects(f"parts/default/{export.id}/") == []
    expected = await exporting.run(request)
    assert result.videos[0].sha256 == expected.videos[0].sha256, "parts of a GIF are lossless: it is the same file"
    assert [video.frames for video in result.videos] == [video.frames for video in expected.videos]


async def test_the_output_can_be_chosen(exporting: Exporting, s3_server: S3Server, form: str) -> None:
    folder = uuid.uuid4().hex
    result = await exporting.run({"recording": form, "output": f"{s3_server.uri}/{folder}/mine/", "end": 0.2})
    assert result.videos[0].uri == f"{s3_server.uri}/{folder}/mine/video.mp4"
    names = ["manifest.json", "poster.png", "video.mp4"]
    assert s3_server.objects(folder) == [f"{folder}/mine/{name}" for name in names]


async def test_parts_of_a_recording_are_one_video(
    exporting: Exporting, s3_server: S3Server, form_events: bytes
) -> None:
    events = json.loads(form_events)
    middle = len(events) // 2
    uris = [
        s3_server.put(f"recordings/{uuid.uuid4()}.json", json.dumps(part).encode())
        for part in (events[:middle], events[middle:])
    ]
    result = await exporting.run({"recording": uris, "fps": 1})
    seconds = (events[-1]["timestamp"] - events[0]["timestamp"]) / 1000
    assert result.videos[0].duration == pytest.approx(seconds, abs=1)


async def _failure(export: WorkflowHandle[Any, Any]) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failure:
        await export.result()
    assert isinstance(failure.value.cause, ApplicationError), failure.value.cause
    return failure.value.cause


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, "RecordingNotFound", "there is no such object: check the URI"),
        (b"", "RecordingInvalid", "empty"),
        (b"<html>not a recording</html>", "RecordingInvalid", "JSON"),
        (b'[{"type": 3, "timestamp": 1, "data": {"source": 3, "id": 1, "x": 0, "y": 0}}]', "RecordingInvalid", "full"),
        (b"x" * 1_000_001, "RecordingTooLarge", "VIDEO_EXPORT_MAX_RECORDING_BYTES"),
    ],
    ids=["missing", "empty", "not JSON", "no full snapshot", "too large"],
)
async def test_a_bad_recording_ends_with_its_error(
    exporting: Exporting, s3_server: S3Server, content: bytes | None, code: str, says: str
) -> None:
    key = f"recordings/{uuid.uuid4()}.json"
    uri = s3_server.put(key, content) if content is not None else f"{s3_server.uri}/{key}"
    export = await exporting.start({"recording": uri})
    failure = await _failure(export)
    assert (failure.type, failure.non_retryable) == (code, True)
    assert says in failure.message
    assert s3_server.objects(f"exports/default/{export.id}") == s3_server.objects(f"parts/default/{export.id}") == []


async def test_every_problem_of_a_request_is_in_one_message(exporting: Exporting) -> None:
    request = {"recording": "nothing", "fps": 100, "start": 9, "end": 3, "format": ["mp4", "avi"], "colour": "red"}
    failure = await _failure(await exporting.start(request))
    assert failure.type == "InvalidRequest"
    for problem in ("s3://bucket/key", "fps", "must be after start", "format.1", "colour"):
        assert problem in failure.message


@pytest.mark.parametrize("given", [(), ("text",), ([1],), (b"\x00",), (None,)], ids=repr)
async def test_an_input_that_is_no_object_fails_the_export(exporting: Exporting, given: tuple[Any, ...]) -> None:
    failure = await _failure(await exporting.start(*given))
    assert failure.type == "InvalidRequest"
    assert "must be a JSON object with at least `recording`" in failure.message


async def test_several_inputs_fail_the_export(exporting: Exporting, form: str) -> None:
    failure = await _failure(await exporting.start({"recording": form}, {"recording": form}))
    assert failure.type == "TypeError"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"start": 100_000}, "NothingToRender", ""),
        ({"speed": 0.1, "end": 1e9, "recording": "idle"}, "RecordingTooLarge", "the limit is 1 h"),
        ({"recording": "idle", "format": "gif", "speed": 0.5}, "RecordingTooLarge", "the limit is 15 minutes"),
        ({"recording": "http://169.254.169.254/latest/meta-data"}, "InvalidRequest", "upload the recording to"),
        ({"recording": "file:///etc/passwd"}, "StorageDenied", "is a file of the worker"),
        ({"recording": "s3://nowhere/recording.json"}, "StorageDenied", "the bucket does not exist: create it"),
        ({"output": "s3://nowhere/videos", "end": 0.2}, "StorageDenied", "the bucket does not exist: create it"),
    ],
    ids=[
        "after the end",
        "too long",
        "too long a GIF",
        "web server",
        "the worker's file",
        "no bucket in",
        "no bucket out",
    ],
)
async def test_a_refused_export_leaves_nothing(
    exporting: Exporting,
    s3_server: S3Server,
    form: str,
    stored_recording: Callable[[str], str],
    change: dict[str, Any],
    code: str,
    says: str,
) -> None:
    if change.get("recording") == "idle":
        change = {**change, "recording": stored_recording("idle")}
    export = await exporting.start({"recording": form, **change})
    failure = await _failure(export)
    assert failure.type == code, failure.message
    assert says in failure.message
    assert s3_server.objects(f"exports/default/{export.id}") == s3_server.objects(f"parts/default/{export.id}") == []


async def test_a_cancelled_export_stops_at_once_and_cleans_up(
    exporting: Exporting, worker: WorkerProcess, s3_server: S3Server, animations: str
) -> None:
    export = await exporting.start({"recording": animations, **SLOW})

    async def renders() -> bool:
        return (await observe_progress(export)).frames_done > 0

    await wait_for(renders, "the first frames are reported by a heartbeat")
    busy = await wait_for(worker.exporting, "a part is written")
    assert any("--type=renderer" in command for command in busy.values()), f"Chromium should be running: {busy}"
    await export.cancel()
    with pytest.raises(WorkflowFailureError) as failure:
        await export.result()
    assert isinstance(failure.value.cause, CancelledError)
    await wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in busy), f"all of it ends: {busy}")
    await wait_for(lambda: worker.left() == [], "its temporary files are gone")
    assert s3_server.objects(f"parts/default/{export.id}") == s3_server.objects(f"exports/default/{export.id}") == []


async def test_priority_and_fairness_reach_the_activities(exporting: Exporting, form: str) -> None:
    export = await exporting.start({"recording": form, "end": 0.2, "priority": 2, "fairness_key": "tenant-7"})
    await export.result()
    scheduled = [
        event.activity_task_scheduled_event_attributes
        async for event in export.fetch_history_events()
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert [event.activity_type.name for event in scheduled] == [
        "plan_export",
        "render_segment",
        "assemble",
        "discard_parts",
    ]
    assert {(event.priority.priority_key, event.priority.fairness_key) for event in scheduled} == {(2, "tenant-7")}


async def test_metrics_and_probes_answer(exporting: Exporting, worker: WorkerProcess, form: str) -> None:
    await exporting.run({"recording": form, "end": 0.2})
    assert worker.get("/healthz") == "ok"
    assert worker.get("/readyz") == "started"
    served = worker.get("/metrics")
    documented = Path(__file__).parents[3] / "docs" / "metrics.md"
    for name in (
        'video_export_exports_total{namespace="default",outcome="completed"',
        "video_export_frames_captured_total",
        "video_export_frames_repeated_total",
        "video_export_video_seconds_total",
        "video_export_phase_duration_seconds_bucket",
        "video_export_browser_restarts_total",
        "temporal_worker_task_slots_used",
    ):
        assert name in served
    names = {line.split()[2] for line in served.splitlines() if line.startswith("# TYPE video_export_")}
    text = documented.read_text()
    assert [name for name in names if name not in text] == []
