from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import WorkerStatus
from temporalio.api.worker.v1 import WorkerHeartbeat, WorkerHostInfo, WorkerSlotsInfo
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from video_export_operator.status import Reason
from video_export_operator.temporal_queue import Endpoint
from video_export_operator.temporal_queue.heartbeats import report_by_pod
from video_export_operator.temporal_queue.refusals import translate


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


@pytest.mark.parametrize(
    ("every", "age", "alive"),
    [(10, 29, True), (10, 30, False), (60, 35, True), (60, 179, True), (60, 180, False), (0, 179, True)],
    ids=lambda value: str(value),
)
def test_a_process_is_a_ghost_after_three_of_its_own_intervals(every: int, age: int, alive: bool) -> None:
    """Two processes of one pod, of which one spoke earlier. One that has spoken but once may speak each minute."""
    earlier = heartbeat("a", 1000 - age, used=2, processed=7)
    earlier.elapsed_since_last_heartbeat.FromSeconds(every)
    found = report_by_pod([heartbeat("a", 1000, used=1, processed=5), earlier])["a"]
    assert (found.used, found.processed, found.beat) == ((3, 12) if alive else (1, 5)) + (1000.0,)


def test_a_worker_that_said_that_it_ended_does_not_count() -> None:
    ended = heartbeat("a", 99, used=2)
    ended.status = WorkerStatus.WORKER_STATUS_SHUTDOWN
    assert report_by_pod([heartbeat("a", 100, used=1), ended])["a"].used == 1


def test_the_version_of_a_pod_is_that_of_the_process_that_spoke_last() -> None:
    earlier, later = heartbeat("a", 95), heartbeat("a", 100)
    for beat, build in ((earlier, "old"), (later, "new")):
        beat.deployment_version.deployment_name, beat.deployment_version.build_id = "exports", build
    assert report_by_pod([earlier, later])["a"].version == "exports.new"


def test_every_kind_of_slot_counts() -> None:
    beat = heartbeat("a", 100, used=1, processed=4)
    beat.activity_task_slots_info.current_available_slots = 3
    for kind, used in (("local_activity", 5), ("nexus_task", 2), ("workflow_task", 1)):
        info = getattr(beat, f"{kind}_slots_info")
        info.current_used_slots, info.total_processed_tasks = used, 10 * used
    found = report_by_pod([beat, heartbeat("a", 100)])["a"]
    assert (found.used, found.others, found.slots) == (1, 8, 4)
    assert (found.processed, found.others_processed) == (4, 70), "workflow tasks come and go all the time"


def test_a_worker_that_decides_by_its_load_states_no_slots() -> None:
    beat = heartbeat("a", 100, used=1)
    beat.activity_task_slots_info.current_available_slots = -1
    assert report_by_pod([beat])["a"].slots is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RPCError("refused", RPCStatusCode.UNAVAILABLE, b""), Reason.UNAVAILABLE),
        (RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""), Reason.TIMED_OUT),
        (RPCError("who", RPCStatusCode.UNAUTHENTICATED, b""), Reason.UNAUTHENTICATED),
        (RPCError("no", RPCStatusCode.PERMISSION_DENIED, b""), Reason.PERMISSION_DENIED),
        (RPCError("gone", RPCStatusCode.NOT_FOUND, b""), Reason.NAMESPACE_NOT_FOUND),
        (RPCError("slow down", RPCStatusCode.RESOURCE_EXHAUSTED, b""), Reason.RATE_LIMITED),
        (RPCError("oops", RPCStatusCode.INTERNAL, b""), Reason.SERVER_ERROR),
        (TimeoutError(), Reason.TIMED_OUT),
        (RuntimeError("Failed client connect: InvalidCertificate(UnknownIssuer)"), Reason.CERTIFICATE_INVALID),
        (RuntimeError("Failed client connect: connection refused"), Reason.UNAVAILABLE),
        (RuntimeError('after connection: Status { code: Unauthenticated, message: "who"'), Reason.UNAUTHENTICATED),
        (RuntimeError('after connection: Status { code: Unavailable, message: "soon"'), Reason.UNAVAILABLE),
        (ValueError("no PEM"), Reason.CERTIFICATE_INVALID),
    ],
)
def test_every_error_has_a_reason_of_the_api(error: BaseException, reason: Reason) -> None:
    assert translate(error, tls=True, timeout=3).reason == reason


