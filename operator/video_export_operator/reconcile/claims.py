"""Which operator serves a resource: the first that claims it, until its Lease runs out.

A claim names the Lease by which the replicas of an operator elect their leader. That Lease is renewed all the time, so
a claim is written once and never renewed. Another operator that has the resource in its scope says so in
`status.contender`, and again every ten minutes: a field that the holder never writes, and of which it tells.
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from video_export_operator.cluster import Cluster
from video_export_operator.errors import Conflict, Forbidden
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import Key
from video_export_operator.resource.trouble import parse_time

STALE = 30.0
"""Seconds without a renewal after which a Lease has run out; a leader renews its own every two."""
PAUSE = 5.0
"""Seconds between two looks at the Lease of another operator."""
CONTENDS = 600.0
"""Seconds between two times that an operator says that it would serve a resource; after twice as many it is over."""

Json = Mapping[str, Any]


def find_contender(body: Json, now: float) -> str:
    """Return the Lease of another operator that would serve the resource too; empty where there is none.

    Args:
        body: the resource.
        now: in seconds since the epoch, by a clock that may be some minutes off that of the other.
    """
    status = body.get("status") or {}
    contender, holder = status.get("contender") or {}, status.get("servedBy") or {}
    is_lasting = now - _said_at(contender) < 2 * CONTENDS and contender.get("lease") != holder.get("lease")
    return str(contender.get("lease") or "") if is_lasting else ""


def _said_at(contender: Json) -> float:
    """Return when an operator last said that it would serve a resource, in seconds since the epoch."""
    return parse_time(contender.get("time")) or 0.0


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

    async def contend(self, key: Key, body: Json) -> None:
        """Say that this operator has a resource of another in its scope, unless that was said lately."""
        said, now = (body.get("status") or {}).get("contender") or {}, time.time()
        pause = CONTENDS if said.get("lease") == self._lease else 2 * CONTENDS
        if self._lease is not None and now - _said_at(said) >= pause:
            with contextlib.suppress(Conflict):  # the holder has just written the status; there is time
                await self._write(key, body, {"contender": {"lease": self._lease, "time": _format_now()}})

    async def _claim(self, key: Key, body: Json, lease: str) -> None:
        """Write the claim, unless somebody else was first."""
        await self._write(key, body, {"servedBy": {"lease": lease, "since": _format_now()}})

    async def _write(self, key: Key, body: Json, status: Json) -> None:
        """Write a part of the status of this version of the resource."""
        written = await self._cluster.write_status(key, status, body["metadata"]["resourceVersion"])
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


def _format_now() -> str:
    """Return the present time as RFC 3339."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
