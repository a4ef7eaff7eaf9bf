"""Faults of Temporal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import grpc

from tests.integration.operator.faults.story import Bites, Fault, Story, World, endure, telling
from tests.integration.operator.faults.temporal_proxy import TemporalProxy, serving_temporal_proxy
from tests.servers import TemporalServer, running_temporal

Run = Callable[[World, str], Awaitable[None]]

OwnFault = Callable[[Story, TemporalServer], AbstractAsyncContextManager[Bites]]


@asynccontextmanager
async def refused(story: Story, server: TemporalServer) -> AsyncIterator[Bites]:
    """End the process; its data stays."""
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    yield partial(story.told, "TemporalReachable", "False", "Unavailable")
    await asyncio.to_thread(server.start)


@asynccontextmanager
async def frozen(story: Story, server: TemporalServer) -> AsyncIterator[Bites]:
    """Stop the process where it is: connections stay open."""
    server.freeze()
    yield partial(story.told, "TemporalReachable", "False", "TimedOut")
    server.thaw()


@asynccontextmanager
async def restarted(story: Story, server: TemporalServer) -> AsyncIterator[Bites]:
    """End the process and start it again: it knows no worker any more."""
    await asyncio.to_thread(server.stop, signal.SIGKILL)
    await asyncio.to_thread(server.start)

    async def nothing() -> None:
        """How soon the workers report again is theirs to say."""

    yield nothing


def with_own_server(fault: OwnFault) -> Run:
    """Tell a story whose Temporal server is its own."""

    def make(story: Story) -> AbstractAsyncContextManager[Bites]:
        return fault(story, servers[story.name])

    servers: dict[str, TemporalServer] = {}

    async def run(world: World, name: str) -> None:
        folder = world.folder / f"temporal-{name}"
        await asyncio.to_thread(folder.mkdir)
        running = running_temporal(folder, database=folder / "database")
        server = servers[name] = await asyncio.to_thread(running.__enter__)
        try:
            async with telling(world, name, server.address) as story:
                await endure(story, make)
        finally:
            server.thaw()
            await asyncio.to_thread(running.__exit__, None, None, None)

    return run


def answering(code: grpc.StatusCode, message: str, reason: str) -> Run:
    """Tell a story whose Temporal answers with an error for a while."""

    async def run(world: World, name: str) -> None:
        async with (
            serving_temporal_proxy(world.temporal) as proxy,
            telling(world, name, proxy.address, world.temporal) as story,
        ):
            await endure(story, _refusing(proxy, code, message, reason))

    return run


def _refusing(proxy: TemporalProxy, code: grpc.StatusCode, message: str, reason: str) -> Fault:
    @asynccontextmanager
    async def fault(story: Story) -> AsyncIterator[Bites]:
        with proxy.refusing(code, message):
            yield partial(story.told, "TemporalReachable", "False", reason)

    return fault


async def is_rate_limited(world: World, name: str) -> None:
    """Tell a story whose Temporal refuses every call as one too many, and is left alone."""
    async with _through_proxy(world, name) as (story, proxy):

        @asynccontextmanager
        async def fault(story: Story) -> AsyncIterator[Bites]:
            with proxy.refusing(LIMITED, TOO_MANY):
                yield partial(story.told, "TemporalReachable", "False", "RateLimited")

        await endure(story, fault)
        assert proxy.refused <= 3, f"{name}: asked {proxy.refused} times while it said that it was too often"


async def lists_no_workers(world: World, name: str) -> None:
    """Tell a story whose Temporal says what waits, but not what the workers do."""
    async with _through_proxy(world, name) as (story, proxy):

        @asynccontextmanager
        async def fault(story: Story) -> AsyncIterator[Bites]:
            with proxy.refusing(LIMITED, TOO_MANY, ["ListWorkers"]):
                yield partial(_takes_nothing, story)

        await endure(story, fault)


async def _takes_nothing(story: Story) -> None:
    """Wait until the refusal is told, and see that no pod was taken."""
    told = await story.told("TemporalReachable", "True", "HeartbeatsRefused")
    assert TOO_MANY in told["message"]
    assert story.size == 2, f"{story.name}: a pod was taken of which nobody knows what it does"


async def counts_nothing(world: World, name: str) -> None:
    """Tell a story whose Temporal does not say how many executions are open."""
    async with _through_proxy(world, name) as (story, proxy):
        await story.begin()
        await story.ask_for_fewer()
        await story.converge()
        with proxy.refusing(LIMITED, TOO_MANY, ["CountWorkflowExecutions"]):
            await story.release()
            told = await story.told("ScalingLimited", "True", "OpenExecutionsUnknown")
            assert TOO_MANY in told["message"]
            assert story.size == 1
        await story.wait_size(0)
        await story.told("ScalingLimited", "False", "WithinLimits")


async def is_too_old(world: World, name: str) -> None:
    """Tell a story whose Temporal is one that says nothing of what waits."""
    async with _through_proxy(world, name) as (story, proxy):

        @asynccontextmanager
        async def fault(story: Story) -> AsyncIterator[Bites]:
            proxy.is_old = True
            yield partial(story.told, "TemporalReachable", "False", "Unsupported")
            assert "upgrade it to 1.28 or later" in story.condition("TemporalReachable")["message"]
            proxy.is_old = False

        await endure(story, fault)


LIMITED, TOO_MANY = grpc.StatusCode.RESOURCE_EXHAUSTED, "namespace rate limit exceeded"


@asynccontextmanager
async def _through_proxy(world: World, name: str) -> AsyncIterator[tuple[Story, TemporalProxy]]:
    """Give a case its story, and a way to Temporal of its own."""
    async with (
        serving_temporal_proxy(world.temporal) as proxy,
        telling(world, name, proxy.address, world.temporal) as story,
    ):
        yield story, proxy
