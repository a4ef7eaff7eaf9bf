"""How often Secrets are read, and how old what was read may be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from video_export_operator.cluster import Cluster
from video_export_operator.errors import SecretMissing
from video_export_operator.reconcile.secrets import LONGEST, MOST_KEPT, SecretCache

INTERVAL = 10.0


@dataclass
class Namespace:
    """A namespace of Secrets, and when each was read."""

    data: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    reads: list[float] = field(default_factory=list)
    now: float = 0.0

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, bytes]:
        await asyncio.sleep(0)
        self.reads.append(self.now)
        if name not in self.data:
            raise SecretMissing(f"{namespace}/{name}")
        return self.data[name]

    def cache(self) -> SecretCache:
        return SecretCache(cast("Cluster", cast("Any", self)), lambda: self.now)


async def poll(there: Namespace, cache: SecretCache, until: float, names: list[str], **how: bool) -> None:
    """Let each resource read its Secret at each poll, all of them spread over the interval."""
    while there.now < until:
        for name in names:
            await cache.read("media", name, **how)
            there.now += INTERVAL / len(names)


@pytest.mark.parametrize("resources", [10, 100, 500])
async def test_all_secrets_together_are_read_once_a_second(resources: int) -> None:
    there = Namespace({f"secret-{number}": {} for number in range(resources)})
    cache = there.cache()
    await poll(there, cache, LONGEST, list(there.data))
    began = len(there.reads)
    await poll(there, cache, 2 * LONGEST, list(there.data))
    assert len(there.reads) - began <= LONGEST + resources


async def test_what_was_read_is_never_older_than_ten_minutes() -> None:
    there = Namespace({f"secret-{number}": {"key": b"old"} for number in range(2000)})
    cache = there.cache()
    await asyncio.gather(*(cache.read("media", name) for name in there.data))
    there.data["secret-7"] = {"key": b"new"}
    there.now = LONGEST - 1
    assert await cache.read("media", "secret-7") == {"key": b"old"}
    assert await cache.read("media", "secret-7", fresh=True) == {"key": b"new"}
    there.now = LONGEST + 1
    assert await cache.read("media", "secret-9") == {"key": b"old"}
    assert len(there.reads) == 2002


async def test_a_single_secret_is_as_fresh_as_a_poll() -> None:
    there = Namespace({"secret": {"key": b"old"}})
    cache = there.cache()
    await cache.read("media", "secret")
    there.data["secret"], there.now = {"key": b"new"}, INTERVAL
    assert await cache.read("media", "secret") == {"key": b"new"}


async def test_who_asks_meanwhile_gets_what_is_being_read() -> None:
    there = Namespace({"secret": {"key": b"value"}})
    cache = there.cache()
    assert await asyncio.gather(*(cache.read("media", "secret") for _ in range(9))) == [{"key": b"value"}] * 9
    assert len(there.reads) == 1


async def test_a_missing_secret_is_looked_for_each_time() -> None:
    there = Namespace()
    cache = there.cache()
    for _ in range(2):
        with pytest.raises(SecretMissing):
            await cache.read("media", "secret")
    there.data["secret"] = {"key": b"value"}
    assert await cache.read("media", "secret") == {"key": b"value"}


async def test_a_large_secret_is_not_kept() -> None:
    there = Namespace({"secret": {"key": b"x" * (MOST_KEPT + 1)}})
    cache = there.cache()
    for _ in range(2):
        await cache.read("media", "secret")
    assert len(there.reads) == 2
