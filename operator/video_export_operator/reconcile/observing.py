"""Observes one resource: what the cluster has for it, what Temporal says, and what its pods say themselves."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.plan import NEVER, RESYNC
from video_export_operator.reconcile.memory import Memory
from video_export_operator.reconcile.pod_probe import PodProbe
from video_export_operator.reconcile.schedule import spread
from video_export_operator.reconcile.secret_turns import SecretTurns
from video_export_operator.reconcile.store import Store
from video_export_operator.reconcile.temporal_poller import TemporalPoller
from video_export_operator.resource import Key, VideoExportWorker


@dataclass(frozen=True)
class Observer:
    """Brings the store and the memory of a resource up to date."""

    cluster: Cluster
    store: Store
    poller: TemporalPoller
    probe: PodProbe
    random: Callable[[], float]
    turns: SecretTurns

    async def observe(self, resource: VideoExportWorker, memory: Memory) -> Memory:
        """Return the memory after asking for all that is due to be asked for.

        Raises:
            ResourceGone: the resource is not there any more.
            OperatorError: the API server could not be read.
        """
        memory = await self._resync(resource, memory)
        snapshot = self.store.snapshot(resource)
        last = replace(memory.poll, open_executions=None, count_refused="")
        poll = await self.poller.poll(resource, last, snapshot.is_at_zero(memory.size), snapshot.at)
        poll = await self.probe.complete(resource, poll, snapshot.pods)
        if memory.count_wanted:
            poll = await self.poller.count_open(resource, poll, snapshot.at)
        turn = await self.turns.take(resource, snapshot.deployment, poll.secrets, snapshot.at)
        return replace(memory, poll=poll, turn=turn, count_wanted=False)

    def forget(self, key: Key) -> None:
        """Forget a resource that is gone."""
        self.poller.budget.want(key, 0.0)
        self.turns.release(key)

    async def find_unserved(self, key: Key, uid: str) -> dict[str, Any] | None:
        """Return a resource that the watch has dropped and that is there all the same: its labels match no more."""
        body = await self.cluster.fetch_resource(key) if uid else None
        is_there = body is not None and body["metadata"]["uid"] == uid and "deletionTimestamp" not in body["metadata"]
        return body if is_there else None

    async def _resync(self, resource: VideoExportWorker, memory: Memory) -> Memory:
        """Read everything again once in a while: a watch that was cut misses what was deleted meanwhile."""
        at, key = time.monotonic(), resource.key
        if at - memory.resynced_at < RESYNC:
            return memory
        await self.cluster.see_resource(key, resource.uid)
        self.store.replace(key, *await self.cluster.read_workers(key))
        # Only the first interval is another: a thousand that were seen together are not read together.
        first = memory.resynced_at == NEVER
        return replace(memory, resynced_at=at - RESYNC + spread(RESYNC, self.random) if first else at)
