"""What must be remembered from one decision to the next: a value, passed in and returned."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from video_export_operator.resource import Scaling
from video_export_operator.scaling.draining import FreeSlots, Stalls, observe_stalls
from video_export_operator.scaling.observation import Observation, QueueState
from video_export_operator.scaling.pod_work import PodWork, hear
from video_export_operator.scaling.samples import Sample, Samples, add_sample, completion_rate, most_needed
from video_export_operator.scaling.usage import Usage

OUTAGE = 2
"""Failed attempts in a row that make an outage. One alone says little: it only makes the statistics stale."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The past, as far as it matters.

    Attributes:
        since: from when on the samples are without a gap; None before the first.
        samples: oldest first, one window's worth.
        sampled_at: when the last one was added or lengthened.
        polled: a worker has polled since the size was last 0.
        left_zero: when the size last became more than 0.
        unreachable_since: when Temporal stopped answering.
        counted_at: when open executions were last counted, or could not be.
        open_executions: how many there were.
        count_refused: why they could not be counted; empty where they were.
        queue_at: time of the last answer that is part of this memory.
        completion_rate: activities that one slot in use completed a second, before that answer; 0.0 while unknown.
        stalls: tasks that wait beside free slots, by task type.
        usage: pod-seconds.
    """

    pods: Mapping[str, PodWork] = field(default_factory=dict)
    since: float | None = None
    samples: Samples = ()
    sampled_at: float | None = None
    polled: bool = False
    left_zero: float | None = None
    unreachable_since: float | None = None
    counted_at: float | None = None
    open_executions: int = 0
    count_refused: str = ""
    queue_at: float | None = None
    completion_rate: float = 0.0
    stalls: Stalls = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def covers(self, at: float, window: float) -> bool:
        """Return whether the whole window before `at` was observed."""
        return self.since is not None and at - self.since >= window

    def most_needed(self, at: float, window: float) -> int:
        """Return the largest need in the window."""
        return most_needed(self.samples, at - window)


def remember_pods(seen: Observation, memory: Memory, slots: int) -> Memory:
    """Return the memory with what the workers of the pods that exist say now.

    Args:
        seen: the observation.
        memory: of the decision before.
        slots: activities that a pod takes whose worker does not say.
    """
    queue = seen.queue
    pods = {pod.name: work for pod in seen.pods if (work := hear(pod, queue, memory.pods.get(pod.name))) is not None}
    present = seen.present > 0 or any(not pod.terminating for pod in seen.pods)
    left_zero = (memory.left_zero if memory.left_zero is not None else seen.at) if present else None
    polled = present and (memory.polled or bool(pods) or _has_polled(queue, left_zero))
    known = replace(memory, pods=pods, polled=polled, left_zero=left_zero, usage=_usage(seen, memory, pods))
    if queue is None or queue.at == memory.queue_at:
        return known
    # Of the answers before this one: looking twice at the same answer must not change what it means.
    stalls = observe_stalls(queue, memory.stalls, _free_slots(seen, known, queue.at, slots))
    return replace(known, completion_rate=completion_rate(memory.samples), stalls=stalls)


def remember_queue(seen: Observation, memory: Memory, before: Memory, needed: int, scaling: Scaling) -> Memory:
    """Return the memory with what is needed now; an outage begins a new window.

    Args:
        seen: the observation.
        memory: the memory that knows the pods of this observation.
        before: the memory of the decision before.
        needed: the number of pods that the work needs now.
        scaling: for the length of the window.
    """
    if seen.failures or seen.queue is None:
        return _remember_silence(seen, memory)
    samples, sampled_at = memory.samples, memory.sampled_at
    if memory.queue_at != seen.queue.at or not samples or samples[-1].needed != needed:
        oldest = seen.at - scaling.scale_down.stabilization_window
        samples = add_sample(samples, _sample(seen, memory, before, needed), oldest)
        sampled_at = seen.at
    return replace(
        memory,
        since=seen.at if memory.since is None else memory.since,
        samples=samples,
        sampled_at=sampled_at,
        unreachable_since=None,
        queue_at=seen.queue.at,
    )


def remember_count(seen: Observation, memory: Memory) -> Memory:
    """Return the memory with the number of open executions, where they were counted or could not be."""
    if seen.open_executions is None and not seen.count_refused:
        return memory
    count = seen.open_executions or 0
    return replace(memory, counted_at=seen.at, open_executions=count, count_refused=seen.count_refused)


def _has_polled(queue: QueueState | None, left_zero: float | None) -> bool:
    """Return whether any worker asked for work since there are pods: foreign images send no heartbeats."""
    return queue is not None and queue.last_poll is not None and left_zero is not None and queue.last_poll > left_zero


def _free_slots(seen: Observation, memory: Memory, queue_at: float, slots: int) -> Iterator[FreeSlots]:
    """Yield what is known of the free slots of each worker that takes tasks."""
    for pod in seen.pods:
        work = memory.pods.get(pod.name)
        if work is not None and pod.started and not pod.terminating and work.is_heard(queue_at):
            yield FreeSlots(work.reported_at, activities=work.free_slots(slots) > 0)


def _usage(seen: Observation, memory: Memory, pods: Mapping[str, PodWork]) -> Usage:
    """Return the pod-seconds until now."""
    busy = sum(1 for pod in seen.pods if pod.started and pod.name in pods and pods[pod.name].running)
    return memory.usage.until(seen.at, busy, len(seen.pods) - busy)


def _remember_silence(seen: Observation, memory: Memory) -> Memory:
    """Return the memory of a Temporal that did not answer."""
    since = memory.unreachable_since
    if seen.failures and since is None:
        since = seen.at
    if seen.failures < OUTAGE and seen.queue is not None:
        return replace(memory, unreachable_since=since)
    return replace(memory, since=None, samples=(), sampled_at=None, unreachable_since=since, stalls={})


def _sample(seen: Observation, memory: Memory, before: Memory, needed: int) -> Sample:
    """Return the present need with the work done since the last sample."""
    last = before.sampled_at if before.sampled_at is not None else seen.at
    used = sum(work.used for work in before.pods.values())
    completed = sum(
        max(0, work.processed - before.pods[name].processed)
        for name, work in memory.pods.items()
        if name in before.pods
    )
    return Sample(seen.at, needed, completed, used * (seen.at - last))
