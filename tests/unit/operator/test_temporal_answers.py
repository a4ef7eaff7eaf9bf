from __future__ import annotations

import pytest
from temporalio.api.worker.v1 import WorkerHeartbeat, WorkerHostInfo, WorkerSlotsInfo
from temporalio.service import RPCError, RPCStatusCode

from video_export_operator.status import Reason
from video_export_operator.temporal_queue import Endpoint, report_by_pod, translate


def heartbeat(host: str, at: int, used: int = 0, processed: int = 0, identity: str = "") -> WorkerHeartbeat:
    beat = WorkerHeartbeat(
        worker_identity=identity,
        host_info=WorkerHostInfo(host_name=host),
        activity_task_slots_info=WorkerSlotsInfo(current_used_slots=used, total_processed_tasks=processed),
    )
    beat.heartbeat_time.FromSeconds(at)
    return beat


def test_workers_are_found_by_host_name_and_by_identity() -> None:
    reports = report_by_pod([heartbeat("pod-a", 100, used=2, identity="pod-a"), heartbeat("node", 100, 1, 0, "pod-b")])
    assert reports["pod-a"].used == 2
    assert reports["pod-b"].used == 1


def test_processes_of_one_pod_are_added_but_not_its_ghosts() -> None:
    reports = report_by_pod([heartbeat("a", 100, 1, 5), heartbeat("a", 95, 2, 7), heartbeat("a", 60, 4, 9)])
    assert (reports["a"].used, reports["a"].processed, reports["a"].beat) == (3, 12, 100.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RPCError("refused", RPCStatusCode.UNAVAILABLE, b""), Reason.UNAVAILABLE),
        (RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""), Reason.TIMED_OUT),
        (RPCError("who", RPCStatusCode.UNAUTHENTICATED, b""), Reason.UNAUTHENTICATED),
        (RPCError("no", RPCStatusCode.PERMISSION_DENIED, b""), Reason.PERMISSION_DENIED),
        (RPCError("gone", RPCStatusCode.NOT_FOUND, b""), Reason.NAMESPACE_NOT_FOUND),
        (RPCError("oops", RPCStatusCode.INTERNAL, b""), Reason.SERVER_ERROR),
        (TimeoutError(), Reason.TIMED_OUT),
        (RuntimeError("Failed client connect: InvalidCertificate(UnknownIssuer)"), Reason.CERTIFICATE_INVALID),
        (RuntimeError("Failed client connect: connection refused"), Reason.UNAVAILABLE),
        (RuntimeError("call error after connection: Status { code: Unauthenticated, .."), Reason.UNAUTHENTICATED),
    ],
)
def test_every_error_has_a_reason_of_the_api(error: BaseException, reason: Reason) -> None:
    assert translate(error).reason == reason


def test_secrets_are_not_part_of_an_endpoints_text() -> None:
    endpoint = Endpoint("t:7233", "default", True, None, b"ca", b"certificate", b"private", "key-of-mine")
    assert all(secret not in repr(endpoint) for secret in ("private", "key-of-mine", "certificate=b"))
