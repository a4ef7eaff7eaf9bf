"""What every activity attempt has: a folder of its own, heartbeats, a measured duration, typed errors."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from video_export_worker.contract import Progress
from video_export_worker.errors import RendererDiffers, StorageUnavailable, VideoExportError
from video_export_worker.metrics import DESCRIPTIONS, Metric

LOG = logging.getLogger(__name__)

HEARTBEAT_INTERVAL: Final = 1.0  # seconds; cancellation arrives with the answer
# What passes with time is waited out instead of using up the attempts in seconds.
RETRY_DELAYS: Final = {StorageUnavailable: timedelta(seconds=30), RendererDiffers: timedelta(seconds=10)}


class Attempt:
    """One attempt of one activity.

    Attributes:
        workdir: an empty folder that is removed with the attempt.
        progress: what the next heartbeat says.
    """

    def __init__(self, workdir: Path, progress: Progress) -> None:
        self.workdir = workdir
        self.progress = progress

    def report(self, **changes: object) -> None:
        """Change what the next heartbeat says."""
        self.progress = self.progress.model_copy(update=changes)


@asynccontextmanager
async def begin_attempt(phase: str, progress: Progress) -> AsyncIterator[Attempt]:
    """Run the block as an attempt of `phase`.

    Raises:
        ApplicationError: for every `VideoExportError` of the block, with its code as type. What is unexpected passes
            as it is, with its stack, and is tried again.
    """
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="video-export-", ignore_cleanup_errors=True) as folder:
            attempt = Attempt(Path(folder), progress)
            async with _heartbeats(attempt):
                yield attempt
    except VideoExportError as error:
        count(Metric.FAILURES, 1, phase=phase, code=error.code)
        LOG.warning("%s of %s failed: %s: %s", phase, activity.info().workflow_id, error.code, error)
        raise as_application_error(error) from error
    except Exception:
        count(Metric.FAILURES, 1, phase=phase, code="Unexpected")
        raise
    finally:
        _measure(phase, time.monotonic() - began)


def as_application_error(error: VideoExportError) -> ApplicationError:
    """Build the error that Temporal shows and decides on: not worth a retry unless its class says so."""
    delay = next((wait for kind, wait in RETRY_DELAYS.items() if isinstance(error, kind)), None)
    return ApplicationError(
        str(error),
        type=error.code,
        non_retryable=not error.retryable,
        next_retry_delay=delay,
        # What a retry cannot mend is the request's fault, not the worker's: one line in our log instead of a stack.
        category=ApplicationErrorCategory.UNSPECIFIED if error.retryable else ApplicationErrorCategory.BENIGN,
    )


@asynccontextmanager
async def _heartbeats(attempt: Attempt) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            activity.heartbeat(attempt.progress)
            await asyncio.sleep(HEARTBEAT_INTERVAL)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait({beating})


def count(metric: Metric, value: int, **labels: str) -> None:
    """Add to a counter."""
    activity.metric_meter().create_counter(metric, DESCRIPTIONS[metric]).add(value, labels)


def _measure(phase: str, seconds: float) -> None:
    name = Metric.PHASE_DURATION
    histogram = activity.metric_meter().create_histogram_timedelta(name, DESCRIPTIONS[name], "duration")
    histogram.record(timedelta(seconds=seconds), {"phase": phase})
