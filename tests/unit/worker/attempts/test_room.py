"""Memory is shared out in the order of asking."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from video_export_worker.attempts.room import Room


async def test_who_asks_for_more_than_is_left_waits_and_nobody_overtakes() -> None:
    room = Room(100)
    await room.take(60)
    large, small = asyncio.ensure_future(room.take(80)), asyncio.ensure_future(room.take(10))
    await asyncio.sleep(0)
    assert not room.try_take(1), "what is left belongs to those who wait"
    room.give_back(60)
    await asyncio.gather(large, small)
    assert room.free == 10


async def test_who_asks_for_more_than_there_is_gets_all_of_it() -> None:
    room = Room(100)
    await room.take(1000)
    assert room.free == 0
    room.give_back(1000)
    assert room.free == 100


async def test_what_can_wait_makes_room() -> None:
    room, waiting = Room(100), [30, 30, 30]
    await room.take(90)

    def make_room() -> bool:
        if waiting:
            room.give_back(waiting.pop())
            return True
        return False

    await room.take(60, make_room)
    assert (len(waiting), room.free) == (1, 10), "no more makes room than is needed"


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    room = Room(100)
    await room.take(60)
    large, small = asyncio.ensure_future(room.take(80)), asyncio.ensure_future(room.take(10))
    await asyncio.sleep(0)
    large.cancel()
    await small
    assert room.free == 30


async def test_who_is_cancelled_as_the_turn_comes_gives_it_back() -> None:
    room = Room(100)
    await room.take(100)
    waiting = asyncio.ensure_future(room.take(50))
    await asyncio.sleep(0)
    room.give_back(100)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert room.free == 100


@given(st.lists(st.tuples(st.integers(1, 150), st.booleans()), max_size=30))
def test_never_more_than_there_is_and_nobody_is_forgotten(asked: list[tuple[int, bool]]) -> None:
    async def run() -> None:
        room, held = Room(100), 0

        async def work(size: int) -> None:
            nonlocal held
            await room.take(size)
            held += min(size, 100)
            assert held <= 100
            try:
                await asyncio.sleep(0)
            finally:
                held -= min(size, 100)
                room.give_back(size)

        tasks = []
        for size, cancelled in asked:
            tasks.append(asyncio.ensure_future(work(size)))
            await asyncio.sleep(0)
            if cancelled:
                tasks[-1].cancel()
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [outcome for outcome in outcomes if isinstance(outcome, AssertionError)] == []

    asyncio.run(run())
