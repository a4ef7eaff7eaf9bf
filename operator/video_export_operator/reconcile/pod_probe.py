"""Asks the pods themselves: what Temporal has not heard of their workers, and what it has not heard yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from video_export_operator.reconcile.memory import Poll
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue.worker_metrics import MetricsPort, WorkerMetrics


@dataclass(frozen=True)
class PodProbe:
    """Completes what is known of workers."""

    metrics: WorkerMetrics

    async def complete(self, resource: VideoExportWorker, poll: Poll, pods: Iterable[LivePod]) -> Poll:
        """Return a new answer of Temporal with what pods say that have no heartbeat, or that are free to go.

        A heartbeat may be twenty seconds old, and node autoscalers may take a pod that they are not kept from at any
        time. So these are asked at each poll whether they have begun something.
        """
        queue = poll.queue
        if queue is None or poll.failures or queue.at == poll.completed_at:
            return poll
        asked = [pod for pod in pods if _can_answer(pod) and (pod.name not in queue.workers or pod.protected is False)]
        reports = await self._ask(resource, asked, queue.at)
        silent = {name: report for name, report in reports.items() if name not in queue.workers}
        completed = replace(queue, workers={**silent, **queue.workers}) if silent else queue
        poll = replace(poll, completed_at=queue.at, by_metrics=frozenset(silent), queue=completed)
        idle = {name for name, heard in queue.workers.items() if not heard.running}
        return with_begun(poll, {name: report for name, report in reports.items() if name in idle and report.running})

    async def look(self, resource: VideoExportWorker, pods: Iterable[LivePod]) -> Mapping[str, WorkerReport]:
        """Return what these pods run now, of those that answer; all are asked at once.

        What was heard of them may be as old as two intervals, of heartbeats and of questions to Temporal. A pod that
        does not answer is as idle as Temporal heard it to be.
        """
        return await self._ask(resource, [pod for pod in pods if _can_answer(pod)], at=0.0)

    async def _ask(self, resource: VideoExportWorker, pods: Iterable[LivePod], at: float) -> Mapping[str, WorkerReport]:
        """Return what the pods say of themselves."""
        spec = resource.spec
        ports = [MetricsPort(pod.name, pod.address, spec.metrics_port) for pod in pods]
        return await self.metrics.fetch_reports(ports, spec.temporal.task_queue, at) if ports else {}


def with_begun(poll: Poll, begun: Mapping[str, WorkerReport]) -> Poll:
    """Return what is known with the work that pods have begun since. They keep their heartbeat otherwise."""
    queue = poll.queue
    if queue is None or not begun:
        return poll
    heard = queue.workers
    workers = {
        pod: replace(heard.get(pod, report), used=report.used, others=report.others) for pod, report in begun.items()
    }
    return replace(poll, queue=replace(queue, workers={**queue.workers, **workers}))


def _can_answer(pod: LivePod) -> bool:
    """Return whether the pod's worker may run and can be reached."""
    return pod.started and not pod.terminating and bool(pod.address)
