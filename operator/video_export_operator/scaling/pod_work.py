"""The last that the worker of a pod said, and since when it has had nothing to do."""

from dataclasses import dataclass, replace

from video_export_operator.resource.live import LivePod
from video_export_operator.scaling.observation import QueueState, WorkerReport

HEARD = 15.0
"""Seconds by which a worker's word may be older than the statistics of its queue: several queues share a list."""


@dataclass(frozen=True, slots=True)
class PodWork:
    """The last that the worker of a pod said; a silent one keeps it.

    Attributes:
        idle_from: since when it has had nothing to do, None while it is busy.
        idle_until: the last time it said so.
        heard_at: when it was last heard, be it with nothing new.
        reported_at: when it last said something new.
    """

    report: WorkerReport
    idle_from: float | None
    idle_until: float
    heard_at: float
    reported_at: float

    @property
    def used(self) -> int:
        """Activities that run."""
        return self.report.used

    @property
    def processed(self) -> int:
        """Activities that ended."""
        return self.report.processed

    @property
    def running(self) -> int:
        """Everything that runs."""
        return self.report.running

    @property
    def idle_for(self) -> float:
        """Seconds of idleness that its own reports confirm."""
        return 0.0 if self.idle_from is None else self.idle_until - self.idle_from

    def is_heard(self, queue_at: float) -> bool:
        """Return whether this is part of the last answer, or hardly older."""
        return self.heard_at >= queue_at - HEARD

    def free_slots(self, slots: int) -> int:
        """Return how many activities the worker can take beside those that run; `slots` where it does not say."""
        return max(0, (self.report.slots or slots) - self.used)


def hear(pod: LivePod, queue: QueueState | None, before: PodWork | None) -> PodWork | None:
    """Return what is known of the pod's worker; of a container that does not run only the past is known."""
    report = queue.workers.get(pod.name) if queue is not None else None
    if report is None or queue is None:
        return before
    at = queue.at if report.heard_at is None else report.heard_at
    same = before is not None and report.beat == before.report.beat
    if same and before is not None and report.running <= before.running:
        return replace(before, heard_at=at)  # more under the same heartbeat is what the pod itself said later
    return _reported(report, before, at)


def _reported(report: WorkerReport, before: PodWork | None, at: float) -> PodWork:
    """Return a new report with the idleness that it continues or begins.

    An activity that came and went between two reports shows in what was processed, so it ends the idleness too.
    """
    idle_from = None
    if report.running == 0:
        same = before is not None and before.idle_from is not None and _ended(before.report) == _ended(report)
        idle_from = before.idle_from if same and before is not None else at
    return PodWork(report, idle_from, at, heard_at=at, reported_at=at)


def _ended(report: WorkerReport) -> tuple[int, int]:
    """Return how much has ended, of each kind that counts."""
    return report.processed, report.others_processed
