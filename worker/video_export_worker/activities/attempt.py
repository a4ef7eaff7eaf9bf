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

from video_export_worker.attempts.excerpts import excerpt
from video_export_worker.attempts.messages import MESSAGE_LIMIT
from video_export_worker.contract import Progress
from video_export_worker.errors import RendererDiffers, StorageUnavailable, VideoExportError
from video_export_worker.metrics import DESCRIPTIONS, Metric

LOG = logging.getLogger(__name__)

HEARTBEAT_INTERVAL: Final = 0.7  # seconds; cancellation arrives with the answer, and shall be over within one
MAX_FAILURES: Final = 5  # of an activity; attempts that end with their pod, or for want of the storage, are none
# What passes with time is waited out.
RETRY_DELAYS: Final = {StorageUnavailable: timedelta(seconds=30), RendererDiffers: timedelta(seconds=10)}


class Attempt:
    """One attempt of one activity.

    Attributes:
        workdir: an empty folder that is removed with the attempt.
        progress: what the next heartbeat says.
        failures: how often the activity has failed before. Heartbeats carry the number from attempt to attempt: the
            number of the attempt counts those as well that ended with their pod.
    """

    def __init__(self, workdir: Path, progress: Progress, failures: int) -> None:
        self.workdir = workdir
        self.progress = progress
        self.failures = failures

    def beat(self) -> None:
        """Send a heartbeat."""
        activity.heartbeat(self.progress, self.failures)

    def report(self, **changes: object) -> None:
        """Change what the next heartbeat says."""
        self.progress = self.progress.model_copy(update=changes)


@asynccontextmanager
async def begin_attempt(phase: str, progress: Progress) -> AsyncIterator[Attempt]:
    """Run the block as an attempt of `phase`.

    Raises:
        ApplicationError: for every `VideoExportError` of the block, with its code as type; for what is unexpected with
            the name of its class. The message is short enough for Temporal; the log has the stack of what is
            unexpected. Both are tried again, if that can help, until they have failed `MAX_FAILURES` times.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="video-export-", ignore_cleanup_errors=True) as folder:
        attempt = Attempt(Path(folder), progress, _failures_before())
        try:
            async with _heartbeats(attempt):
                yield attempt
        except VideoExportError as error:
            count(Metric.FAILURES, 1, phase=phase, code=error.code)
            LOG.warning("%s of %s failed: %s: %s", phase, activity.info().workflow_id, error.code, error)
            may_pass = isinstance(error, StorageUnavailable) or _may_try_again(attempt)
            raise as_application_error(error, try_again=error.retryable and may_pass) from None
        except Exception as error:
            count(Metric.FAILURES, 1, phase=phase, code="Unexpected")
            LOG.exception("%s of %s failed unexpectedly", phase, activity.info().workflow_id)
            raise _as_unexpected(error, try_again=_may_try_again(attempt)) from None
        finally:
            _measure(phase, time.monotonic() - began)


def _failures_before() -> int:
    details = activity.info().heartbeat_details
    return int(details[1]) if len(details) > 1 else 0


def _may_try_again(attempt: Attempt) -> bool:
    """Count a failure; False if it was one too many. The last heartbeat goes with the failure to the next attempt."""
    attempt.failures += 1
    attempt.beat()
    return attempt.failures < MAX_FAILURES


def as_application_error(error: VideoExportError, *, try_again: bool) -> ApplicationError:
    """Build the error that Temporal shows and decides on."""
    delay = next((wait for kind, wait in RETRY_DELAYS.items() if isinstance(error, kind)), None)
    return ApplicationError(
        excerpt(str(error), MESSAGE_LIMIT),
        type=error.code,
        non_retryable=not try_again,
        next_retry_delay=delay,
        # What a retry cannot mend is the request's fault, not the worker's: one line in our log instead of a stack.
        category=ApplicationErrorCategory.UNSPECIFIED if error.retryable else ApplicationErrorCategory.BENIGN,
    )


def _as_unexpected(error: Exception, *, try_again: bool) -> ApplicationError:
    name = type(error).__name__
    return ApplicationError(excerpt(str(error) or name, MESSAGE_LIMIT), type=name, non_retryable=not try_again)


@asynccontextmanager
async def _heartbeats(attempt: Attempt) -> AsyncIterator[None]:
    async def beat() -> None:
        while True:
            attempt.beat()
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
