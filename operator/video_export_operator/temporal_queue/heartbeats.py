"""What workers say in their heartbeats, by pod."""

from collections.abc import Iterable, Mapping

from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.worker.v1 import WorkerHeartbeat, WorkerSlotsInfo

from video_export_operator.scaling import WorkerReport
from video_export_operator.temporal_queue.timestamps import to_seconds

MISSED = 3
"""Intervals of its own by which the heartbeat of a worker that runs may be older than the newest of its pod."""
INTERVAL = 60.0
"""Seconds between two heartbeats of a worker that has sent only one: the SDKs' default, and the longest they allow."""


def report_by_pod(beats: Iterable[WorkerHeartbeat], heard_at: float | None = None) -> Mapping[str, WorkerReport]:
    """Return what the workers of each pod do, under the pod's host name and under their identity.

    A container that restarted leaves the heartbeat of its predecessor behind for minutes, which is not added.

    Args:
        beats: of one task queue.
        heard_at: when Temporal said so, on the caller's clock; None for at the time of the whole answer.
    """
    by_name: dict[str, list[WorkerHeartbeat]] = {}
    for beat in beats:
        for name in {beat.host_info.host_name, beat.worker_identity} - {""}:
            by_name.setdefault(name, []).append(beat)
    return {name: _report(group, heard_at) for name, group in by_name.items()}


def _report(group: list[WorkerHeartbeat], heard_at: float | None) -> WorkerReport:
    """Return the sum of the processes of one pod that are alive, and the version of the one that spoke last.

    One that ended soon after its first heartbeat may still count as alive, and must not hide its successor's version.
    """
    newest = max(to_seconds(beat.heartbeat_time) for beat in group)
    by_age = sorted(group, key=lambda beat: to_seconds(beat.heartbeat_time), reverse=True)
    alive = [beat for beat in by_age if _is_alive(beat, newest)]
    activities = [beat.activity_task_slots_info for beat in alive]
    lasting = [info for beat in alive for info in (beat.local_activity_slots_info, beat.nexus_task_slots_info)]
    workflows = [beat.workflow_task_slots_info for beat in alive]
    return WorkerReport(
        used=sum(slots.current_used_slots for slots in activities),
        processed=sum(slots.total_processed_tasks for slots in activities),
        beat=newest,
        others=sum(slots.current_used_slots for slots in (*lasting, *workflows)),
        others_processed=sum(slots.total_processed_tasks for slots in lasting),
        slots=_capacity(activities),
        version=next((_version(beat) for beat in alive if beat.deployment_version.build_id), ""),
        heard_at=heard_at,
    )


def _is_alive(beat: WorkerHeartbeat, newest: float) -> bool:
    """Return whether a worker may still run: it did not say that it ended, and misses few heartbeats."""
    if beat.status == WorkerStatus.WORKER_STATUS_SHUTDOWN:
        return False
    elapsed = beat.elapsed_since_last_heartbeat
    interval = elapsed.seconds + elapsed.nanos * 1e-9
    return newest - to_seconds(beat.heartbeat_time) < MISSED * (interval or INTERVAL)


def _capacity(slots: list[WorkerSlotsInfo]) -> int | None:
    """Return how many tasks the processes take at once; None where one does not say (-1: it decides by its load)."""
    if any(each.current_available_slots < 0 for each in slots):
        return None
    return sum(each.current_available_slots + each.current_used_slots for each in slots) or None


def _version(beat: WorkerHeartbeat) -> str:
    """Return the Worker Deployment Version as Temporal writes it."""
    return f"{beat.deployment_version.deployment_name}.{beat.deployment_version.build_id}"
