"""Children that stop as their job begins: it never ends by itself, so what ends it is what the test is about."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from video_export_worker.attempts.messages import Job
from video_export_worker.attempts.running import RunningJob


@contextmanager
def frozen_jobs() -> Iterator[None]:
    """Freeze the child of every job that begins in the block."""
    run = RunningJob.run

    async def freeze(running: RunningJob, job: Job) -> Any:
        os.kill(running._child.pid, signal.SIGSTOP)
        return await run(running, job)

    with mock.patch.object(RunningJob, "run", freeze):
        yield
