"""The heartbeats of one Temporal namespace, listed once for all queues that are asked about at about the same time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from temporalio.api.worker.v1 import WorkerHeartbeat
from temporalio.api.workflowservice.v1 import ListWorkersRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue.calls import call_options
from video_export_operator.temporal_queue.heartbeats import report_by_pod

SHARED = 5.0
"""Seconds for which one list serves everybody. A resource alone asks at least 6 s apart, so its list is always new."""
WANTED = 300.0
"""Seconds for which a queue that was asked about is part of the list."""
NAMED = 25
"""Queues that a query names; with more the whole namespace is listed."""
PAGE = 1000


@dataclass(frozen=True)
class _Listing:
    """The answer to one ListWorkers."""

    at: float
    queues: frozenset[str]
    beats: Mapping[str, list[WorkerHeartbeat]]


class WorkerList:
    """Lists the workers of a namespace over one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._wanted: dict[str, float] = {}
        self._listing: _Listing | None = None
        self._lock = asyncio.Lock()

    def knows(self, queue: str, at: float) -> bool:
        """Return whether the last list answers for a queue."""
        last = self._listing
        return last is not None and queue in last.queues and at - last.at < SHARED

    async def fetch_reports(self, queue: str, at: float) -> Mapping[str, WorkerReport]:
        """Return what the workers of a queue do, by pod; a server that cannot list workers knows none.

        Args:
            queue: the task queue.
            at: now, in seconds of the caller's monotonic clock.
        """
        self._wanted[queue] = at
        async with self._lock:
            if not self.knows(queue, at):
                self._listing = await self._list(at)
        listing = self._listing
        assert listing is not None, "listed above"
        return report_by_pod(listing.beats.get(queue, ()), listing.at)

    async def _list(self, at: float) -> _Listing:
        """List the workers of all queues that are wanted."""
        self._wanted = {queue: when for queue, when in self._wanted.items() if at - when < WANTED}
        queues = frozenset(self._wanted)
        beats: dict[str, list[WorkerHeartbeat]] = {}
        token = b""
        while True:
            request = ListWorkersRequest(
                namespace=self._client.namespace, page_size=PAGE, next_page_token=token, query=build_query(queues)
            )
            try:
                answer = await self._client.workflow_service.list_workers(request, **call_options())
            except RPCError as error:
                if error.status is RPCStatusCode.UNIMPLEMENTED:
                    return _Listing(at, queues, {})
                raise
            for info in answer.workers_info:
                beats.setdefault(info.worker_heartbeat.task_queue, []).append(info.worker_heartbeat)
            token = answer.next_page_token
            if not token:
                return _Listing(at, queues, beats)


def build_query(queues: frozenset[str]) -> str:
    """Return the query for the workers of some queues; empty for all of the namespace.

    The query language of ListWorkers knows OR but no IN, and no way to write a quote.
    """
    if len(queues) > NAMED or any("'" in queue or "\\" in queue for queue in queues):
        return ""
    return " OR ".join(f"TaskQueue='{queue}'" for queue in sorted(queues))
