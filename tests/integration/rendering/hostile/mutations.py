"""Recordings with something wrong in them: real ones, mutated at random places, the same for the same seed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

Json = Any
Holder = dict[str, Any] | list[Any]

HOSTILE: tuple[Json, ...] = (
    None,
    True,
    -1,
    0,
    2**53,
    -(2**31),
    1e308,
    -1e308,
    1e-308,
    float("nan"),
    float("inf"),
    "",
    "\ud800",
    "\x00",
    "x" * 10_000,
    "javascript:alert(1)",
    "data:image/svg+xml," * 100,
    "url(data:,)" * 100,
    ":is(" * 200,
    "{" * 500,
    "@import" * 50,
    "__proto__",
    "constructor",
    [],
    {},
    [[[[[[]]]]]],
    {"__proto__": {"x": 1}},
    {"rr_type": "RTCPeerConnection", "args": []},
    {"type": 2, "tagName": "script", "attributes": {}, "childNodes": [], "id": 1},
)


def mutate(events: list[Json], seed: int) -> list[Json]:
    """A copy with one to eight things wrong."""
    chance = random.Random(seed)
    mutated = copy.deepcopy(events)
    for _ in range(chance.randint(1, 8)):
        chance.choice(MUTATIONS)(mutated, chance)
    return mutated


def _pick(events: list[Json], chance: random.Random) -> tuple[Holder, Any]:
    """A random place in a random event: what holds it, and its key."""
    holder: Holder = events
    key: Any = chance.randrange(len(events))
    while chance.random() < 0.85:
        inner = holder[key]
        if isinstance(inner, dict) and inner:
            holder, key = inner, chance.choice([*inner])
        elif isinstance(inner, list) and inner:
            holder, key = inner, chance.randrange(len(inner))
        else:
            break
    return holder, key


def _replace(events: list[Json], chance: random.Random) -> None:
    holder, key = _pick(events, chance)
    holder[key] = copy.deepcopy(chance.choice(HOSTILE))


def _remove(events: list[Json], chance: random.Random) -> None:
    holder, key = _pick(events, chance)
    if holder is not events:
        del holder[key]


def _copy_elsewhere(events: list[Json], chance: random.Random) -> None:
    source, key = _pick(events, chance)
    target, place = _pick(events, chance)
    target[place] = copy.deepcopy(source[key])


def _repeat(events: list[Json], chance: random.Random) -> None:
    holder, key = _pick(events, chance)
    if isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key]) for _ in range(chance.choice([1, 2, 50]))]


def _shuffle_times(events: list[Json], chance: random.Random) -> None:
    for event in chance.sample(events, min(5, len(events))):
        if isinstance(event, dict) and isinstance(event.get("timestamp"), int | float):
            event["timestamp"] += chance.choice([-1e12, -10_000, -0.5, 0.25, 10_000, 1e12])


def _mix_ids(events: list[Json], chance: random.Random) -> None:
    for _ in range(5):
        holder, _key = _pick(events, chance)
        if isinstance(holder, dict) and "id" in holder:
            holder["id"] = chance.choice([1, 2, 5, -1, 10**9, holder["id"], None])


MUTATIONS: tuple[Callable[[list[Json], random.Random], None], ...] = (
    _replace,
    _replace,
    _replace,
    _remove,
    _copy_elsewhere,
    _repeat,
    _shuffle_times,
    _mix_ids,
)
