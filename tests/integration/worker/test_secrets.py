"""A worker that exports has secrets, and none of the processes that see a recording has any of them."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowFailureError

from tests.integration.worker.conftest import CANARY, Exporting
from tests.process_memory import count_in_memory, read_environment
from tests.servers import SECRET_KEY
from tests.waiting import wait_for
from tests.workers import WorkerProcess

SECRETS = (SECRET_KEY.encode(), CANARY.encode())
KINDS = ("attempts.forkserver", "playwright/driver", "headless", "--type=gpu", "--type=renderer", "--type=zygote")


def holders(processes: dict[int, str]) -> dict[int, str]:
    """The processes that have a secret in their environment or their memory."""
    return {
        pid: command
        for pid, command in processes.items()
        if any(secret in read_environment(pid) or count_in_memory(pid, secret) for secret in SECRETS)
    }


async def test_no_process_that_sees_a_recording_holds_a_secret_of_the_worker(
    exporting: Exporting, worker: WorkerProcess, animations: str
) -> None:
    export = await exporting.start({"recording": animations, "fps": 60, "speed": 0.1})
    await wait_for(worker.exporting, "a part is written")
    with worker.held() as writing:
        processes = worker.below()
        commands = "\n".join(processes.values())
        missing = [kind for kind in KINDS if kind not in commands]
        assert not missing, f"no process of these kinds was looked at: {missing} in\n{commands}"
        assert writing.keys() <= processes.keys(), "the browser that is looked at is not the one that exports"

        found = await asyncio.to_thread(holders, processes)

    assert not found, f"these hold a secret: {found}"
    assert holders({worker.process.pid: "the worker itself"}), "the search finds what is there"
    await export.cancel()
    with pytest.raises(WorkflowFailureError):
        await export.result()
