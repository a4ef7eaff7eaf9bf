"""What the watches show of what somebody did to our objects."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.errors import Conflict, NameTaken
from video_export_operator.manifests import Ref
from video_export_operator.plan import pause_after
from video_export_operator.reconcile import Store
from video_export_operator.reconcile.snapshot import Snapshot
from video_export_operator.resource import Key
from video_export_operator.resource.live import LOST, parse_deployment, parse_pod, take_fingerprint
from video_export_operator.resource.trouble import Trouble

KEY = Key("media", "exports")
POLICY = Ref("networking.k8s.io/v1", "NetworkPolicy", "exports")


def made(version: int = 1, owned: tuple[str, ...] = ("f:spec",), **metadata: Any) -> dict[str, Any]:
    ours = {"manager": "video-export-operator", "operation": "Apply", "fieldsV1": {name: {} for name in owned}}
    theirs = {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:metadata": {}}}
    return {
        "apiVersion": POLICY.api_version,
        "kind": POLICY.kind,
        "metadata": {
            "name": "exports",
            "namespace": "media",
            "uid": "u-1",
            "resourceVersion": str(version),
            "labels": {"videoexport.dev/worker": "exports"},
            "managedFields": [theirs, ours],
            **metadata,
        },
    }


def test_only_what_is_ours_changes_the_fingerprint() -> None:
    before = take_fingerprint(made())
    assert take_fingerprint(made(version=9, annotations={"team": "video"})) == before
    assert take_fingerprint(made(owned=("f:metadata", "f:spec"))) != before, "a field of ours was taken"
    assert take_fingerprint(made(generation=2)) == before, "whoever changes a field of ours takes it out of the entry"
    assert take_fingerprint(made(uid="u-2")) != before


def test_an_edit_of_a_child_wakes_and_our_own_write_does_not_twice() -> None:
    woken: list[Key] = []
    store = Store(woken.append)
    store.put_child(made(1))
    store.put_child(made(2, annotations={"team": "video"}))
    assert woken == [KEY], "a foreign field is nobody's business"
    store.put_child(made(3, owned=()))
    assert woken == [KEY, KEY]
    store.put_child(made(2))  # a watch that lags behind
    assert store.snapshot(resource()).children == {POLICY: take_fingerprint(made(3, owned=()))}
    store.drop_child(made(1))
    assert POLICY in store.snapshot(resource()).children
    store.drop_child(made(4))
    assert store.snapshot(resource()).children == {}
    assert woken == [KEY] * 3


def test_what_only_a_change_mends_is_looked_at_ever_more_rarely() -> None:
    waits = [pause_after(NameTaken("taken"), attempts, 1.0) for attempts in range(1, 8)]
    assert waits == [15, 30, 60, 120, 240, 300, 300]
    assert [pause_after(Conflict("changed"), attempts, 0.0) for attempts in (1, 2, 99)] == [0.25, 0.5, 15]


def deployment(replicas: int, changed_by: str = "", uid: str = "d-1") -> dict[str, Any]:
    """A Deployment as it was applied, and whose size the operator or somebody else has changed since."""
    entries = [{"manager": "video-export-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {}}}}]
    if changed_by:
        size: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
        entries.append({"manager": changed_by, "operation": "Update", "subresource": "scale", "fieldsV1": size})
    metadata = {"name": "exports", "uid": uid, "managedFields": entries}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": {}}


def seen(body: dict[str, Any], told: int = 3) -> Snapshot:
    return Snapshot(resource(), 0.0, {"status": {"desiredReplicas": told}}, parse_deployment(body), (), {})


@pytest.mark.parametrize(
    ("replicas", "changed_by", "size"),
    [(3, "kubectl", 3), (0, "kubectl", 3), (5, "kubectl", 5), (0, "video-export-operator", 0), (1, "", 3)],
)
def test_no_edit_makes_the_size_smaller_than_it_was(replicas: int, changed_by: str, size: int) -> None:
    """After a restart nothing but the status and `managedFields` say what was decided."""
    assert seen(deployment(replicas, changed_by)).present(None) == size


def test_the_size_that_was_given_counts_more_than_any_edit() -> None:
    edited, successor = deployment(9, "kubectl"), deployment(1, "kubectl", uid="d-2")
    assert seen(edited).present(None) == 9
    assert seen(edited).present(("d-1", 2)) == 2
    assert seen(successor, told=1).present(("d-1", 2)) == 1, "another Deployment of the name"


def test_a_size_is_no_edit_of_the_object() -> None:
    scaled = deployment(5, "video-export-operator")
    assert take_fingerprint(scaled) == take_fingerprint(deployment(3))


def test_the_last_other_writer_is_known_by_its_manager() -> None:
    body = deployment(3)
    body["metadata"]["managedFields"] += [
        {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:00Z", "fieldsV1": {}},
        {"manager": "meddler", "operation": "Update", "time": "2026-01-02T00:00:00Z", "fieldsV1": {}},
        {
            "manager": "kube-controller-manager",
            "operation": "Update",
            "subresource": "status",
            "time": "2026-01-03T00:00:00Z",
            "fieldsV1": {},
        },
    ]
    assert parse_deployment(body).writer == "meddler"
    assert parse_deployment(deployment(3)).writer == ""


def pod_body(**more: Any) -> dict[str, Any]:
    owners = [{"kind": "ReplicaSet", "name": "exports-1"}]
    metadata = {"name": "a", "uid": "a", "labels": {"videoexport.dev/worker": "exports"}, "ownerReferences": owners}
    return {"metadata": {**metadata, **more.pop("metadata", {})}, "status": {"phase": "Running", **more}}


def test_how_a_container_ended_is_known_while_it_runs_again() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "1970-01-01T00:10:00Z"}}
    container = {"name": "worker", "restartCount": 7, "state": {"running": {}}, "lastState": ended}
    pod = parse_pod(pod_body(containerStatuses=[container]))
    assert pod is not None
    message = "container worker ended with exit code 137 and was restarted, 7 times in all"
    assert pod.trouble == Trouble("OOMKilled", message, at=600.0)
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}
    pod = parse_pod(pod_body(containerStatuses=[{**container, "state": waiting}]))
    assert pod is not None
    assert pod.trouble == Trouble("CrashLoopBackOff", f"back-off 5m0s; OOMKilled: {message}")
    well = {"terminated": {"reason": "Completed", "exitCode": 0}}
    pod = parse_pod(pod_body(containerStatuses=[{**container, "lastState": well}]))
    assert pod is not None
    assert pod.trouble is None


def test_a_pod_that_should_have_ended_long_ago_is_lost() -> None:
    pod = parse_pod(pod_body(metadata={"deletionTimestamp": "1970-01-01T00:10:00Z"}))
    assert pod is not None
    assert pod.terminating
    assert not pod.is_lost(600.0 + LOST)
    assert pod.is_lost(601.0 + LOST)
