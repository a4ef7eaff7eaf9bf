"""What workers say in their heartbeats, by pod."""

from collections.abc import Iterable, Mapping

from temporalio.api.worker.v1 import WorkerHeartbeat

from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue.timestamps import to_seconds

GHOST = 30.0
"""Seconds by which a heartbeat may be older than the newest of its pod; older ones are of a process that is gone."""


def report_by_pod(beats: Iterable[WorkerHeartbeat]) -> Mapping[str, WorkerReport]:
    """Return what the workers of each pod do, under the pod's host name and under their identity.

    A container that restarted leaves the heartbeat of its predecessor behind for minutes, which is not added.
    """
    by_name: dict[str, list[WorkerHeartbeat]] = {}
    for beat in beats:
        for name in {beat.host_info.host_name, beat.worker_identity} - {""}:
            by_name.setdefault(name, []).append(beat)
    return {name: _report(group) for name, group in by_name.items()}


def _report(group: list[WorkerHeartbeat]) -> WorkerReport:
    """Return the sum of the processes of one pod that are alive."""
    newest = max(to_seconds(beat.heartbeat_time) for beat in group)
    alive = [beat.activity_task_slots_info for beat in group if newest - to_seconds(beat.heartbeat_time) < GHOST]
    return WorkerReport(
        used=sum(slots.current_used_slots for slots in alive),
        processed=sum(slots.total_processed_tasks for slots in alive),
        beat=newest,
    )
