"""Asks Temporal what waits on task queues and what their workers do, over one connection for each endpoint."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from video_export_operator.scaling import QueueState
from video_export_operator.temporal_queue.endpoint import Endpoint, connect
from video_export_operator.temporal_queue.question import TIMEOUT, Question
from video_export_operator.temporal_queue.refusals import WITHOUT_REASON, translate

CALLS_AT_ONCE = 64
"""Calls under way on one connection: a Temporal that hangs delays only the resources that use it."""
UNUSED = 600.0
"""Seconds after which a connection that nobody used is dropped, for example one of an old API key."""
TRIES = 3
"""A server that refuses a client's certificate says so four times in five, and else just closes the connection."""

Answer = TypeVar("Answer")


@dataclass
class _Connection:
    """A lazily connected client and its use."""

    client: Client
    calls: asyncio.Semaphore
    used: float


class TemporalQueues:
    """All the queues that the operator asks about, over one connection for each endpoint."""

    def __init__(self) -> None:
        self._connections: dict[Endpoint, _Connection] = {}

    async def fetch_state(
        self, endpoint: Endpoint, queue: str, at: float, before: QueueState | None, with_workers: bool
    ) -> QueueState:
        """Return what waits and what the workers do.

        Args:
            endpoint: where to ask.
            queue: name of the task queue.
            at: the time of this observation, in seconds of the caller's monotonic clock.
            before: an earlier answer, whose activities are taken over: then only workflow tasks are asked for,
                which is where new exports show.
            with_workers: ask what the workers do as well.

        Raises:
            TemporalUnavailable: it did not answer, or refused to.
        """

        async def ask(client: Client) -> QueueState:
            return await Question(client, queue, at).ask(before, with_workers)

        return await self._call(endpoint, at, ask)

    async def count_open(self, endpoint: Endpoint, queue: str, at: float) -> int:
        """Return the number of workflows of the queue that are not finished.

        Raises:
            TemporalUnavailable: it did not answer, or refused to.
        """

        async def count(client: Client) -> int:
            return await Question(client, queue, at).count_open()

        return await self._call(endpoint, at, count)

    async def _call(self, endpoint: Endpoint, at: float, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Return an answer, or raise what went wrong in the operator's terms."""
        try:
            connection = await self._connection(endpoint, at)
            async with connection.calls, asyncio.timeout(TIMEOUT):
                return await _insist(connection.client, ask)
        except (RPCError, RuntimeError, ValueError, TimeoutError) as error:
            raise translate(error, endpoint.tls, TIMEOUT) from error

    async def _connection(self, endpoint: Endpoint, at: float) -> _Connection:
        """Return the connection to an endpoint, and drop those that nobody uses."""
        connection = self._connections.get(endpoint)
        if connection is None:
            client = await connect(endpoint, TIMEOUT)
            kept = {key: value for key, value in self._connections.items() if at - value.used < UNUSED}
            connection = kept.setdefault(endpoint, _Connection(client, asyncio.Semaphore(CALLS_AT_ONCE), at))
            self._connections = kept
        connection.used = at
        return connection


async def _insist(client: Client, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
    """Ask again where the connection was closed without a word: the next time the server may say why."""
    for _ in range(TRIES - 1):
        try:
            return await ask(client)
        except RuntimeError as error:
            if not WITHOUT_REASON.search(str(error)):
                raise
    return await ask(client)
