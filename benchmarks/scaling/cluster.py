"""A model of a Deployment: pods take time to start, and go in the order in which a ReplicaSet takes them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.temporal import TaskQueue, Worker

CONTAINER_START = (2.0, 4.0)
"""Seconds, at least and at most, from a pod's creation until its container runs: node and image are there."""
WORKER_START = (3.0, 6.0)
"""Seconds from then until its worker polls and the pod is ready."""
STOP = 0.25
"""Seconds from a smaller size until a worker no longer polls: two controllers, the kubelet, the runtime, SIGTERM. The
longest of what `python -m benchmarks.operator.stop` measured with a hundred pods, rounded up: 0.229 s at load 5."""
DRAIN_LOOK = 1.0
"""Seconds between two looks at whether a stopped pod has finished."""


@dataclass(eq=False)
class Pod:
    """One pod and its worker."""

    name: str
    created: float
    started: bool = False
    ready_at: float | None = None
    worker: Worker | None = None
    terminating_at: float | None = None
    cost: int = 0

    @property
    def ready(self) -> bool:
        return self.ready_at is not None and self.terminating_at is None


class Deployment:
    """The pods of one worker.

    Args:
        clock: the time.
        seed: of how long pods take to start; the same for the first pod of every policy, and so on.
        queue: what their workers poll.
        slots: activities a pod runs at once.
        grace: seconds from SIGTERM to SIGKILL.
    """

    def __init__(self, clock: Clock, seed: str, queue: TaskQueue, slots: int, grace: float) -> None:
        self.clock = clock
        self.seed = seed
        self.queue = queue
        self.slots = slots
        self.grace = grace
        self.size = 0
        self.pods: dict[str, Pod] = {}
        self.history: list[tuple[float, int]] = []
        self.pod_seconds = 0.0
        self.on_change: Callable[[], None] = lambda: None
        self._names = itertools.count(1)

    @property
    def live(self) -> list[Pod]:
        return [pod for pod in self.pods.values() if pod.terminating_at is None]

    def scale(self, size: int, written: float = 0.0) -> None:
        """Create or take pods until there are as many; what terminates is none of them.

        Args:
            size: how many.
            written: seconds from now until the API server has a smaller size.
        """
        self.size = size
        live = self.live
        for _ in range(size - len(live)):
            self._create()
        for pod in sorted(live, key=_deletion_order)[: max(0, len(live) - size)]:
            self._stop(pod, written)

    def finish(self) -> float:
        """Return the pod-seconds spent until now."""
        return self.pod_seconds + sum(self.clock.now - pod.created for pod in self.pods.values())

    def _create(self) -> None:
        pod = Pod(f"pod-{next(self._names)}", self.clock.now)
        self.pods[pod.name] = pod
        self._note()
        random = Random(f"{self.seed} {pod.name}")
        container = random.uniform(*CONTAINER_START)
        self.clock.after(container, lambda: self._start(pod))
        self.clock.after(container + random.uniform(*WORKER_START), lambda: self._poll(pod))

    def _start(self, pod: Pod) -> None:
        if pod.name in self.pods and pod.terminating_at is None:
            pod.started = True
            self.on_change()

    def _poll(self, pod: Pod) -> None:
        if pod.name not in self.pods or pod.terminating_at is not None:
            return
        pod.ready_at = self.clock.now
        pod.worker = Worker(pod.name, self.slots)
        self.queue.join(pod.worker)
        self.on_change()

    def _stop(self, pod: Pod, written: float) -> None:
        """Stop polling; go when all that runs has ended, or at the end of the grace period."""
        pod.terminating_at = self.clock.now
        worker = pod.worker
        if worker is None:
            self._drain(pod)
            return
        worker.taken = self.clock.now

        def stop() -> None:
            worker.polling = False
            self._drain(pod)

        self.clock.after(written + STOP, stop)

    def _drain(self, pod: Pod) -> None:
        over = pod.terminating_at is not None and self.clock.now - pod.terminating_at >= self.grace
        if pod.worker is not None and pod.worker.running and not over:
            self.clock.after(DRAIN_LOOK, lambda: self._drain(pod))
            return
        if pod.worker is not None:
            self.queue.leave(pod.worker)
        del self.pods[pod.name]
        self.pod_seconds += self.clock.now - pod.created
        self._note()
        # What watches the pods hears of it, but not in the middle of the scaling that took this one.
        self.clock.after(0.0, self.on_change)

    def _note(self) -> None:
        self.history.append((self.clock.now, len(self.pods)))


def _deletion_order(pod: Pod) -> tuple[bool, bool, int, float, float]:
    """Pending before running, unready before ready, by cost, then the one that has been ready for the least time."""
    return (pod.started, pod.ready, pod.cost, -(pod.ready_at or 0.0), -pod.created)
