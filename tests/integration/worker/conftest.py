"""One worker process for the tests of exports; tests of its life start their own."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from tests.requirements import require_player
from tests.servers import S3Server, TemporalServer
from tests.workers import WorkerProcess, running_worker
from video_export_worker.contract import WORKFLOW_NAME, VideoExportResult

CANARY = "canary-" + "51c0b7e2d94f"
"""A secret in the environment of the shared worker."""
RECORDINGS = Path(__file__).parents[2] / "recordings"


@dataclass(frozen=True)
class Exporting:
    """Starts exports on one queue."""

    client: Client
    queue: str

    async def start(self, *given: Any, **options: Any) -> WorkflowHandle[Any, VideoExportResult]:
        """Start an export with this input."""
        return await self.client.start_workflow(
            WORKFLOW_NAME,
            args=given,
            id=f"export-{uuid.uuid4()}",
            task_queue=self.queue,
            result_type=VideoExportResult,
            execution_timeout=timedelta(seconds=250),
            **options,
        )

    async def run(self, *given: Any) -> VideoExportResult:
        """Run an export to its end."""
        return await (await self.start(*given)).result()


@pytest.fixture(scope="session")
def worker_environment(temporal_server: TemporalServer, s3_server: S3Server) -> dict[str, str]:
    return {
        **s3_server.credentials,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "VIDEO_EXPORT_STORAGE_URI": s3_server.uri,
    }


@pytest.fixture(scope="session")
def worker(worker_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    limits = {"VIDEO_EXPORT_MAX_RECORDING_BYTES": "1000000", "VIDEO_EXPORT_MAX_VIDEO_SECONDS": "3600"}
    places = f"{worker_environment['VIDEO_EXPORT_STORAGE_URI']}, s3://nowhere"
    limits |= {"AZURE_STORAGE_ACCOUNT_KEY": CANARY, "SOMETHING_ELSE": CANARY}
    limits |= {"VIDEO_EXPORT_SOURCES": places, "VIDEO_EXPORT_OUTPUTS": places}
    directory = tmp_path_factory.mktemp("worker")
    with running_worker(directory, "shared-exports", {**worker_environment, **limits}, name="shared") as process:
        process.wait_for_log("takes exports")
        yield process


@pytest.fixture
async def exporting(worker: WorkerProcess, temporal_client: Client) -> AsyncIterator[Exporting]:
    yield Exporting(temporal_client, "shared-exports")
    assert worker.process.poll() is None, f"the worker ended:\n{worker.text()[-3000:]}"


@pytest.fixture
def queue() -> str:
    """A queue that only this test's workers serve."""
    return f"queue-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def stored_recording(s3_server: S3Server) -> Callable[[str], str]:
    """Stores one of the project's recordings; answers its URI."""

    def store(name: str) -> str:
        return s3_server.put(f"recordings/{name}.json.gz", (RECORDINGS / f"{name}.json.gz").read_bytes())

    return store


@pytest.fixture(scope="session")
def form(stored_recording: Callable[[str], str]) -> str:
    """URI of a short recording."""
    return stored_recording("form")


@pytest.fixture(scope="session")
def animations(stored_recording: Callable[[str], str]) -> str:
    """URI of a recording in which every frame differs: slow to render."""
    return stored_recording("animations")


@pytest.fixture(scope="session")
def animation_events() -> bytes:
    """JSON of the slow recording."""
    return gzip.decompress((RECORDINGS / "animations.json.gz").read_bytes())


@pytest.fixture(scope="session")
def form_events() -> bytes:
    """JSON of the short recording."""
    return gzip.decompress((RECORDINGS / "form.json.gz").read_bytes())


@pytest.fixture(scope="session", autouse=True)
def _player() -> None:
    require_player()
