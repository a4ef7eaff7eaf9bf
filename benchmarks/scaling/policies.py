"""Who decides on the number of pods: the operator's own rules, and a fixed number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

from benchmarks.scaling.clock import Clock
from benchmarks.scaling.cluster import Deployment, Pod
from benchmarks.scaling.temporal import Refused, TaskQueue, Unreachable
from video_export_operator.plan import marks_of
from video_export_operator.resource import Spec
from video_export_operator.resource.live import PHASES, LivePod
from video_export_operator.scaling import Decision, Memory, Observation, QueueState, WorkerReport, decide


@dataclass(frozen=True)
class World:
    """What a policy works with; `random` is for the phase of its intervals."""

    clock: Clock
    random: Random
    queue: TaskQueue
    deployment: Deployment


LATE = 0.005
"""Seconds by which a look is later than it was due."""

LOOK = 0.2
"""Seconds from the last look at idle pods until the API server has the size that takes them: the longest of what
`python -m benchmarks.operator.shrink` measured with twenty pods on a busy machine."""

Policy = Callable[[World], object]
"""Starts to decide; it schedules its own next looks."""


def fixed(replicas: int) -> Policy:
    """The same number of pods all the time, from before the trace begins."""
    return lambda world: world.deployment.scale(replicas)


class Operator:
    """The operator: its intervals, as `reconcile` keeps them, around the real rules and their memory.

    A reconciliation takes no time, and happens at once when a pod changes, as the watch would have it.
    """

    def __init__(self, world: World, spec: Spec) -> None:
        self._world = world
        self._spec = spec
        self._memory = Memory()
        self._queue: QueueState | None = None
        self._failures = 0
        self._asked_at = world.clock.now - world.random.uniform(0, spec.scaling.poll_interval)
        self._asked_all_at = float("-inf")
        world.deployment.on_change = self._reconcile
        world.clock.at(self._next_ask(), self._tick)

    def _tick(self) -> None:
        """Reconcile, and again when it is time to ask Temporal; the size may have changed the interval."""
        self._reconcile()
        self._world.clock.at(self._next_ask() + LATE, self._tick)

    def _reconcile(self) -> None:
        now, deployment = self._world.clock.now, self._world.deployment
        if now >= self._next_ask():
            self._ask(now)
        decision = self._decide()
        if decision.replicas == deployment.size:
            return
        for name, cost in marks_of(map(_live, deployment.pods.values()), decision.victims).items():
            deployment.pods[name].cost = cost
        deployment.scale(decision.replicas, LOOK)

    def _decide(self) -> Decision:
        count = None
        decision, memory = decide(self._spec, self._observe(), self._memory)
        if decision.count_wanted:
            with suppress(Unreachable):
                count = self._world.queue.count_open()
            decision, memory = decide(self._spec, self._observe(count), memory)
        if decision.replicas < self._world.deployment.size:
            self._look_again()
            decision, memory = decide(self._spec, self._observe(count), memory)
        self._memory = memory
        return decision

    def _look_again(self) -> None:
        """As reconcile/pod_probe.py does it: pods that are idle as far as was heard are asked before any is taken."""
        if self._queue is None:
            return
        now = self._world.queue.ask_workers()
        begun = {
            pod: replace(report, used=now[pod])
            for pod, report in self._queue.workers.items()
            if not report.used and now.get(pod)
        }
        self._queue = replace(self._queue, workers={**self._queue.workers, **begun})

    def _observe(self, open_executions: int | None = None) -> Observation:
        return Observation(
            at=self._world.clock.now,
            present=self._world.deployment.size,
            pods=tuple(_live(pod) for pod in self._world.deployment.pods.values()),
            queue=self._queue,
            failures=self._failures,
            open_executions=open_executions,
        )

    # As reconcile/temporal_poller.py does it, without the budget: one resource never uses it up.

    @property
    def _at_zero(self) -> bool:
        return not self._world.deployment.pods and not self._world.deployment.size

    def _next_ask(self) -> float:
        scaling = self._spec.scaling
        often = self._at_zero and not self._failures
        return self._asked_at + (scaling.poll_interval_at_zero if often else scaling.poll_interval)

    def _ask(self, now: float) -> None:
        interval = self._spec.scaling.poll_interval
        whole = not self._at_zero or self._queue is None or now - self._asked_all_at >= interval
        self._asked_at = now
        try:
            self._queue = self._answer(now, whole)
        except Unreachable:
            self._failures += 1
            return
        self._failures = 0
        if whole:
            self._asked_all_at = now

    def _answer(self, now: float, whole: bool) -> QueueState:
        queue = self._world.queue
        workflows = queue.statistics("workflow")
        if not whole and self._queue is not None:
            return replace(self._queue, at=now, workflows=workflows)
        workers, refused = self._list_workers(now)
        return QueueState(now, queue.statistics("activity"), workflows, workers, queue.last_poll(), refused)

    def _list_workers(self, now: float) -> tuple[Mapping[str, WorkerReport], str]:
        """What the workers do: as Temporal says, or where it does not, as their pods say themselves."""
        if self._at_zero:
            return {}, ""
        try:
            return self._world.queue.list_workers(), ""
        except Refused:
            asked = self._world.queue.ask_workers()
            reports = {name: WorkerReport(used, beat=now) for name, used in asked.items()}
            return reports, "RateLimited: namespace rate limit exceeded"


def _live(pod: Pod) -> LivePod:
    """What a decision needs of a pod."""
    return LivePod(
        name=pod.name,
        uid=pod.name,
        worker="exports",
        assigned=True,
        phase=PHASES["Running" if pod.started else "Pending"],
        ready=pod.ready,
        started=pod.started,
        terminating=pod.terminating_at is not None,
        deletion_cost=pod.cost,
        trouble=None,
    )
