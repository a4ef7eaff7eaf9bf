"""Secrets as they were last read: what thousands of resources cost the API server does not grow with their number.

The operator may `get` a Secret and not `list` or watch them, which would let it read them all. So each is read again
after a while: as long as it takes for all Secrets together to be read once a second.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from video_export_operator.cluster import Cluster

READS_PER_SECOND = 1.0
"""Of all Secrets together, while nobody asks for a fresh one."""
LONGEST = 600.0
"""Seconds after which a Secret is read again, however many there are."""
MOST_KEPT = 64 * 1024
"""Bytes of a Secret that is kept; a larger one is read each time it is needed."""


@dataclass
class _Entry:
    """One Secret; `read_at` is None before it was read, or where it is not kept."""

    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    read_at: float | None = None
    used_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class SecretCache:
    """Reads Secrets and keeps them for a while.

    Args:
        cluster: to read from.
        clock: monotonic, in seconds.
    """

    def __init__(self, cluster: Cluster, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster = cluster
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry] = {}

    @property
    def max_age(self) -> float:
        """Seconds for which what was read counts."""
        return min(LONGEST, len(self._entries) / READS_PER_SECOND)

    async def read(self, namespace: str, name: str, fresh: bool = False) -> Mapping[str, bytes]:
        """Return the data of a Secret.

        Args:
            namespace: where it is.
            name: of the Secret.
            fresh: as it is now, not as it was.

        Raises:
            SecretMissing: it is not there.
        """
        asked_at = self._clock()
        self._drop_unused(asked_at)
        entry = self._entries.setdefault((namespace, name), _Entry())
        entry.used_at = asked_at
        async with entry.lock:  # who comes meanwhile gets what the first one reads
            oldest = asked_at if fresh else asked_at - self.max_age
            if entry.read_at is not None and entry.read_at >= oldest:
                return entry.data
            entry.read_at = None
            data = await self._cluster.fetch_secret(namespace, name)
            if sum(map(len, data.values())) <= MOST_KEPT:
                entry.data, entry.read_at = data, self._clock()
            return data

    def _drop_unused(self, now: float) -> None:
        """Forget Secrets that no resource names any more."""
        for key in [key for key, entry in self._entries.items() if now - entry.used_at > 2 * LONGEST]:
            del self._entries[key]
