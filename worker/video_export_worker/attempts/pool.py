"""Children that wait: started ahead, each used once, and let go when nothing has come for a while."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from video_export_worker.attempts.messages import ChildStart, Report, ReportKind
from video_export_worker.attempts.room import Room
from video_export_worker.attempts.spawner import ChildProcess, Spawner, SpawnFailed
from video_export_worker.capacity.limits import WAITING_BYTES

LOG = logging.getLogger(__name__)

READY_TIMEOUT: Final = 60.0  # seconds; a browser that takes longer starts no sooner in a job
IDLE_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Kind:
    """What a child gets ready for.

    Attributes:
        name: of the entry's.
        given: the entry's input, as names and values.
    """

    name: str
    given: tuple[tuple[str, Any], ...] = ()


class ChildPool:
    """Starts children, ahead where it can.

    Args:
        spawner: starts processes.
        room: that waiting children take a part of.
        size: how many wait at most.
    """

    def __init__(self, spawner: Spawner, room: Room, size: int) -> None:
        self._spawner = spawner
        self._room = room
        self._size = size
        self._waiting: dict[asyncio.Task[ChildProcess], Kind] = {}
        self._letting_go: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def prepare(self, kind: Kind) -> None:
        """Let as many children of a kind wait as there is room for; those of other kinds go."""
        for task in [task for task, other in self._waiting.items() if other != kind]:
            self._drop(task)
        while len(self._waiting) < self._size and self._room.try_take(WAITING_BYTES):
            self._waiting[asyncio.create_task(self._start_ahead(kind))] = kind
        self._rest_later()

    async def take(self, kind: Kind) -> ChildProcess:
        """A child of this kind: one that waits or is about to, or a new one.

        Raises:
            SpawnFailed: no process can be started.
        """
        self._rest_later()
        # Looked at anew each time: others take children, too, while this one is waited for.
        while fitting := [task for task, other in self._waiting.items() if other == kind]:
            child = await self._claim(next((task for task in fitting if task.done()), fitting[0]))
            if child is not None:
                return child
        return await self.start(kind)

    async def start(self, kind: Kind) -> ChildProcess:
        """Start a child now, not ready yet. Raises SpawnFailed."""
        folder = Path(tempfile.mkdtemp(prefix="video-export-child-"))  # not in a thread: who is cancelled would lose it
        try:
            return await self._spawner.spawn(ChildStart(kind=kind.name, folder=folder, given=dict(kind.given)))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    async def measure(self) -> list[int]:
        """Bytes that each child takes that waits, once it is ready."""
        return [(await asyncio.shield(task)).tree.memory() for task in list(self._waiting)]

    def make_room(self) -> bool:
        """Let one waiting child go. False if none waits."""
        if not self._waiting:
            return False
        self._drop(next(reversed(self._waiting)))
        return True

    async def close(self) -> None:
        """End all that wait."""
        if self._letting_go is not None:
            self._letting_go.cancel()
        self.let_all_go()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_ahead(self, kind: Kind) -> ChildProcess:
        child = await self.start(kind)
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                line = await child.reader.readline()
            if not line or Report.model_validate_json(line).kind is not ReportKind.READY:
                raise SpawnFailed("a child that shall wait has ended")
        except BaseException:
            await discard(child)
            raise
        return child

    async def _claim(self, task: asyncio.Task[ChildProcess]) -> ChildProcess | None:
        """The child of this task, or None if it did not get ready or has ended meanwhile."""
        self._forget(task)
        try:
            child = await task
        except asyncio.CancelledError:
            self._end_later(task)  # it may have got ready in the same moment
            raise
        except Exception as error:  # noqa: BLE001 - the job starts another one, which says what is wrong
            LOG.warning("a child did not get ready: %s", error)
            return None
        if child.ended.done():
            await discard(child)
            return None
        return child

    def _forget(self, task: asyncio.Task[ChildProcess]) -> None:
        del self._waiting[task]
        self._room.give_back(WAITING_BYTES)

    def _drop(self, task: asyncio.Task[ChildProcess]) -> None:
        self._forget(task)
        self._end_later(task)

    def _end_later(self, task: asyncio.Task[ChildProcess]) -> None:
        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await discard(await task)

        ending = asyncio.create_task(end())
        self._tasks.add(ending)
        ending.add_done_callback(self._tasks.discard)

    def _rest_later(self) -> None:
        if self._letting_go is not None:
            self._letting_go.cancel()
        self._letting_go = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.let_all_go)

    def let_all_go(self) -> None:
        """End all that wait; the next job starts its own."""
        while self.make_room():
            pass


async def discard(child: ChildProcess) -> None:
    """End a child, and remove its folder."""
    await child.end()
    await asyncio.to_thread(shutil.rmtree, child.folder, ignore_errors=True)
