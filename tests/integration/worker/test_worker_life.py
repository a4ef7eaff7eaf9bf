"""A worker's life: it starts before Temporal, ends without losing work, and another takes over when it dies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from dev.waiting import find_free_port
from tests.integration.worker.conftest import Exporting
from tests.servers import S3Server, TemporalServer, running_temporal
from tests.waiting import wait_for
from tests.workers import WorkerProcess, running_worker
from video_export_worker.cli.outcome import observe_progress

SECONDS = 3  # of video at every frame
SLOW = {"fps": 60, "end": SECONDS}
# A worker whose death is noticed after 3 s instead of 30.
IMPATIENT = (
    "-c",
    "from datetime import timedelta; from video_export_worker import contract; "
    "contract.HEARTBEAT_TIMEOUT = timedelta(seconds=3); from video_export_worker.__main__ import main; main()",
)


async def _renders(export: WorkflowHandle[Any, Any]) -> None:
    async def look() -> bool:
        return (await observe_progress(export)).frames_done > 0

    await wait_for(look, "a heartbeat reports rendered frames")


async def _is_taken_by(export: WorkflowHandle[Any, Any], attempt: tuple[int, str]) -> bool:
    pending = (await export.describe()).raw_description.pending_activities
    return attempt in [(activity.attempt, activity.last_worker_identity) for activity in pending]


async def _attempts(export: WorkflowHandle[Any, Any], activity: str) -> list[tuple[int, str]]:
    """Attempt and worker of each start of an activity that the history knows: the last attempt alone is written."""
    names = {}
    started = []
    async for event in export.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            names[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            given = event.activity_task_started_event_attributes
            if names[given.scheduled_event_id] == activity:
                started.append((given.attempt, given.identity))
    return started


async def test_a_worker_that_is_told_to_stop_finishes_its_segment(
    tmp_path: Path, queue: str, worker_environment: dict[str, str], temporal_client: Client, animations: str
) -> None:
    with running_worker(tmp_path, queue, worker_environment, name="first") as first:
        first.wait_for_log("takes exports")
        export = await Exporting(temporal_client, queue).start({"recording": animations, **SLOW})
        await wait_for(first.exporting, "a part is written")
        with first.held():
            first.ask_to_stop()
            first.wait_for_log("stopping: at most")
            assert first.get("/readyz") == "started"  # a draining worker is no broken one
        assert first.wait() == 0, first.text()
        assert list((tmp_path / "first-tmp").iterdir()) == []
    with running_worker(tmp_path, queue, worker_environment, name="second"):
        result = await export.result()
    assert result.videos[0].duration == pytest.approx(SECONDS, abs=0.1)
    assert await _attempts(export, "render_segment") == [(1, "first")]
    assert await _attempts(export, "assemble") == [(1, "second")]


async def test_a_worker_that_gets_no_time_gives_its_segment_back(
    tmp_path: Path, queue: str, worker_environment: dict[str, str], temporal_client: Client, animations: str
) -> None:
    hurried = {**worker_environment, "VIDEO_EXPORT_GRACEFUL_SHUTDOWN": "1"}
    with running_worker(tmp_path, queue, hurried, name="first") as first:
        first.wait_for_log("takes exports")
        export = await Exporting(temporal_client, queue).start({"recording": animations, "fps": 60, "speed": 0.5})
        await _renders(export)
        first.ask_to_stop()
        assert first.wait() == 0, first.text()
        assert first.children() == []
        assert list((tmp_path / "first-tmp").iterdir()) == []
    with running_worker(tmp_path, queue, worker_environment, name="second"):
        await wait_for(lambda: _is_taken_by(export, (2, "second")), "the second worker renders it as attempt 2")
        await export.cancel()


async def test_another_worker_takes_over_from_a_dead_one(
    tmp_path: Path,
    queue: str,
    worker_environment: dict[str, str],
    temporal_client: Client,
    animations: str,
    s3_server: S3Server,
) -> None:
    with running_worker(tmp_path, queue, worker_environment, name="first", program=IMPATIENT) as first:
        first.wait_for_log("takes exports")
        export = await Exporting(temporal_client, queue).start({"recording": animations, **SLOW})
        await wait_for(first.exporting, "a part is written")
        first.kill()
    with running_worker(tmp_path, queue, worker_environment, name="second", program=IMPATIENT):
        result = await export.result()
    assert result.videos[0].duration == pytest.approx(SECONDS, abs=0.1)
    assert await _attempts(export, "render_segment") == [(2, "second")]
    assert s3_server.objects(f"exports/default/{export.id}") == [
        f"exports/default/{export.id}/manifest.json",
        f"exports/default/{export.id}/poster.png",
        f"exports/default/{export.id}/video.mp4",
    ]
    assert s3_server.objects(f"parts/default/{export.id}") == []


async def test_a_worker_waits_for_temporal_before_and_while_it_renders(
    tmp_path: Path, queue: str, worker_environment: dict[str, str], form: str, animations: str
) -> None:
    port = find_free_port()
    environment = {**worker_environment, "TEMPORAL_ADDRESS": f"127.0.0.1:{port}"}
    with running_worker(tmp_path, queue, environment) as worker:
        worker.wait_for_log(f"cannot reach Temporal at 127.0.0.1:{port}: Connection refused")
        worker.wait_for_log("trying again in 1 s")
        assert (worker.get("/healthz"), worker.get("/readyz")) == ("ok", "started")
        with running_temporal(tmp_path, port=port, database=tmp_path / "temporal.db") as temporal:
            worker.wait_for_log("takes exports")
            result = await _export_once(temporal, queue, form)
            assert result.videos
            temporal.stop()
            assert worker.get("/healthz") == "ok"
            temporal.start()
            assert (await _export_once(temporal, queue, form)).videos

            client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
            export = await Exporting(client, queue).start({"recording": animations, "fps": 60, "end": 2})
            await wait_for(worker.exporting, "a part is written")
            temporal.stop()
            temporal.start()
            assert (await export.result()).videos
        worker.ask_to_stop()
        assert worker.wait() == 0


async def _export_once(temporal: TemporalServer, queue: str, form: str) -> Any:
    client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
    return await Exporting(client, queue).run({"recording": form, "end": 0.2})


async def test_a_worker_without_temporal_stops_when_told(
    tmp_path: Path, queue: str, worker_environment: dict[str, str]
) -> None:
    environment = {**worker_environment, "TEMPORAL_ADDRESS": f"127.0.0.1:{find_free_port()}"}
    with running_worker(tmp_path, queue, environment) as worker:
        worker.wait_for_log("cannot reach Temporal")
        for host in ("127.0.0.1", "[::1]"):  # pods have addresses of one kind, of the other, or of both
            assert worker.get("/readyz", host) == "started"
            worker.get("/metrics", host)  # has nothing to tell yet; an error if nobody listens
        worker.ask_to_stop()
        assert worker.wait() == 0


async def test_a_worker_waits_for_its_namespace(tmp_path: Path, queue: str, worker_environment: dict[str, str]) -> None:
    with running_worker(tmp_path, queue, {**worker_environment, "TEMPORAL_NAMESPACE": "absent"}) as worker:
        worker.wait_for_log("absent")
        worker.wait_for_log("trying again")
        assert worker.get("/healthz") == "ok"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"VIDEO_EXPORT_STORAGE_URI": "nowhere", "VIDEO_EXPORT_SLOTS": "0"}, 2, ["STORAGE_URI", "SLOTS"]),
        ({"VIDEO_EXPORT_STORAGE_URI": ""}, 2, ["VIDEO_EXPORT_STORAGE_URI is not set"]),
        ({"VIDEO_EXPORT_CHROMIUM_SANDBOX": "maybe"}, 2, ["VIDEO_EXPORT_CHROMIUM_SANDBOX", "maybe"]),
        ({"TEMPORAL_TLS_CLIENT_CERT_PATH": "/none/tls.crt"}, 2, ["Temporal settings", "/none/tls.crt"]),
    ],
)
def test_wrong_settings_end_the_worker_with_all_problems(
    tmp_path: Path, worker_environment: dict[str, str], change: dict[str, str], code: int, says: list[str]
) -> None:
    with running_worker(tmp_path, "any", {**worker_environment, **change}) as worker:
        assert worker.wait() == code
        for text in says:
            assert text in worker.text()


def test_a_taken_port_is_named(tmp_path: Path, worker_environment: dict[str, str], worker: WorkerProcess) -> None:
    taken = {**worker_environment, "VIDEO_EXPORT_HEALTH_PORT": str(worker.health_port)}
    with running_worker(tmp_path, "any", taken) as second:
        assert second.wait() == 1
        assert f"VIDEO_EXPORT_HEALTH_PORT={worker.health_port}" in second.text()
    taken = {**worker_environment, "VIDEO_EXPORT_HEALTH_PORT": "0"}
    with running_worker(tmp_path, "any", taken, name="third", metrics_port=worker.metrics_port) as third:
        assert third.wait() == 1
        assert f"--metrics-port {worker.metrics_port}" in third.text()
