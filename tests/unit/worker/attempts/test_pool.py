"""Children that wait are given out once each, whatever happens to them meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

from video_export_worker.attempts.messages import ChildStart, Report, ReportKind
from video_export_worker.attempts.pool import ChildPool, Kind
from video_export_worker.attempts.room import Room
from video_export_worker.capacity.limits import WAITING_BYTES

KIND = Kind("browser")
ENDED = b""
READY = Report(kind=ReportKind.READY).model_dump_json().encode() + b"\n"


class _Child:
    """Says one line when it is told to."""

    def __init__(self, start: ChildStart) -> None:
        self.folder = start.folder
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self.line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.reader = self
        self.is_gone = False

    async def readline(self) -> bytes:
        return await self.line

    async def end(self) -> None:
        self.is_gone = True


class _Spawner:
    def __init__(self) -> None:
        self.children: list[_Child] = []

    async def spawn(self, start: ChildStart) -> Any:
        self.children.append(_Child(start))
        return self.children[-1]


def pool_of(spawner: Any, size: int) -> ChildPool:
    return ChildPool(spawner, Room(10 * WAITING_BYTES), size)


async def test_a_child_that_does_not_get_ready_leaves_the_others_to_whom_they_were_given() -> None:
    spawner = _Spawner()
    pool = pool_of(spawner, 2)
    pool.prepare(KIND)
    await asyncio.sleep(0)
    first, second = spawner.children
    taking = [asyncio.create_task(pool.take(KIND)) for _ in range(2)]
    await asyncio.sleep(0)
    second.line.set_result(READY)
    first.line.set_result(ENDED)
    taken: list[Any] = await asyncio.gather(*taking)
    assert second in taken
    assert len(set(taken)) == 2, "each has one of its own"
    assert first.is_gone
    await pool.close()


async def test_a_child_that_gets_ready_as_its_job_is_cancelled_ends() -> None:
    spawner = _Spawner()
    pool = pool_of(spawner, 1)
    pool.prepare(KIND)
    await asyncio.sleep(0)
    [child] = spawner.children
    [task] = pool._waiting
    taking = asyncio.create_task(pool.take(KIND))
    task.add_done_callback(lambda _: taking.cancel())
    await asyncio.sleep(0)
    child.line.set_result(READY)
    await asyncio.gather(taking, return_exceptions=True)
    assert taking.cancelled()
    await pool.close()
    assert child.is_gone
    assert not child.folder.exists()
