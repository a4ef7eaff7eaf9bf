"""When each resource is due: a heap of times, and the budget of calls to Temporal that all of them share."""

import heapq
import itertools
from collections.abc import Callable

from video_export_operator.resource import Key


class Schedule:
    """Due times; the earliest of a resource counts."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Key]] = []
        self._due: dict[Key, float] = {}
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: Key, due: float) -> None:
        """Make a resource due at this time, unless it is due earlier."""
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._heap, (due, next(self._order), key))

    def remove(self, key: Key) -> None:
        """Forget a resource."""
        self._due.pop(key, None)

    def clear(self) -> None:
        """Forget every resource."""
        self._heap.clear()
        self._due.clear()

    @property
    def next_due(self) -> float | None:
        """The time at which the next resource is due."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, at: float) -> tuple[Key, float] | None:
        """Return a resource that is due and since when, and take it off the schedule."""
        due = self.next_due
        if due is None or due > at:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        return key, due


class Budget:
    """Widens all intervals evenly when together they would ask Temporal too often.

    Args:
        calls_per_second: what all resources may use.
    """

    def __init__(self, calls_per_second: float) -> None:
        self._limit = calls_per_second
        self._rates: dict[Key, float] = {}
        self._demand = 0.0

    def want(self, key: Key, calls_per_second: float) -> None:
        """Say how often a resource would ask if it were alone; 0.0 for one that is gone."""
        if self._rates.get(key, 0.0) == calls_per_second:
            return
        self._demand += calls_per_second - self._rates.pop(key, 0.0)
        if calls_per_second:
            self._rates[key] = calls_per_second

    @property
    def stretch(self) -> float:
        """The factor by which intervals are longer than asked for, at least 1."""
        return max(1.0, self._demand / self._limit)


def spread(interval: float, random: Callable[[], float]) -> float:
    """Return a first interval, somewhere in its second half, so that resources seen together spread over time."""
    return interval * (0.5 + random() / 2)
