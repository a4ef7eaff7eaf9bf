"""KEDA's composition: its operator between 0 and 1, the HPA that it creates from 1 on, both by the backlog alone.

Rebuilt from their documentation; docs/scaling.md names each fact with its source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.scaling.policies import World
from benchmarks.scaling.temporal import Unreachable

SYNC = 15.0
"""Seconds between two looks of the HPA; a flag of the controller manager, not of the user."""
TOLERANCE = 0.1
"""The share by which the metric may differ from its target before the HPA does anything."""


@dataclass(frozen=True)
class Settings:
    """What a ScaledObject says; times in seconds.

    Attributes:
        target: waiting tasks for each pod (targetQueueSize).
        polling: between two looks of KEDA's operator (pollingInterval).
        cooldown: of inactivity before it scales to 0 (cooldownPeriod).
        window: the HPA's stabilization window for scaling down.
        step: pods, and percent of the present ones, that the HPA may add in 15 s; the larger counts.
        running: running workflows keep it from scaling to 0 (includeRunningWorkflowCount).
        fallback: keep the present size, and at least so many pods, while the metric is missing; None to do nothing.
        maximum: maxReplicaCount.
    """

    target: int = 5
    polling: float = 30.0
    cooldown: float = 300.0
    window: float = 300.0
    step: tuple[int, int] = (4, 100)
    running: bool = False
    fallback: int | None = None
    maximum: int = 10


class Keda:
    """Both halves, each on its own clock."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._settings = settings
        self._active_at = float("-inf")
        self._recommended = [(world.clock.now, world.deployment.size)]
        self._added: list[tuple[float, int]] = []
        clock, random = world.clock, world.random
        clock.every(settings.polling, self._poll, clock.now + random.uniform(0, settings.polling))
        clock.every(SYNC, self._sync, clock.now + random.uniform(0, SYNC))

    # KEDA's operator

    def _poll(self) -> None:
        """Between 0 and 1; an error changes nothing."""
        deployment, now = self._world.deployment, self._world.clock.now
        try:
            active = self._backlog() > 0 or (self._settings.running and self._world.queue.count_open() > 0)
        except Unreachable:
            return
        if active:
            self._active_at = now
            if deployment.size == 0:
                deployment.scale(1)
        elif deployment.size and now - self._active_at > self._settings.cooldown:
            deployment.scale(0)

    def _backlog(self) -> int:
        return self._world.queue.describe("activity") + self._world.queue.describe("workflow")

    # The HPA

    def _sync(self) -> None:
        deployment = self._world.deployment
        if deployment.size == 0:
            return  # an HPA does nothing at zero
        desired = self._desired()
        if desired is None:
            return
        size = self._rate_limited(self._stabilized(max(1, min(self._settings.maximum, desired))))
        if size > deployment.size:
            self._added.append((self._world.clock.now, size - deployment.size))
        if size != deployment.size:
            deployment.scale(size)

    def _desired(self) -> int | None:
        """The number of pods for the metric; None where there is none."""
        present = self._world.deployment.size
        try:
            backlog = self._backlog()
        except Unreachable:
            fallback = self._settings.fallback
            return None if fallback is None else max(present, fallback)
        if abs(1.0 - backlog / (self._settings.target * present)) <= TOLERANCE:
            return present
        return math.ceil(backlog / self._settings.target)

    def _stabilized(self, desired: int) -> int:
        """The largest recommendation of the window, when it would scale down; up at once."""
        now, present = self._world.clock.now, self._world.deployment.size
        recent = [(at, size) for at, size in self._recommended if at > now - self._settings.window]
        self._recommended = [*recent, (now, desired)]
        highest = max(size for _, size in self._recommended)
        return desired if desired > present else min(present, highest)

    def _rate_limited(self, desired: int) -> int:
        """No more than the policies of scaling up allow; down they allow everything."""
        now, present = self._world.clock.now, self._world.deployment.size
        pods, percent = self._settings.step
        self._added = [(at, count) for at, count in self._added if at > now - SYNC]
        before = present - sum(count for _, count in self._added)
        return min(desired, max(before + pods, math.ceil(before * (1 + percent / 100)), present))
