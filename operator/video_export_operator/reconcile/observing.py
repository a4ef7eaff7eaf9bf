"""What is known of a resource at one moment, as decisions take it."""

import time

from video_export_operator.reconcile.record import Record
from video_export_operator.reconcile.store import Store
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.live import LivePod
from video_export_operator.scaling import Observation, Pod


def observe(
    resource: VideoExportWorker, store: Store, record: Record, open_executions: int | None = None
) -> Observation:
    """Return what is known now."""
    live = store.deployment(resource.key, resource.uid)
    body = store.resources.get(resource.key) or {}
    # A Deployment that somebody deleted comes back as it was.
    last = (body.get("status") or {}).get("desiredReplicas", 0)
    return Observation(
        at=time.monotonic(),
        present=record.present(live) if live is not None else last,
        pods=tuple(_pod(pod) for pod in store.pods(resource.key)),
        queue=record.queue,
        failures=record.failures,
        rolling=live is not None and live.rolling,
        open_executions=open_executions,
    )


def _pod(pod: LivePod) -> Pod:
    """Return what a decision needs of a pod."""
    return Pod(
        name=pod.name,
        started=pod.started,
        ready=pod.ready,
        assigned=pod.assigned,
        phase=pod.phase,
        terminating=pod.terminating,
        deletion_cost=pod.deletion_cost,
    )
