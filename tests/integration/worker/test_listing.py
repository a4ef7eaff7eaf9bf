"""`video-export list` against a real Temporal server."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from temporalio.client import Client

from tests.servers import TemporalServer
from tests.waiting import wait_for


async def test_exports_are_listed_and_nothing_else(temporal_server: TemporalServer) -> None:
    client = await Client.connect(temporal_server.address)
    await client.start_workflow("VideoExportWorkflow", id="listed-waiting", task_queue="listed")
    await client.start_workflow("SomethingElse", id="listed-other", task_queue="listed")
    ended = await client.start_workflow("VideoExportWorkflow", id="listed-ended", task_queue="listed")
    await ended.terminate()

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "video_export_worker", "list", "--task-queue", "listed", *arguments]
        environment = {**os.environ, "TEMPORAL_ADDRESS": temporal_server.address}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    def ids(*arguments: str) -> list[str]:
        return [row["id"] for row in json.loads(run("--json", *arguments))["exports"]]

    # Visibility is a little behind, of each workflow by itself.
    await wait_for(lambda: ids("--status", "terminated") == ["listed-ended"], "the terminated export is listed", 30)
    await wait_for(lambda: ids("--status", "running") == ["listed-waiting"], "the other one is listed", 30)
    assert sorted(ids()) == ["listed-ended", "listed-waiting"]
    assert len(ids("--limit", "1")) == 1
    heading, row = run("--status", "running").splitlines()
    assert heading.split() == ["ID", "STATUS", "STARTED", "SECONDS", "TASK", "QUEUE"]
    assert row.split()[:2] == ["listed-waiting", "running"]
