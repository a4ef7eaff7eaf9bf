"""Asks the pods themselves: what Temporal has not heard of their workers, and what it has not heard yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from video_export_operator.reconcile.record import Record
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue.worker_metrics import MetricsPort, WorkerMetrics


@dataclass(frozen=True)
class Listener:
    """Completes the records' view of their workers."""

    metrics: WorkerMetrics

    async def complete(self, resource: VideoExportWorker, record: Record, pods: Iterable[LivePod]) -> None:
        """Add the reports of pods without a heartbeat to a new answer of Temporal."""
        queue = record.queue
        if queue is None or record.failures or queue.at == record.completed_at:
            return
        record.completed_at = queue.at
        silent = [pod for pod in pods if _can_answer(pod) and pod.name not in queue.workers]
        record.by_metrics = frozenset()
        if not silent:
            return
        reports = await self._ask(resource, silent, queue.at)
        record.by_metrics = frozenset(reports)
        record.queue = replace(queue, workers={**reports, **queue.workers})

    async def look_again(self, resource: VideoExportWorker, record: Record, pods: Iterable[LivePod]) -> None:
        """Ask the pods that were last heard to be idle whether they have begun something since.

        What was heard may be as old as two intervals, of heartbeats and of questions to Temporal. Who does not
        answer is what Temporal heard it to be. What is idle keeps its heartbeat's word: its age shall go on.
        """
        queue = record.queue
        if queue is None:
            return
        heard = {name for name, report in queue.workers.items() if not report.used}
        idle = [pod for pod in pods if _can_answer(pod) and pod.name in heard]
        reports = await self._ask(resource, idle, queue.at) if idle else {}
        begun = {pod: replace(queue.workers[pod], used=report.used) for pod, report in reports.items() if report.used}
        if begun:
            record.queue = replace(queue, workers={**queue.workers, **begun})

    async def _ask(self, resource: VideoExportWorker, pods: Iterable[LivePod], at: float) -> Mapping[str, WorkerReport]:
        """Return what the pods say of themselves."""
        spec = resource.spec
        ports = [MetricsPort(pod.name, pod.address, spec.metrics_port) for pod in pods]
        return await self.metrics.fetch_reports(ports, spec.temporal.task_queue, at)


def _can_answer(pod: LivePod) -> bool:
    """Return whether the pod's worker may run and can be reached."""
    return pod.started and not pod.terminating and bool(pod.address)
