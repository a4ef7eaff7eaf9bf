"""Runs one job in one child: talks to it, watches what it takes, and ends it with everything that belongs to it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from video_export_worker.attempts.excerpts import excerpt
from video_export_worker.attempts.messages import MESSAGE_LIMIT, Job, Report, ReportKind
from video_export_worker.attempts.spawner import ChildProcess
from video_export_worker.attempts.verdicts import Cause, Death, judge_exit
from video_export_worker.errors import (
    ERROR_CODES,
    ProcessDied,
    RecordingTooHeavy,
    RendererDiffers,
    StorageDenied,
    StorageUnavailable,
)

# What only a worker can tell: a child that says so has been taken over, and would be tried again for hours.
OF_WORKERS: Final = (ProcessDied, RecordingTooHeavy, RendererDiffers, StorageDenied, StorageUnavailable)
CHILD_ERRORS: Final = {code: error for code, error in ERROR_CODES.items() if error not in OF_WORKERS}
WATCH_INTERVAL: Final = 0.05  # seconds; a process fills some 100 MB in them
STATUS_TIMEOUT: Final = 2.0  # until the fork server tells how a child has ended whose connection is closed

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class JobLimits:
    """What a job may take.

    Attributes:
        bytes: of memory, all processes together.
        seconds: of time.
    """

    bytes: int
    seconds: float


class ChildDied(Exception):
    """The child ended, or was ended, without a result."""

    def __init__(self, death: Death) -> None:
        super().__init__(str(death))
        self.death = death


class ChildDefect(RuntimeError):
    """The job raised what nobody expected; the message is the end of the child's stack."""


class RunningJob:
    """A job in its child.

    Args:
        child: which has nothing else to do.
        limits: of memory and time.
        on_progress: called with how far it is.
    """

    def __init__(self, child: ChildProcess, limits: JobLimits, on_progress: Progress) -> None:
        self._child = child
        self._limits = limits
        self._on_progress = on_progress
        self._began = time.monotonic()
        self._reached = (0, 0)
        self._taken = 0
        self.peak = 0  # bytes

    async def run(self, job: Job) -> Any:
        """Do the job; the caller ends the child, however it went.

        Raises:
            VideoExportError: of the kind that the job raised.
            ChildDied: it took too much, or ended by itself.
            ChildDefect: something else.
        """
        talking = asyncio.create_task(self._talk(job))
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({talking, watching}, timeout=self._limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                return talking.result()
            raise ChildDied(self._death(Cause.MEMORY if watching.done() else Cause.TIME))
        finally:
            for task in (talking, watching):
                task.cancel()
            await asyncio.gather(talking, watching, return_exceptions=True)

    async def _talk(self, job: Job) -> Any:
        with contextlib.suppress(ConnectionError):
            self._child.writer.write(job.model_dump_json().encode() + b"\n")
            await self._child.writer.drain()
        while (report := await self._next_report()) is not None:
            match report.kind:
                case ReportKind.PROGRESS:
                    self._reached = report.done, report.total
                    self._on_progress(report.done, report.total)
                case ReportKind.RESULT:
                    return report.result
                case ReportKind.FAILURE if report.code in CHILD_ERRORS:
                    raise CHILD_ERRORS[report.code](excerpt(report.message, MESSAGE_LIMIT))
                case ReportKind.FAILURE | ReportKind.DEFECT:
                    raise ChildDefect(excerpt(report.message, MESSAGE_LIMIT))
        raise ChildDied(await self._find_end())

    async def _next_report(self) -> Report | None:
        """What the child says next, or None if it will say nothing more."""
        try:
            line = await self._child.reader.readline()
            return Report.model_validate_json(line) if line else None
        except ConnectionError:
            return None
        except (ValidationError, ValueError) as error:  # ValueError: a line beyond the limit
            raise ChildDefect(f"a child said what is no report: {str(error)[:500]}") from None

    async def _find_end(self) -> Death:
        code: int | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STATUS_TIMEOUT):
                code = await asyncio.shield(self._child.ended)
        return judge_exit(code, self._taken, self._limits.bytes, self._seconds, *self._reached)

    async def _watch(self) -> None:
        """Return when the processes take more memory than they may."""
        while True:
            self._taken = self._child.tree.memory(self._limits.bytes)
            self.peak = max(self.peak, self._taken)
            if self._taken > self._limits.bytes:
                return
            await asyncio.sleep(WATCH_INTERVAL)

    def _death(self, cause: Cause) -> Death:
        return Death(cause, self._taken, self._limits.bytes, self._seconds, "", *self._reached)

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began
