"""Which operator serves a resource: the first that claims it, until its Lease runs out.

A claim names the Lease by which the replicas of an operator elect their leader. That Lease is renewed all the time, so
a claim is written once and never renewed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import Forbidden
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key

STALE = 30.0
"""Seconds without a renewal after which a Lease has run out; a leader renews its own every two."""
PAUSE = 5.0
"""Seconds between two looks at the Lease of another operator."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class _Seen:
    """What was last seen of a Lease, and when it had changed, by our own clock."""

    version: str
    changed_at: float
    looked_at: float
    is_held: bool


class Claims:
    """Claims resources for one operator.

    Args:
        cluster: to read Leases and to write claims.
        store: to feed with what was written.
        lease: of this operator, as namespace/name; None makes no claims and respects those of others.
        clock: monotonic, in seconds.
    """

    def __init__(
        self, cluster: Cluster, store: Store, lease: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._lease = lease
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def find_holder(self, key: Key, body: Json) -> str | None:
        """Return the Lease of another operator that serves the resource; None after claiming it for this one.

        Raises:
            Conflict: the resource changed meanwhile.
        """
        holder = str(((body.get("status") or {}).get("servedBy") or {}).get("lease") or "")
        if holder and holder == self._lease:
            return None
        if holder and await self._is_alive(holder):
            return holder
        if self._lease is not None:
            await self._claim(key, body, self._lease)
        return None

    async def _claim(self, key: Key, body: Json, lease: str) -> None:
        """Write the claim, unless somebody else was first."""
        claim = {"lease": lease, "since": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        written = await self._cluster.write_status(key, {"servedBy": claim}, body["metadata"]["resourceVersion"])
        if written is None:
            self._store.forget(key)
        else:
            self._store.put_resource(written)

    async def _is_alive(self, lease: str) -> bool:
        """Return whether a Lease is held and renewed; one that may not be read is believed to be."""
        now, last = self._clock(), self._seen.get(lease)
        if last is None or now - last.looked_at >= PAUSE:
            last = self._seen[lease] = await self._look(lease, last, now)
        return last.is_held and now - last.changed_at < STALE

    async def _look(self, lease: str, last: _Seen | None, now: float) -> _Seen:
        """Return what is seen of a Lease now."""
        namespace, _, name = lease.partition("/")
        try:
            found = await self._cluster.fetch_lease(namespace, name)
        except Forbidden:
            return _Seen("", now, now, is_held=True)
        if found is None or not (found.get("spec") or {}).get("holderIdentity"):
            return _Seen("", now, now, is_held=False)
        version = found["metadata"]["resourceVersion"]
        changed_at = last.changed_at if last is not None and last.version == version else now
        return _Seen(version, changed_at, now, is_held=True)
