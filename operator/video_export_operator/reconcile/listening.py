"""Asks the pods themselves what Temporal has not heard of their workers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from video_export_operator.reconcile.record import Record
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.live import LivePod
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
        silent = [pod for pod in pods if _is_silent(pod, queue.workers.keys())]
        record.by_metrics = frozenset()
        if not silent:
            return
        spec = resource.spec
        ports = [MetricsPort(pod.name, pod.address, spec.metrics_port) for pod in silent]
        reports = await self.metrics.fetch_reports(ports, spec.temporal.task_queue, queue.at)
        record.by_metrics = frozenset(reports)
        record.queue = replace(queue, workers={**reports, **queue.workers})


def _is_silent(pod: LivePod, heard: Iterable[str]) -> bool:
    """Return whether the pod's worker runs and Temporal has not heard of it."""
    return pod.started and not pod.terminating and bool(pod.address) and pod.name not in heard