FAILED = "Failed client connect: `get_system_info` call error after connection: "
CLOSED = (
    'Status { code: Unknown, message: "transport error", source: Some(Error(Io, Custom { kind: BrokenPipe }))) }',
    'Status { code: Cancelled, message: "operation was canceled", source: Some(Canceled, "connection closed"))) }',
)
"""The two ways in which one fault was seen to show."""


@pytest.mark.parametrize("text", CLOSED)
def test_a_connection_that_is_closed_is_always_told_in_the_same_words(text: str) -> None:
    with_tls = translate(RuntimeError(FAILED + text), tls=True, timeout=3)
    assert (with_tls.reason, str(with_tls)) == (
        "HandshakeRefused",
        "the server closed the connection after the TLS handshake",
    )
    plain = translate(RuntimeError(FAILED + text), tls=False, timeout=3)
    assert (plain.reason, str(plain)) == (
        "Unavailable",
        "the server closed the connection; if it serves TLS alone, set temporal.tls",
    )


def test_the_servers_alert_is_told() -> None:
    text = 'Status { code: Unknown, message: "transport error", source: { error: "received fatal alert: UnknownCA" }'
    told = translate(RuntimeError(FAILED + text), tls=True, timeout=3)
    assert (told.reason, str(told)) == ("HandshakeRefused", "the server refused the TLS handshake: UnknownCA")


NOT_CONNECTED = "Failed client connect: Server connection error: tonic::transport::Error(Transport, ConnectError({}))"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'ConnectError("dns error", Custom { kind: Uncategorized, error: "failed to lookup address information" })',
            "dns error: failed to lookup address information",
        ),
        (
            'ConnectError("tcp connect error", 10.0.0.1:1, Os { code: 111, kind: X, message: "Connection refused" })',
            "tcp connect error: Connection refused",
        ),
        (
            "Custom { kind: InvalidData, error: InvalidMessage(InvalidContentType) }",
            "the server does not answer in TLS, which temporal.tls or an API key asks for",
        ),
    ],
)
def test_why_there_is_no_connection_is_told_in_words(text: str, said: str) -> None:
    told = translate(RuntimeError(NOT_CONNECTED.format(text)), tls=True, timeout=3)
    assert (told.reason, str(told)) == ("Unavailable", said)


@pytest.mark.parametrize("address", ["127.0.0.1:70000", "[::zz]:7233"])
async def test_an_address_that_is_none_is_no_fault_of_a_certificate(address: str) -> None:
    """The definition takes both; the client's own words say what is wrong with them."""
    with pytest.raises(ValueError, match="invalid target URL") as refused:
        await Client.connect(address)
    told = translate(refused.value, tls=True, timeout=3)
    assert told.reason == "Unavailable"
    assert str(told).startswith("temporal.address is no address: invalid ")
    assert "for example temporal-frontend.temporal:7233" in str(told)


def test_headers_with_a_date_are_not_told() -> None:
    text = 'Status { code: PermissionDenied, message: "Request \\"x\\".", metadata: { headers: {"date": "now"} }'
    told = translate(RuntimeError(FAILED + text), tls=True, timeout=3)
    assert (told.reason, str(told)) == ("PermissionDenied", 'Request \\"x\\".')


def test_secrets_are_not_part_of_an_endpoints_text() -> None:
    endpoint = Endpoint("t:7233", "default", True, None, b"ca", b"certificate", b"private", "key-of-mine")
    assert all(secret not in repr(endpoint) for secret in ("private", "key-of-mine", "certificate=b"))
