"""What is known when a size is decided. All times are seconds of one monotonic clock of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on a queue, of one task type; ages in seconds, rates in tasks a second."""

    tasks: int = 0
    oldest_age: float = 0.0
    add_rate: float = 0.0
    dispatch_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What the worker of one pod last said of itself.

    Attributes:
        used: activities that run; more than at the heartbeat where the pod itself was asked since.
        processed: activities ended since the worker began.
        beat: time of its heartbeat on the worker's own clock; only whether it changed matters.
    """

    used: int
    processed: int = 0
    beat: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueState:
    """One answer of Temporal, all of it asked together.

    Attributes:
        at: when.
        workers: by the name of their pod.
        last_poll: when any worker last polled, if that is known.
    """

    at: float
    activities: Backlog = Backlog()
    workflows: Backlog = Backlog()
    workers: Mapping[str, WorkerReport] = field(default_factory=dict)
    last_poll: float | None = None

    @property
    def waiting(self) -> int:
        """Tasks of both types."""
        return self.activities.tasks + self.workflows.tasks


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, as far as its size is concerned.

    Attributes:
        started: its worker container runs; one that does not cannot have work.
        phase: 0 Pending, 1 Unknown, 2 Running: the order in which a ReplicaSet takes pods away.
        deletion_cost: of the annotation; lower ones go first.
    """

    name: str
    started: bool = True
    ready: bool = True
    assigned: bool = True
    phase: int = 2
    terminating: bool = False
    deletion_cost: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that a decision may depend on, beside the spec and the memory.

    Attributes:
        present: the size last decided on.
        queue: the newest answer of Temporal, None before the first.
        failures: attempts to ask Temporal that failed since that answer.
        rolling: a rollout is in progress and has not exceeded its deadline.
        open_executions: open workflows of the queue; None unless they were counted for this decision.
    """

    at: float
    present: int
    pods: tuple[Pod, ...] = ()
    queue: QueueState | None = None
    failures: int = 0
    rolling: bool = False
    open_executions: int | None = None

    @property
    def stale(self) -> bool:
        """Temporal has not answered, or not the last time it was asked."""
        return self.queue is None or self.failures > 0
