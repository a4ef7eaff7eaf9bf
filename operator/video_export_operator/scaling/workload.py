"""What the pods do, and what the work needs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from video_export_operator.resource import Scaling
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling.draining import TaskType, confirmed_tasks
from video_export_operator.scaling.memory import Memory
from video_export_operator.scaling.observation import Backlog, Observation
from video_export_operator.scaling.pod_work import PodWork
from video_export_operator.scaling.serving import find_serving

AHEAD = 30.0
"""Seconds of a rate limit that are prepared for while nobody knows how long an activity takes."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The pods and their work at one moment.

    Attributes:
        needed: pods that the work needs.
        in_flight: activities that run in pods that are not terminating.
        live: pods that are not terminating.
        terminating: pods that are, and are not lost.
        busy: names of live pods with work.
        unknown: names of live pods whose container runs and of whose worker nobody has heard, or not lately.
        idle: names of live pods that may be taken.
        serving: names of idle pods of an older template that stay, because their version has open work.
        slots: activities that a pod takes at once.
        stalled: tasks that no worker takes although slots are free, by task type.
        versions: Worker Deployment Versions that the live pods run.
        rate_limited: a rate limit of the queue, not the number of slots, keeps activities waiting.
    """

    needed: int
    in_flight: int
    live: int
    terminating: int
    busy: frozenset[str]
    unknown: frozenset[str]
    idle: frozenset[str]
    slots: int = 1
    stalled: Mapping[TaskType, int] = field(default_factory=dict)
    versions: frozenset[str] = frozenset()
    rate_limited: bool = False
    serving: frozenset[str] = frozenset()

    @property
    def protected(self) -> int:
        """Pods that must not be taken."""
        return len(self.busy) + len(self.unknown)

    @property
    def stalled_tasks(self) -> int:
        """Tasks of both types that no worker takes."""
        return sum(self.stalled.values())


def measure_workload(seen: Observation, memory: Memory, scaling: Scaling, slots: int) -> Workload:
    """Return what the pods do and what the work needs.

    A pod whose worker has not reported is capacity with nothing in flight: counting it as full would add a pod
    at every tick.
    """
    live = tuple(pod for pod in seen.pods if not pod.terminating)
    running = [(pod, memory.pods.get(pod.name)) for pod in live if pod.started]
    works = [work for _, work in running if work]
    capacity = slots_of(works, slots)
    heard = _heard(seen, memory)
    serving = find_serving(seen, heard)
    return Workload(
        needed=_needed(seen, memory, works, scaling, capacity),
        in_flight=sum(work.used for work in works),
        live=len(live),
        terminating=sum(pod.terminating and not pod.is_lost(seen.now) for pod in seen.pods),
        busy=frozenset(pod.name for pod, work in running if work and work.running),
        unknown=frozenset(pod.name for pod, work in running if not _is_known(work, seen)),
        idle=_idle(live, heard, scaling.scale_down.min_idle) - serving,
        slots=capacity,
        stalled=confirmed_tasks(memory.stalls),
        versions=frozenset(work.report.version for work in works if work.report.version),
        rate_limited=seen.queue is not None and _is_rate_limited(seen.queue.activities, memory, works, capacity),
        serving=serving & {pod.name for pod in live},
    )


def slots_of(works: Iterable[PodWork], slots: int) -> int:
    """Return how many activities a pod takes: what workers say, and `slots` where none does.

    Of several the largest: a pod whose processes have not all begun says less.
    """
    return max((work.report.slots for work in works if work.report.slots is not None), default=slots)


def _needed(seen: Observation, memory: Memory, works: list[PodWork], scaling: Scaling, slots: int) -> int:
    """Return the number of pods that the work needs, at least 1 while anything waits.

    Workflow tasks take no slots and are done in no time, but until a worker has polled each of them stands for an
    export that will want a slot next.

    With `targetWait` T and m completions a second in each slot, S slots start S - in_flight + S * m * T tasks within T,
    so that (backlog + in_flight) / (1 + m * T) slots are enough.
    """
    queue = seen.queue
    if queue is None:
        return 0
    in_flight = sum(work.used for work in works)
    exports = 0 if memory.polled else queue.workflows.tasks
    tasks = _startable(queue.activities, memory, in_flight) + exports + in_flight
    speedup = 1.0 + memory.completion_rate * scaling.target_wait if scaling.target_wait else 1.0
    wanted = math.ceil((max(tasks / speedup, in_flight) + scaling.spare_slots) / slots)
    return max(wanted, 1 if queue.waiting or any(work.running for work in works) else 0)


def _startable(activities: Backlog, memory: Memory, in_flight: int) -> float:
    """Return how many of the waiting activities more slots could start."""
    tasks = activities.tasks - confirmed_tasks(memory.stalls).get(TaskType.ACTIVITY, 0)
    return min(tasks, _within_limit(activities, memory, in_flight))


def _within_limit(activities: Backlog, memory: Memory, in_flight: int) -> float:
    """Return how many slots more a rate limit can fill: limit / completions of one slot (Little's law) in all."""
    if activities.rate_limit is None:
        return math.inf
    if memory.completion_rate > 0:
        return max(0.0, activities.rate_limit / memory.completion_rate - in_flight)
    return activities.rate_limit * AHEAD


def _is_rate_limited(activities: Backlog, memory: Memory, works: list[PodWork], slots: int) -> bool:
    """Return whether slots are free while activities wait for the rate limit."""
    free = any(work.free_slots(slots) for work in works)
    in_flight = sum(work.used for work in works)
    return free and activities.is_limited and activities.tasks > _within_limit(activities, memory, in_flight)


def _is_known(work: PodWork | None, seen: Observation) -> bool:
    """Return whether it is known what a pod does: it is busy as far as anybody knows, or was heard lately."""
    return work is not None and (work.running > 0 or seen.queue is None or work.is_heard(seen.queue.at))


def _heard(seen: Observation, memory: Memory) -> Mapping[str, PodWork]:
    """Return what is believed of pods: nothing that is stale, be it of Temporal or of one pod."""
    if seen.stale or seen.queue is None:
        return {}
    return {name: work for name, work in memory.pods.items() if work.is_heard(seen.queue.at)}


def _idle(live: tuple[LivePod, ...], works: Mapping[str, PodWork], min_idle: float) -> frozenset[str]:
    """Return the pods that may be taken; of stale reports none is believed."""
    return frozenset(pod.name for pod in live if _is_idle(pod, works.get(pod.name), min_idle))


def _is_idle(pod: LivePod, work: PodWork | None, min_idle: float) -> bool:
    """Return whether the pod has nothing to do and has had nothing for long enough."""
    if not pod.started:
        return True
    return work is not None and work.running == 0 and work.idle_for >= min_idle
