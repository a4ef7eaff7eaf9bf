"""What the pods do, and what the work needs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from video_export_operator.resource import Scaling
from video_export_operator.scaling.memory import Memory, PodWork
from video_export_operator.scaling.observation import Observation, Pod


@dataclass(frozen=True, slots=True)
class Workload:
    """The pods and their work at one moment.

    Attributes:
        needed: pods that the work needs.
        in_flight: activities that run in pods that are not terminating.
        live: pods that are not terminating.
        terminating: pods that are.
        busy: names of live pods with work.
        unknown: names of live pods whose container runs but whose worker has said nothing.
        removable: names of idle pods that a ReplicaSet would take before any other, in its order.
    """

    needed: int
    in_flight: int
    live: int
    terminating: int
    busy: frozenset[str]
    unknown: frozenset[str]
    removable: tuple[str, ...]

    @property
    def protected(self) -> int:
        """Pods that must not be taken."""
        return len(self.busy) + len(self.unknown)


def measure_workload(seen: Observation, memory: Memory, scaling: Scaling, slots: int) -> Workload:
    """Return what the pods do and what the work needs.

    A pod whose worker has not reported is capacity with nothing in flight: counting it as full would add a pod
    at every tick.
    """
    live = tuple(pod for pod in seen.pods if not pod.terminating)
    running = [(pod, memory.pods.get(pod.name)) for pod in live if pod.started]
    in_flight = sum(work.used for _, work in running if work)
    return Workload(
        needed=_needed(seen, memory, in_flight, scaling, slots),
        in_flight=in_flight,
        live=len(live),
        terminating=len(seen.pods) - len(live),
        busy=frozenset(pod.name for pod, work in running if work and work.used),
        unknown=frozenset(pod.name for pod, work in running if work is None),
        removable=_removable(live, {} if seen.stale else memory.pods, scaling.scale_down.min_idle),
    )


def _needed(seen: Observation, memory: Memory, in_flight: int, scaling: Scaling, slots: int) -> int:
    """Return the number of pods that the work needs, at least 1 while a workflow task waits.

    Workflow tasks take no slots and are done in no time, but until a worker has polled each of them stands for an
    export that will want a slot next.

    With `targetWait` T and m completions a second in each slot, S slots start S - in_flight + S * m * T tasks within T,
    so that (backlog + in_flight) / (1 + m * T) slots are enough.
    """
    if seen.queue is None:
        return 0
    exports = 0 if memory.polled else seen.queue.workflows.tasks
    tasks = seen.queue.activities.tasks + exports + in_flight
    speedup = 1.0 + memory.completion_rate * scaling.target_wait if scaling.target_wait else 1.0
    wanted = max(math.ceil(tasks / (slots * speedup)), math.ceil(in_flight / slots))
    return max(wanted, 1 if seen.queue.workflows.tasks else 0)


def _removable(live: tuple[Pod, ...], works: Mapping[str, PodWork], min_idle: float) -> tuple[str, ...]:
    """Return the idle pods that go before every other, whatever their cost.

    A ReplicaSet takes unassigned, then pending, then unready pods first, and only among equals looks at the cost.
    So the idle pods that sort before the first one that must stay are all that can be taken safely. Of stale
    reports none is believed.
    """

    def order(pod: Pod) -> tuple[bool, int, bool, bool, str]:
        return (pod.assigned, pod.phase, pod.ready, not _is_idle(pod, works.get(pod.name), min_idle), pod.name)

    removable = []
    for pod in sorted(live, key=order):
        if not _is_idle(pod, works.get(pod.name), min_idle):
            break
        removable.append(pod.name)
    return tuple(removable)


def _is_idle(pod: Pod, work: PodWork | None, min_idle: float) -> bool:
    """Return whether the pod has nothing to do and has had nothing for long enough."""
    if not pod.started:
        return True
    return work is not None and work.used == 0 and work.idle_for >= min_idle
