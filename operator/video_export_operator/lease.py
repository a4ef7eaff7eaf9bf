"""Elects one of several replicas by a Lease.

The leader renews every `retry` seconds and counts itself out `renew_deadline` seconds after its last renewal began,
by its own monotonic clock and whatever the API server does. A standby takes over `duration` seconds after it last saw
the Lease change, by its own clock too, so clocks need not agree. Since `renew_deadline` < `duration`, two never lead.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from video_export_operator.errors import OperatorError

log = logging.getLogger(__name__)

Json = dict[str, Any]


class LeaseStore(Protocol):
    """Where the Lease is kept."""

    async def fetch_lease(self, namespace: str, name: str) -> Json | None:
        """Return the Lease, None if it is not there."""

    async def write_lease(self, lease: Json, timeout: float) -> Json:
        """Create or replace the Lease; fails if somebody changed it in between."""


@dataclass(frozen=True)
class Timing:
    """Seconds."""

    duration: float = 10.0
    renew_deadline: float = 7.0
    retry: float = 2.0


class Elector:
    """One replica's part in the election.

    Args:
        store: where the Lease is kept.
        namespace: of the Lease.
        name: of the Lease.
        identity: of this replica.
        timing: durations.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        store: LeaseStore,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing = Timing(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._renewed: float | None = None
        self._seen: tuple[str, float] | None = None
        self._held: Json | None = None
        self.term = 0
        """How often this replica took the Lease over: the same number again means that nobody else led meanwhile."""

    @property
    def is_leading(self) -> bool:
        """Whether this replica may act now."""
        return self._renewed is not None and self._clock() - self._renewed < self._timing.renew_deadline

    async def run(self) -> None:
        """Take part until cancelled; then let the Lease go."""
        try:
            while True:
                await self._attempt()
                await asyncio.sleep(self._timing.retry)
        finally:
            await self._release()

    async def _attempt(self) -> None:
        """Acquire or renew once, within the time that is left to renew."""
        began, led = self._clock(), self.is_leading
        try:
            async with asyncio.timeout(self._timing.renew_deadline - self._timing.retry):
                if await self._acquire():
                    self._renewed = began
        except (OperatorError, TimeoutError) as error:
            log.warning("the Lease %s/%s could not be renewed: %s", self._namespace, self._name, error)
        if led != self.is_leading:
            log.info("%s %s", self._identity, "leads" if self.is_leading else "leads no longer")

    async def _acquire(self) -> bool:
        """Write our name into the Lease if it is free, ours or run out."""
        lease = self._held or await self._store.fetch_lease(self._namespace, self._name)
        self._held = None  # read it again after any failure
        holder = (lease or {}).get("spec", {}).get("holderIdentity")
        if lease is not None and holder and holder != self._identity and not self._has_run_out(lease):
            self._renewed = None
            return False
        self._held = await self._store.write_lease(self._build(lease, self._identity), self._timing.renew_deadline)
        if holder != self._identity or self.term == 0:
            self.term += 1
        return True

    def _has_run_out(self, lease: Json) -> bool:
        """Return whether the Lease has not changed for its duration since we first saw it like this."""
        version = lease["metadata"]["resourceVersion"]
        now = self._clock()
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, now)
        duration = lease["spec"].get("leaseDurationSeconds") or self._timing.duration
        return bool(now - self._seen[1] >= duration)

    def _build(self, lease: Json | None, holder: str) -> Json:
        """Return the Lease to write; an existing one keeps its resourceVersion, so that only one writer wins."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = dict((lease or {}).get("spec") or {})
        if spec.get("holderIdentity") != holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = spec.get("leaseTransitions", -1) + 1
        spec |= {"holderIdentity": holder, "renewTime": now, "leaseDurationSeconds": int(self._timing.duration)}
        metadata = (lease or {}).get("metadata") or {"name": self._name, "namespace": self._namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    async def _release(self) -> None:
        """Let the next replica begin at once, if we lead."""
        if not self.is_leading:
            return
        self._renewed = None
        try:
            async with asyncio.timeout(self._timing.retry):
                lease = await self._store.fetch_lease(self._namespace, self._name)
                if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
                    await self._store.write_lease(self._build(lease, ""), self._timing.retry)
        except (OperatorError, TimeoutError) as error:
            log.warning("the Lease could not be released, the next replica waits for it to run out: %s", error)
