"""A child's side: it gets ready, waits for its one job, does it, and says how it went.

It ends by itself when the worker closes the connection, whatever it does then: nobody waits for its result any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from video_export_worker.attempts.excerpts import excerpt
from video_export_worker.attempts.messages import LINE_LIMIT, MESSAGE_LIMIT, Job, Report, ReportKind
from video_export_worker.errors import VideoExportError

PROGRESS_INTERVAL: Final = 0.1  # seconds between two reports of progress

Ready = TypeVar("Ready")
Progress = Callable[[int, int], None]
Perform = Callable[[Job, Ready, Progress], Awaitable[Any]]


class Reporter:
    """Tells the worker."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._told = 0.0

    def tell(self, report: Report) -> None:
        """Send a report."""
        self._writer.write(report.model_dump_json(exclude_defaults=True).encode() + b"\n")

    def progress(self, done: int, total: int) -> None:
        """Send how far the job is, now and then and at its end."""
        now = time.monotonic()
        if done == total or now - self._told >= PROGRESS_INTERVAL:
            self._told = now
            self.tell(Report(kind=ReportKind.PROGRESS, done=done, total=total))

    async def flush(self) -> None:
        """Wait until all is sent."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()


async def serve_one_job(
    connection: socket.socket, prepared: contextlib.AbstractAsyncContextManager[Ready], perform: Perform[Ready]
) -> None:
    """Get ready, do the one job that comes, and report it.

    Args:
        connection: with the worker.
        prepared: what the job will find ready; it is left when the job is done.
        perform: does the job; its result is what JSON can hold.
    """
    reader, writer = await asyncio.open_connection(sock=connection, limit=LINE_LIMIT)
    reporter = Reporter(writer)
    async with prepared as ready:
        reporter.tell(Report(kind=ReportKind.READY))
        line = b""
        with contextlib.suppress(ConnectionError):  # the worker has ended this child, or itself
            line = await reader.readline()
        if not line:
            return
        job = Job.model_validate_json(line)
        working = asyncio.create_task(_report(perform(job, ready, reporter.progress)))
        given_up = asyncio.create_task(reader.read())
        await asyncio.wait({working, given_up}, return_when=asyncio.FIRST_COMPLETED)
        given_up.cancel()
        if not working.done():
            working.cancel()
            return
        reporter.tell(working.result())
        await reporter.flush()


async def _report(work: Awaitable[Any]) -> Report:
    try:
        return Report(kind=ReportKind.RESULT, result=await work)
    except VideoExportError as error:
        return Report(kind=ReportKind.FAILURE, code=error.code, message=excerpt(str(error), MESSAGE_LIMIT))
    except Exception:  # noqa: BLE001 - it is told with its stack, and raised there
        return Report(kind=ReportKind.DEFECT, message=excerpt(traceback.format_exc(), MESSAGE_LIMIT))
