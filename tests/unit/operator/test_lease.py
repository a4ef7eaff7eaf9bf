"""The elector against a Lease in memory, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import Any

import looptime

from video_export_operator.errors import ApiUnavailable, Conflict
from video_export_operator.lease import Elector, Timing

TIMING = Timing()


class Leases:
    """One Lease as the API server keeps it: a write with an old version is refused."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.version = 0
        self.cut_off: set[str] = set()
        self.frozen = asyncio.Event()
        self.frozen.set()

    def seen_by(self, who: str) -> LeasesOf:
        return LeasesOf(self, who)


class LeasesOf:
    """The Lease as one replica reaches it."""

    def __init__(self, leases: Leases, who: str) -> None:
        self._leases = leases
        self._who = who

    async def _reach(self) -> None:
        await self._leases.frozen.wait()
        if self._who in self._leases.cut_off:
            raise ApiUnavailable("refused")

    async def fetch_lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        await self._reach()
        return copy.deepcopy(self._leases.lease)

    async def write_lease(self, lease: dict[str, Any], timeout: float) -> dict[str, Any]:
        await self._reach()
        known = self._leases.lease["metadata"]["resourceVersion"] if self._leases.lease else None
        if lease["metadata"].get("resourceVersion") != known:
            raise Conflict("changed")
        self._leases.version += 1
        kept = copy.deepcopy(lease)
        kept["metadata"]["resourceVersion"] = str(self._leases.version)
        self._leases.lease = kept
        return kept


class Replica:
    def __init__(self, leases: Leases, name: str) -> None:
        self.name = name
        clock = asyncio.get_running_loop().time
        self.elector = Elector(leases.seen_by(name), "ns", "lease", name, TIMING, clock)
        self.task = asyncio.create_task(self.elector.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


Scenario = Callable[[Leases], Coroutine[Any, Any, None]]


def play(scenario: Scenario) -> None:
    """Run a scenario in a loop whose time passes as fast as nothing happens."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(start=0)) as runner:
        runner.run(_within(scenario))


async def _within(scenario: Scenario) -> None:
    await scenario(Leases())


async def leader_after(seconds: float, *replicas: Replica) -> list[str]:
    """Let time pass in small steps and return who leads then; two must never lead at once."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        await asyncio.sleep(0.25)
        leading = [replica.name for replica in replicas if replica.elector.is_leading]
        assert len(leading) <= 1, f"{leading} lead at {loop.time()}"
    return leading


def test_one_leads_and_stays() -> None:
    async def scenario(leases: Leases) -> None:
        first, second = Replica(leases, "first"), Replica(leases, "second")
        assert await leader_after(120, first, second) == ["first"]

    play(scenario)


def test_a_killed_leader_is_followed_within_fifteen_seconds() -> None:
    async def scenario(leases: Leases) -> None:
        first, second = Replica(leases, "first"), Replica(leases, "second")
        await leader_after(11, first, second)
        leases.cut_off.add("first")  # it cannot even let the Lease go
        await first.stop()
        assert await leader_after(15, second) == ["second"]

    play(scenario)


def test_a_leader_that_ends_lets_go_at_once() -> None:
    async def scenario(leases: Leases) -> None:
        first, second = Replica(leases, "first"), Replica(leases, "second")
        await leader_after(11, first, second)
        await first.stop()
        assert leases.lease is not None
        assert leases.lease["spec"]["holderIdentity"] == ""
        assert await leader_after(TIMING.retry + 0.25, second) == ["second"]

    play(scenario)


def test_a_leader_that_is_cut_off_stops_before_the_next_begins() -> None:
    async def scenario(leases: Leases) -> None:
        first, second = Replica(leases, "first"), Replica(leases, "second")
        await leader_after(11, first, second)
        leases.cut_off.add("first")
        assert await leader_after(TIMING.renew_deadline + 0.5, first, second) == []
        assert await leader_after(8, first, second) == ["second"]
        leases.cut_off.clear()
        assert await leader_after(30, first, second) == ["second"]

    play(scenario)


def test_nobody_leads_while_the_api_server_is_frozen() -> None:
    async def scenario(leases: Leases) -> None:
        first, second = Replica(leases, "first"), Replica(leases, "second")
        await leader_after(11, first, second)
        leases.frozen.clear()
        assert await leader_after(60, first, second) == []
        leases.frozen.set()
        assert len(await leader_after(15, first, second)) == 1

    play(scenario)


def test_transitions_are_counted_and_renewals_keep_the_time_of_acquiring() -> None:
    async def scenario(leases: Leases) -> None:
        first = Replica(leases, "first")
        await leader_after(1, first)
        assert leases.lease is not None
        acquired = leases.lease["spec"]["acquireTime"]
        await leader_after(10, first)
        assert leases.lease["spec"]["acquireTime"] == acquired
        assert leases.lease["spec"]["leaseTransitions"] == 0
        await first.stop()
        await leader_after(5, Replica(leases, "second"))
        assert leases.lease["spec"]["holderIdentity"] == "second"

    play(scenario)
