"""What must be remembered from one decision to the next: a value, passed in and returned."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from video_export_operator.resource import Scaling
from video_export_operator.scaling.observation import Observation, Pod, QueueState, WorkerReport

OUTAGE = 2
"""Failed attempts in a row that make an outage. One alone says little: it only makes the statistics stale."""


@dataclass(frozen=True, slots=True)
class PodWork:
    """The last that the worker of a pod said; a silent one keeps it.

    Attributes:
        idle_from: since when it has had nothing to do, None while it is busy.
        idle_until: the last time it said so.
    """

    used: int
    processed: int
    beat: float
    idle_from: float | None
    idle_until: float

    @property
    def idle_for(self) -> float:
        """Seconds of idleness that its own reports confirm."""
        return 0.0 if self.idle_from is None else self.idle_until - self.idle_from


@dataclass(frozen=True, slots=True)
class Sample:
    """A stretch of time in which the same was needed, and what was done in it.

    Attributes:
        at: its end.
        completed: activities that ended.
        slot_seconds: time that slots were in use.
    """

    at: float
    needed: int
    completed: int = 0
    slot_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The past, as far as it matters.

    Attributes:
        since: from when on the samples are without a gap; None before the first.
        samples: oldest first, one window's worth.
        polled: a worker has polled since the size was last 0.
        left_zero: when the size last became more than 0.
        unreachable_since: when Temporal stopped answering.
        counted_at: when open executions were last counted, and how many there were.
        queue_at: time of the last answer that is part of this memory.
        completion_rate: activities that one slot in use completed a second, before that answer; 0.0 while unknown.
    """

    pods: Mapping[str, PodWork] = field(default_factory=dict)
    since: float | None = None
    samples: tuple[Sample, ...] = ()
    polled: bool = False
    left_zero: float | None = None
    unreachable_since: float | None = None
    counted_at: float | None = None
    open_executions: int = 0
    queue_at: float | None = None
    completion_rate: float = 0.0

    def covers(self, at: float, window: float) -> bool:
        """Return whether the whole window before `at` was observed."""
        return self.since is not None and at - self.since >= window

    def most_needed(self, at: float, window: float) -> int:
        """Return the largest need in the window."""
        return max((sample.needed for sample in self.samples if at - sample.at <= window), default=0)


def remember_pods(seen: Observation, memory: Memory) -> Memory:
    """Return the memory with what the workers of the pods that exist say now."""
    queue = seen.queue
    pods = {pod.name: work for pod in seen.pods if (work := _pod_work(pod, queue, memory)) is not None}
    present = seen.present > 0 or any(not pod.terminating for pod in seen.pods)
    left_zero = (memory.left_zero if memory.left_zero is not None else seen.at) if present else None
    polled = present and (memory.polled or bool(pods) or _has_polled(queue, left_zero))
    known = replace(memory, pods=pods, polled=polled, left_zero=left_zero)
    if queue is None or queue.at == memory.queue_at:
        return known
    # Of the answers before this one: looking twice at the same answer must not change what it means.
    return replace(known, completion_rate=_completion_rate(memory.samples))


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
    samples = memory.samples
    if memory.queue_at != seen.queue.at or not samples or samples[-1].needed != needed:
        oldest = seen.at - scaling.scale_down.stabilization_window
        kept = tuple(sample for sample in samples if sample.at >= oldest)
        samples = _extended(kept, _sample(seen, memory, before, needed))
    return replace(
        memory,
        since=seen.at if memory.since is None else memory.since,
        samples=samples,
        unreachable_since=None,
        queue_at=seen.queue.at,
    )


def remember_count(seen: Observation, memory: Memory) -> Memory:
    """Return the memory with the number of open executions, where they were counted."""
    if seen.open_executions is None:
        return memory
    return replace(memory, counted_at=seen.at, open_executions=seen.open_executions)


def _completion_rate(samples: tuple[Sample, ...]) -> float:
    """Return how many activities one slot in use completes a second; 0.0 while unknown."""
    seconds = sum(sample.slot_seconds for sample in samples)
    return sum(sample.completed for sample in samples) / seconds if seconds > 0 else 0.0


def _has_polled(queue: QueueState | None, left_zero: float | None) -> bool:
    """Return whether any worker asked for work since there are pods: foreign images send no heartbeats."""
    return queue is not None and queue.last_poll is not None and left_zero is not None and queue.last_poll > left_zero


def _pod_work(pod: Pod, queue: QueueState | None, memory: Memory) -> PodWork | None:
    """Return what is known of the pod's worker; of a container that does not run only the past is known."""
    before = memory.pods.get(pod.name)
    report = queue.workers.get(pod.name) if queue is not None else None
    if report is None or queue is None:
        return before
    if before is not None and report.beat == before.beat and report.used <= before.used:
        return before  # more under the same heartbeat is what the pod itself said later
    return _reported(report, before, queue.at)


def _reported(report: WorkerReport, before: PodWork | None, at: float) -> PodWork:
    """Return a new report with the idleness that it continues or begins.

    An activity that came and went between two reports shows in `processed`, so it ends the idleness too.
    """
    idle_from = None
    if report.used == 0:
        same = before is not None and before.idle_from is not None and before.processed == report.processed
        idle_from = before.idle_from if same and before is not None else at
    return PodWork(report.used, report.processed, report.beat, idle_from, at)


def _remember_silence(seen: Observation, memory: Memory) -> Memory:
    """Return the memory of a Temporal that did not answer."""
    since = memory.unreachable_since
    if seen.failures and since is None:
        since = seen.at
    if seen.failures < OUTAGE and seen.queue is not None:
        return replace(memory, unreachable_since=since)
    return replace(memory, since=None, samples=(), unreachable_since=since)


def _sample(seen: Observation, memory: Memory, before: Memory, needed: int) -> Sample:
    """Return the present need with the work done since the last sample."""
    last = before.samples[-1].at if before.samples else seen.at
    used = sum(work.used for work in before.pods.values())
    completed = sum(
        max(0, work.processed - before.pods[name].processed)
        for name, work in memory.pods.items()
        if name in before.pods
    )
    return Sample(seen.at, needed, completed, used * (seen.at - last))


def _extended(samples: tuple[Sample, ...], new: Sample) -> tuple[Sample, ...]:
    """Return the samples with one more, which lengthens the last where the need is the same."""
    if not samples or samples[-1].needed != new.needed:
        return (*samples, new)
    last = samples[-1]
    longer = replace(new, completed=last.completed + new.completed, slot_seconds=last.slot_seconds + new.slot_seconds)
    return (*samples[:-1], longer)
