"""Attempts of a worker, from the outside: a job, what it is expected to need, and its result.

run -> wait for room -> take a child that waits, or start one -> talk and watch -> end all of its processes
                                    \\-> when it has begun: start its successor, which waits
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

from video_export_worker.attempts.messages import Job
from video_export_worker.attempts.pool import ChildPool, Kind, discard
from video_export_worker.attempts.room import Room
from video_export_worker.attempts.running import JobLimits, Progress, RunningJob
from video_export_worker.attempts.spawner import Spawner
from video_export_worker.capacity.limits import Capacity, grant

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Need:
    """What a job asks for.

    Attributes:
        kind: of the child.
        bytes: of memory that it is expected to take.
        seconds: that it may take.
        successor: the kind of child that shall wait when this one has begun; None leaves those that wait.
    """

    kind: Kind
    bytes: int
    seconds: float
    successor: Kind | None = None


class AttemptRunner:
    """Runs jobs in children; as a context it owns all of their processes.

    Args:
        capacity: of this worker.
        spawner: starts the processes.
        waiting: the kind of child that waits from the beginning; None if none shall.
    """

    def __init__(self, capacity: Capacity, spawner: Spawner, waiting: Kind | None = None) -> None:
        self.capacity = capacity
        self._spawner = spawner
        self._room = Room(capacity.room)
        self._pool = ChildPool(spawner, self._room, capacity.slots)
        self._first = waiting
        self.running = 0  # jobs

    async def __aenter__(self) -> Self:
        await self._spawner.__aenter__()
        if self._first is not None:
            self._pool.prepare(self._first)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._pool.close()
        await self._spawner.__aexit__(*exception)

    def rest(self) -> None:
        """Let the children go that wait."""
        self._pool.let_all_go()

    async def measure_waiting(self) -> list[int]:
        """Bytes that each child takes that waits, once it is ready."""
        return await self._pool.measure()

    async def run(self, job: Job, need: Need, on_progress: Progress = lambda done, total: None) -> Any:
        """Run a job in a child, which ends with it however it went; a cancelled one too.

        Raises:
            VideoExportError: of the kind that the job raised.
            ChildDied: the child took too much, or ended by itself.
            ChildDefect: the job raised what nobody expected.
            SpawnFailed: no process can be started.
        """
        granted = grant(self.capacity, need.bytes)
        begun = False

        def on_report(done: int, total: int) -> None:
            nonlocal begun
            if not begun and need.successor is not None:
                self._pool.prepare(need.successor)
            begun = True
            on_progress(done, total)

        async with self._enter(granted):
            child = await self._pool.take(need.kind)
            self.running += 1
            running = RunningJob(child, JobLimits(granted, need.seconds), on_report)
            try:
                return await running.run(job)
            finally:
                self.running -= 1
                LOG.debug("%s took %d MiB of %d", job.name, running.peak >> 20, granted >> 20)
                await discard(child)

    @contextlib.asynccontextmanager
    async def _enter(self, size: int) -> AsyncIterator[None]:
        """Hold so much memory; children that wait make room for it."""
        await self._room.take(size, self._pool.make_room)
        try:
            yield
        finally:
            self._room.give_back(size)
