"""Workflow code decides the same when its history is replayed, however the export ended."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.integration.worker.conftest import Exporting
from tests.servers import S3Server
from tests.waiting import wait_for
from video_export_worker.cli.outcome import observe_progress
from video_export_worker.workflows import VideoExportWorkflow

HISTORIES = sorted((Path(__file__).parents[2] / "histories").glob("*/*.json"))


@pytest.mark.parametrize("history", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_histories_of_every_release_replay(history: Path) -> None:
    """Exports that run during an update go on: a change of the workflow's decisions belongs behind a patch."""
    replayer = Replayer(workflows=[VideoExportWorkflow], data_converter=pydantic_data_converter, debug_mode=True)
    kept = WorkflowHistory.from_json(history.stem, await asyncio.to_thread(history.read_text))
    await replayer.replay_workflow(kept)


def test_this_release_has_histories() -> None:
    assert version("video-export") in {path.parent.name for path in HISTORIES}, "run: python -m tests.histories"


async def test_completed_failed_and_cancelled_exports_replay(
    exporting: Exporting, s3_server: S3Server, form: str, animations: str
) -> None:
    completed = await exporting.start({"recording": form, "end": 0.2})
    failed = await exporting.start({"recording": f"{s3_server.uri}/missing.json"})
    invalid = await exporting.start([])
    cancelled = await exporting.start({"recording": animations, "fps": 60, "speed": 0.1})

    async def renders() -> bool:
        return (await observe_progress(cancelled)).phase == "rendering"

    await wait_for(renders, "the export to cancel is rendering")
    await cancelled.cancel()
    await completed.result()
    for export in (failed, invalid, cancelled):
        with pytest.raises(WorkflowFailureError):
            await export.result()
    replayer = Replayer(workflows=[VideoExportWorkflow], data_converter=pydantic_data_converter)
    for export in (completed, failed, invalid, cancelled):
        replayed = await replayer.replay_workflow(await export.fetch_history(), raise_on_replay_failure=False)
        assert replayed.replay_failure is None, export.id
