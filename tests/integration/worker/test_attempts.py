"""What the end of an attempt's process means: for the export, for the next one, and for the neighbour."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import signal
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import brotli  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from tests.frozen_jobs import frozen_jobs
from tests.integration.worker.conftest import Exporting
from tests.servers import running_s3
from tests.waiting import AT_ONCE, wait_for
from tests.workers import WorkerProcess, running_worker
from video_export_worker.activities import ExportActivities
from video_export_worker.activities.attempt import MAX_FAILURES, begin_attempt
from video_export_worker.activities.heavy import Place
from video_export_worker.attempts.isolated import IsolatedPipeline
from video_export_worker.attempts.runner import AttemptRunner
from video_export_worker.capacity.limits import MIB, WORKER_BYTES, Capacity
from video_export_worker.capacity.machine import read_capacity
from video_export_worker.contract import (
    DISCARD_PARTS,
    PLAN_EXPORT,
    DiscardInput,
    PlanInput,
    PlannedExport,
    Progress,
    parse_request,
)
from video_export_worker.errors import (
    BrowserHung,
    EncodeFailed,
    RecordingTooHeavy,
    RenderFailed,
    StorageUnavailable,
    VideoExportError,
)
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.storage import Storage
from video_export_worker.workflows import VideoExportWorkflow

LIMITS = RecordingLimits()
HEAD = (
    b'[{"type":4,"timestamp":1,"data":{"href":"","width":800,"height":600}},'
    b'{"type":2,"timestamp":2,"data":{"node":{"type":0,"id":1,"childNodes":[]},"initialOffset":{"left":0,"top":0}}}'
)
BOMB_BYTES = 64_000_000
# A worker that waits half a second for a storage that is away, instead of thirty.
IMPATIENT = (
    "-c",
    "from datetime import timedelta; from video_export_worker.activities import attempt; "
    "attempt.RETRY_DELAYS = dict.fromkeys(attempt.RETRY_DELAYS, timedelta(seconds=0.5)); "
    "from video_export_worker.__main__ import main; main()",
)


def _write_recording(path: Path, events: int) -> str:
    """A recording of so many small events; answers its URI."""
    event = b',{"type":5,"timestamp":%d,"data":{"tag":"x","payload":{"a":[1,2,3,4,5,6,7,8]}}}'
    with path.open("wb") as file:
        file.write(HEAD)
        file.writelines(event % at for at in range(3, events))
        file.write(b"]")
    return f"file://{path}"


@asynccontextmanager
async def _activities(
    folder: Path, capacity: Capacity, limits: RecordingLimits = LIMITS
) -> AsyncIterator[ExportActivities]:
    async with IsolatedPipeline(capacity, ChromiumSettings(), os.environ, wait=False) as pipeline:
        yield ExportActivities(Storage(f"file://{folder}"), limits, pipeline)


async def _plan(activities: ExportActivities, uri: str, export: str = "one") -> PlannedExport:
    given = PlanInput(export_id=export, request=parse_request({"recording": uri, "end": 1}))
    return await ActivityEnvironment().run(activities.plan_export, given)


async def test_a_recording_that_ends_its_process_twice_is_refused_for_a_day(tmp_path: Path) -> None:
    uri = _write_recording(tmp_path / "recording.json", 600_000)
    small = Capacity(memory=int((WORKER_BYTES + 48 * MIB) / 0.95), cpus=2, slots=1)
    async with _activities(tmp_path, small) as activities:
        with pytest.raises(ApplicationError, match="planning: it took more memory than it may") as first:
            await _plan(activities, uri)
        with pytest.raises(ApplicationError, match=r"MiB of 48 MiB.*; before that .*refused until .* UTC") as second:
            await _plan(activities, uri)
        with (
            mock.patch.object(AttemptRunner, "run", side_effect=AssertionError("a process is tried for it again")),
            pytest.raises(ApplicationError, match="refused until") as third,
        ):
            await _plan(activities, uri, "another export")
    assert (first.value.type, first.value.non_retryable) == ("ProcessDied", False)
    assert (second.value.type, second.value.non_retryable) == ("RecordingTooHeavy", True)
    assert (third.value.type, third.value.non_retryable) == ("RecordingTooHeavy", True)
    other = _write_recording(tmp_path / "other.json", 2_000)
    async with _activities(tmp_path, read_capacity(1)) as activities:
        assert (await _plan(activities, other)).segments, "another recording is not meant"


def _with_packed(data: bytes) -> bytes:
    """A recording with an event that its recorder has compressed."""
    return HEAD + b"," + json.dumps(data.decode("latin-1")).encode() + b"]"


def _write_bombs(folder: Path) -> dict[str, str]:
    """Files of some kilobytes that hold `BOMB_BYTES`, by how they hold them; answers their URIs."""
    spaces = b" " * BOMB_BYTES
    much, packed = b'[{"type":5,"timestamp":1,"data":"' + spaces, zlib.compress(b'{"v":"v1","data":"' + spaces)
    bombs = {
        "gzip": gzip.compress(much, 6),
        "gzip in gzip": gzip.compress(gzip.compress(much, 6)),
        "zstd": zstandard.compress(much),
        "brotli": brotli.compress(much, quality=4),
        "a pack": _with_packed(packed),
        "a pack in a pack": _with_packed(zlib.compress(packed)),
    }
    for name, data in bombs.items():
        assert len(data) < 1_000_000, f"{name} has {len(data)} bytes"
        (folder / name).write_bytes(data)
    return {name: f"file://{folder / name}" for name in bombs}


async def _end_of_planning(activities: ExportActivities, uri: str) -> str:
    """Code of the error; nothing where there is none."""
    try:
        await _plan(activities, uri)
    except ApplicationError as error:
        return str(error.type)
    return ""


async def test_a_bomb_is_refused_within_the_memory_of_an_attempt(tmp_path: Path) -> None:
    small = Capacity(memory=int((WORKER_BYTES + 160 * MIB) / 0.95), cpus=2, slots=1)
    async with _activities(tmp_path, small, RecordingLimits(decompressed_bytes=BOMB_BYTES // 2)) as activities:
        ends = {name: await _end_of_planning(activities, uri) for name, uri in _write_bombs(tmp_path).items()}
        assert ends == {
            **dict.fromkeys(("gzip", "gzip in gzip", "zstd", "brotli", "a pack"), "RecordingTooLarge"),
            "a pack in a pack": "",  # an event that cannot be read is left out
        }
        assert (await _plan(activities, _write_recording(tmp_path / "next.json", 2_000))).segments


async def test_what_hangs_browsers_twice_is_refused_for_a_day(tmp_path: Path) -> None:
    async def hang() -> None:
        raise BrowserHung("seek: Chromium did not answer within 20 s, in two browsers at frame 7")

    place = Place("a digest", "rendering of frames 0 to 9")
    async with _activities(tmp_path, read_capacity(1)) as activities:
        with pytest.raises(BrowserHung):
            await activities._watch_over(place, hang())
        with pytest.raises(RecordingTooHeavy, match=r"frames 0 to 9: seek: .* at frame 7; before that seek: "):
            await activities._watch_over(place, hang())


async def test_planning_ends_at_once_when_it_is_cancelled(tmp_path: Path) -> None:
    uri = _write_recording(tmp_path / "recording.json", 2_000)
    async with _activities(tmp_path, read_capacity(1)) as activities:
        environment = ActivityEnvironment()
        given = PlanInput(export_id="one", request=parse_request({"recording": uri}))
        with frozen_jobs():
            planning = asyncio.ensure_future(environment.run(activities.plan_export, given))
            await wait_for(lambda: activities._pipeline.runner.running, "a child reads the recording")
            environment.cancel()
            with pytest.raises((asyncio.CancelledError, CancelledError)):
                async with asyncio.timeout(AT_ONCE):
                    await planning


def _is_child(worker: WorkerProcess) -> Callable[[], list[int]]:
    return lambda: [pid for pid, command in worker.exporting().items() if "attempts.forkserver" in command]


async def test_a_codec_that_crashes_ends_one_attempt_and_the_second_time_the_export(
    exporting: Exporting, worker: WorkerProcess, temporal_client: Client, animations: str, form: str
) -> None:
    export = await exporting.start({"recording": animations, "fps": 60, "speed": 0.1, "end": 1.0})
    for _ in range(2):
        [child] = await wait_for(_is_child(worker), "a part is written")
        neighbour = await exporting.start({"recording": form, "end": 0.5})
        os.kill(child, signal.SIGSEGV)
        assert (await neighbour.result()).videos, "the neighbour's export is not concerned"
    with pytest.raises(WorkflowFailureError) as failure:
        await export.result()
    cause = failure.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.type == "RecordingTooHeavy"
    assert "rendering of frames 0 to" in cause.message
    assert cause.message.count("its process crashed") == 2
    assert "SIGSEGV" in cause.message


async def test_a_child_that_somebody_kills_is_not_the_recordings_fault(
    exporting: Exporting, worker: WorkerProcess, animations: str
) -> None:
    export = await exporting.start({"recording": animations, "fps": 30, "end": 2.5})
    [child] = await wait_for(_is_child(worker), "a part is written")
    os.kill(child, signal.SIGKILL)
    assert (await export.result()).videos, "it was tried again"


async def _has_failed_often(export: WorkflowHandle[Any, Any]) -> bool:
    pending = (await export.describe()).raw_description.pending_activities
    return any(activity.attempt > MAX_FAILURES + 2 for activity in pending)


async def test_a_storage_that_is_away_for_long_loses_no_export(
    tmp_path: Path,
    queue: str,
    worker_environment: dict[str, str],
    temporal_client: Client,
    form_events: bytes,
    animation_events: bytes,
) -> None:
    with running_s3(tmp_path) as s3:
        environment = {**worker_environment, **s3.credentials}
        uri = s3.put("recordings/form.json", form_events)
        with running_worker(tmp_path, queue, environment, program=IMPATIENT) as worker:
            worker.wait_for_log("takes exports")
            s3.stop()
            export = await Exporting(temporal_client, queue).start({"recording": uri, "end": 0.2})
            await wait_for(lambda: _has_failed_often(export), "more attempts than may fail")
            s3.start()
            assert (await export.result()).videos

            moving = s3.put("recordings/animations.json", animation_events)
            rendering = await Exporting(temporal_client, queue).start({"recording": moving, "fps": 60, "end": 1})
            await wait_for(worker.exporting, "a part is written")
            s3.stop()
            await wait_for(lambda: _has_failed_often(rendering), "more attempts than may fail, with a part to store")
            s3.start()
            assert (await rendering.result()).videos


class _Failing:
    """Planning that fails as often as it is told to."""

    def __init__(self, error: VideoExportError | Exception, times: int) -> None:
        self.error = error
        self.left = times
        self.attempts = 0

    @activity.defn(name=PLAN_EXPORT)
    async def plan(self, given: PlanInput) -> PlannedExport:
        async with begin_attempt("planning", Progress(phase="planning")):
            self.attempts += 1
            self.left -= 1
            if self.left >= 0:
                raise self.error
            raise EncodeFailed("it came so far") from None

    @activity.defn(name=DISCARD_PARTS)
    async def discard(self, given: DiscardInput) -> int:
        return 0


@pytest.mark.parametrize(
    ("error", "times", "attempts", "says"),
    [
        (EncodeFailed("no codec"), 99, MAX_FAILURES, "no codec"),
        (StorageUnavailable("away"), 7, 7 + MAX_FAILURES, "it came so far"),
    ],
)
async def test_failures_are_counted_by_what_they_mean(
    temporal_client: Client,
    queue: str,
    monkeypatch: pytest.MonkeyPatch,
    error: VideoExportError,
    times: int,
    attempts: int,
    says: str,
) -> None:
    delays = dict.fromkeys((EncodeFailed, StorageUnavailable), timedelta(milliseconds=10))
    monkeypatch.setattr("video_export_worker.activities.attempt.RETRY_DELAYS", delays)
    failing = _Failing(error, times)
    activities: list[Callable[..., Any]] = [failing.plan, failing.discard]
    async with Worker(temporal_client, task_queue=queue, workflows=[VideoExportWorkflow], activities=activities):
        export = await Exporting(temporal_client, queue).start({"recording": "s3://a/b"})
        with pytest.raises(WorkflowFailureError) as failure:
            await export.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert (failure.value.cause.type, failure.value.cause.message) == ("EncodeFailed", says)
    assert failing.attempts == attempts


async def test_the_server_keeps_the_head_and_the_tail_of_a_long_error(
    temporal_client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_export_worker.activities.attempt.RETRY_DELAYS", {RenderFailed: timedelta(minutes=1)})
    failing = _Failing(RenderFailed("load: " + "at page.js " * 100_000 + "the end"), 99)
    activities: list[Callable[..., Any]] = [failing.plan, failing.discard]
    async with Worker(temporal_client, task_queue=queue, workflows=[VideoExportWorkflow], activities=activities):
        export = await Exporting(temporal_client, queue).start({"recording": "s3://a/b"})

        async def find_failure() -> str:
            pending = (await export.describe()).raw_description.pending_activities
            return "".join(activity.last_failure.message for activity in pending)

        said = await wait_for(find_failure, "the first attempt has failed")
        await export.cancel()
        with pytest.raises(WorkflowFailureError):
            await export.result()
    assert said.startswith("load: at page.js")
    assert said.endswith("the end")
