"""Asks Temporal what waits on task queues and what their workers do, over one connection for each endpoint."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from temporalio.client import Client
from temporalio.service import RPCError

from video_export_operator.errors import RateLimited, TemporalUnavailable
from video_export_operator.scaling import QueueState, VersionWork
from video_export_operator.temporal_queue.back_off import BackOff, Quota
from video_export_operator.temporal_queue.calls import TIMEOUT
from video_export_operator.temporal_queue.endpoint import Endpoint, connect
from video_export_operator.temporal_queue.question import Question
from video_export_operator.temporal_queue.refusals import WITHOUT_REASON, translate
from video_export_operator.temporal_queue.versions import fetch_versions
from video_export_operator.temporal_queue.worker_list import WorkerList

log = logging.getLogger(__name__)

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
    workers: WorkerList
    calls: asyncio.Semaphore
    used: float


class TemporalQueues:
    """All the queues that the operator asks about, over one connection for each endpoint."""

    def __init__(self) -> None:
        self._connections: dict[Endpoint, _Connection] = {}
        self._pauses: dict[tuple[str, str], BackOff] = {}

    async def fetch_state(
        self, endpoint: Endpoint, queue: str, at: float, before: QueueState | None, with_workers: bool
    ) -> QueueState:
        """Return what waits and what the workers do.

        A refusal to list the workers is part of the answer (`workers_refused`): the size may grow without them.

        Args:
            endpoint: where to ask.
            queue: name of the task queue.
            at: the time of this observation, in seconds of the caller's monotonic clock.
            before: an earlier answer, whose activities are taken over: then only workflow tasks are asked for,
                which is where new exports show.
            with_workers: ask what the workers do as well.

        Raises:
            TemporalUnavailable: it did not say what waits.
        """

        async def ask(connection: _Connection) -> QueueState:
            return await Question(connection.client, queue, at).ask(before)

        state = await self._call(endpoint, at, Quota.STATISTICS, ask)
        if before is not None:
            return state
        state = await self._with_workers(endpoint, queue, state) if with_workers else state
        return await self._with_versions(endpoint, queue, state)

    async def count_open(self, endpoint: Endpoint, queue: str, at: float) -> int:
        """Return the number of workflows of the queue that are not finished.

        Raises:
            TemporalUnavailable: it did not answer, or refused to.
        """

        async def count(connection: _Connection) -> int:
            return await Question(connection.client, queue, at).count_open()

        return await self._call(endpoint, at, Quota.VISIBILITY, count)

    async def _with_workers(self, endpoint: Endpoint, queue: str, state: QueueState) -> QueueState:
        """Return the answer with what the workers do, or with why Temporal does not say."""

        async def fetch(connection: _Connection) -> QueueState:
            return replace(state, workers=await connection.workers.fetch_reports(queue, state.at))

        try:
            return await self._call(endpoint, state.at, Quota.WORKERS, fetch)
        except TemporalUnavailable as error:
            return replace(state, workers_refused=f"{error.reason}: {error}")

    async def _with_versions(self, endpoint: Endpoint, queue: str, state: QueueState) -> QueueState:
        """Return the answer with the versions that have open work, where tasks wait or workers are of several versions.

        Where Temporal does not say it, every version that runs may have some.
        """
        running = sorted({report.version for report in state.workers.values() if report.version})
        if not state.deployments or not (state.waiting or len(running) > 1):
            return state

        async def fetch(connection: _Connection) -> QueueState:
            with_tasks = state.waiting > 0
            versions = await fetch_versions(connection.client, queue, state.deployments, with_tasks)
            return replace(state, versions=versions)

        try:
            return await self._call(endpoint, state.at, Quota.VERSIONS, fetch)
        except TemporalUnavailable as error:
            # How much waits is known already, and what waits for which version only explains it.
            log.debug("%s: the versions with open work are not known: %s", queue, error)
            return replace(state, versions=tuple(VersionWork(each, is_draining=True) for each in running))

    async def _call(
        self, endpoint: Endpoint, at: float, quota: Quota, ask: Callable[[_Connection], Awaitable[Answer]]
    ) -> Answer:
        """Return an answer, or raise what went wrong in the operator's terms."""
        pauses = self._pauses.setdefault((endpoint.address, endpoint.namespace), BackOff(random.random))
        pauses.check(quota, at)
        try:
            connection = await self._connection(endpoint, at)
            async with connection.calls, asyncio.timeout(TIMEOUT):
                answer = await _insist(connection, ask)
        except (RPCError, RuntimeError, ValueError, TimeoutError) as error:
            problem = translate(error, endpoint.tls, TIMEOUT)
            if isinstance(problem, RateLimited):
                pauses.refused(quota, at, str(problem))
            raise problem from error
        pauses.answered(quota)
        return answer

    async def _connection(self, endpoint: Endpoint, at: float) -> _Connection:
        """Return the connection to an endpoint, and drop those that nobody uses."""
        connection = self._connections.get(endpoint)
        if connection is None:
            client = await connect(endpoint, TIMEOUT)
            kept = {key: value for key, value in self._connections.items() if at - value.used < UNUSED}
            new = _Connection(client, WorkerList(client), asyncio.Semaphore(CALLS_AT_ONCE), at)
            connection = kept.setdefault(endpoint, new)
            self._connections = kept
        connection.used = at
        return connection


async def _insist(connection: _Connection, ask: Callable[[_Connection], Awaitable[Answer]]) -> Answer:
    """Ask again where the connection was closed without a word: the next time the server may say why."""
    for _ in range(TRIES - 1):
        try:
            return await ask(connection)
        except RuntimeError as error:
            if not WITHOUT_REASON.search(str(error)):
                raise
    return await ask(connection)
