"""What is known when a size is decided. All times are seconds of one monotonic clock of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from video_export_operator.controllers import OwnedPods
from video_export_operator.resource.live import LivePod

AT_LIMIT = 0.8
"""Share of a rate limit from which on it is what slows a queue down; Temporal's rates are means of half a minute."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits on a queue, of one task type; ages in seconds, rates in tasks a second.

    Attributes:
        rate_limit: the most that may be started, where somebody limits the queue.
    """

    tasks: int = 0
    oldest_age: float = 0.0
    add_rate: float = 0.0
    dispatch_rate: float = 0.0
    rate_limit: float | None = None

    @property
    def is_limited(self) -> bool:
        """Tasks wait because of the limit: they start about as fast as it allows."""
        return self.tasks > 0 and self.rate_limit is not None and self.dispatch_rate >= AT_LIMIT * self.rate_limit


@dataclass(frozen=True, slots=True)
class VersionWork:
    """The open work of one Worker Deployment Version.

    Attributes:
        tasks: that wait for it, of both types.
        is_current: new workflows begin on it.
        is_draining: none do any more, and workflows that are pinned to it are open.
    """

    version: str
    tasks: int = 0
    is_current: bool = False
    is_draining: bool = False


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What the worker of one pod last said of itself.

    Attributes:
        used: activities that run; more than at the heartbeat where the pod itself was asked since.
        processed: activities ended since the worker began.
        beat: time of its heartbeat on the worker's own clock; only whether it changed matters.
        others: local activities, Nexus operations and workflow tasks that run.
        others_processed: local activities and Nexus operations ended; workflow tasks come and go all the time.
        slots: activities that it takes at once; None where it does not say.
        version: its Worker Deployment Version; empty where it has none.
        heard_at: when this was heard, where that was before the answer that it is part of.
    """

    used: int
    processed: int = 0
    beat: float = 0.0
    others: int = 0
    others_processed: int = 0
    slots: int | None = None
    version: str = ""
    heard_at: float | None = None

    @property
    def running(self) -> int:
        """Everything that runs."""
        return self.used + self.others


@dataclass(frozen=True, slots=True)
class QueueState:
    """One answer of Temporal.

    Attributes:
        at: when it said what waits.
        workers: by the name of their pod; only those that were heard for this answer.
        workers_refused: why Temporal did not say what the workers do; empty where it did, or was not asked.
        deployments: Worker Deployments to which new work of the queue goes; none where it is not versioned.
        versions: the versions with open work; none where nothing waits and all workers are of one version.
        last_poll: when any worker last polled, if that is known.
    """

    at: float
    activities: Backlog = Backlog()
    workflows: Backlog = Backlog()
    workers: Mapping[str, WorkerReport] = field(default_factory=dict)
    last_poll: float | None = None
    workers_refused: str = ""
    deployments: frozenset[str] = frozenset()
    versions: tuple[VersionWork, ...] = ()

    @property
    def waiting(self) -> int:
        """Tasks of both types."""
        return self.activities.tasks + self.workflows.tasks


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that a decision may depend on, beside the spec and the memory.

    Attributes:
        present: the size last decided on.
        queue: the newest answer of Temporal, None before the first.
        failures: attempts to ask Temporal that failed since that answer.
        rolling: a rollout is in progress and has not exceeded its deadline.
        open_executions: open workflows of the queue; None unless they were counted for this decision.
        count_refused: why they could not be counted for this decision; empty unless that was tried.
        scheduled: fewest pods that the schedule asks for now.
        size: what the Deployment asks for, which somebody may have changed; None where it is as decided.
        owned: the pods by ReplicaSet; None stands for one ReplicaSet that has them all.
        now: wall clock in seconds since the epoch, which the ages of pods are counted by.
    """

    at: float
    present: int
    pods: tuple[LivePod, ...] = ()
    queue: QueueState | None = None
    failures: int = 0
    rolling: bool = False
    open_executions: int | None = None
    count_refused: str = ""
    scheduled: int = 0
    size: int | None = None
    owned: OwnedPods | None = None
    now: float = 0.0

    @property
    def current(self) -> int:
        """Pods that may be there by now: a size below it may take some."""
        return max(self.present, self.size or 0)

    @property
    def stale(self) -> bool:
        """Temporal has not answered, or not the last time it was asked."""
        return self.queue is None or self.failures > 0
