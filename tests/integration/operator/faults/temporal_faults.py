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
