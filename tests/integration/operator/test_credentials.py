"""TLS, mutual TLS and API keys against a real Temporal server, and Secrets that change while the operator runs."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.certificates import Authority, Pair
from dev.control_plane import ControlPlane
from tests.connect_proxy import running_connect_proxy
from tests.integration.operator.cluster import OWN, Namespace, Operator, resource, running_operator
from tests.integration.operator.secure_temporal import NAME, SecureTemporal, running_secure_temporal
from tests.servers import TemporalServer
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureTemporal]:
    """A server that lets in whoever has a certificate of its authority for clients."""
    with running_secure_temporal(tmp_path_factory.mktemp("mutual"), with_keys=False) as server:
        yield server


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureTemporal]:
    """A server that lets in whoever has an API key."""
    with running_secure_temporal(tmp_path_factory.mktemp("keyed"), with_keys=True) as server:
        yield server


def put_secret(namespace: Namespace, name: str, **data: bytes | str) -> None:
    """Create or change a Secret; a key's underscore stands for a dot."""
    encoded = {
        key.replace("_", "."): b64encode(value.encode() if isinstance(value, str) else value).decode()
        for key, value in data.items()
    }
    namespace.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded})


def put_pair(namespace: Namespace, pair: Pair) -> None:
    """Make a pair the client's certificate."""
    put_secret(namespace, "client", tls_crt=pair.certificate.read_bytes(), tls_key=pair.key.read_bytes())


def apply(namespace: Namespace, server: SecureTemporal, name: str = "exports", **temporal: Any) -> None:
    """Apply a resource that trusts the server."""
    put_secret(namespace, "ca", ca_crt=server.ca.read_bytes())
    tls = {"serverName": NAME, "caSecretRef": {"name": "ca"}, **temporal.pop("tls", {})}
    queue = f"{namespace.name}-{name}"
    namespace.apply(resource(server.address, name, temporal={"taskQueue": queue, "tls": tls, **temporal}))


async def wait_reachable(namespace: Namespace) -> None:
    """Wait for Temporal's answer; a Secret that is not read at each poll would be read after ten minutes."""
    await namespace.wait_condition("TemporalReachable", "True", "Answering")


async def wait_refused(namespace: Namespace, reason: str, name: str = "exports") -> None:
    """Wait until the server lets nobody in, or is not trusted."""
    await namespace.wait_condition("TemporalReachable", "False", reason, name=name)


async def wait_worker_for_new_task(namespace: Namespace, server: SecureTemporal) -> None:
    """Start an execution and wait for the pod that it needs."""
    client = await server.connect()
    await client.start_workflow("Unknown", id=namespace.name, task_queue=f"{namespace.name}-exports")
    await namespace.wait_size(1)


async def test_a_rotated_certificate_is_used_within_one_interval(
    operator: Operator, namespace: Namespace, mutual: SecureTemporal, tmp_path: Path
) -> None:
    assert mutual.clients is not None
    put_pair(namespace, mutual.clients.issue("operator"))
    apply(namespace, mutual, tls={"clientCertSecretRef": {"name": "client"}})
    apply(namespace, mutual, "without-certificate")
    await wait_reachable(namespace)
    await wait_refused(namespace, "HandshakeRefused", "without-certificate")
    await wait_worker_for_new_task(namespace, mutual)
    put_pair(namespace, Authority(tmp_path).issue("operator"))  # of an authority that the server does not know
    await wait_refused(namespace, "HandshakeRefused")
    assert (namespace.get("deployment") or {})["spec"]["replicas"] == 1, "the size is kept"
    put_pair(namespace, mutual.clients.issue("successor"))
    await wait_reachable(namespace)


def pods_of(namespace: Namespace) -> tuple[str, int]:
    """Return the hash that the pods carry of their Secrets, and the generation of the Deployment."""
    deployment = namespace.get("deployment") or {}
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    return annotations.get("videoexport.dev/secrets", ""), deployment["metadata"]["generation"]


async def test_a_changed_secret_of_the_storage_brings_new_pods_and_nothing_else_does(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """A pod keeps the environment that it began with. The rollout lets busy pods finish."""
    asked = "video_export_operator_temporal_latency_seconds_count"
    put_secret(namespace, "bucket", AWS_REGION="x")
    storage = {"uri": "s3://exports", "secretRef": {"name": "bucket"}}
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        namespace.apply(resource(temporal_server.address, served_by=OWN, storage=storage))
        await namespace.wait_condition("Ready", "True", "InPlace")
        first, generation = pods_of(namespace)
        assert first
        operator.stop()
        namespace.succeed("label", "secret", "bucket", "team=video")
        operator.start()
        await wait_for(lambda: operator.metric(asked) >= 1, "the new process has asked")
        put_secret(namespace, "bucket", AWS_REGION="y")
        await wait_for(lambda: pods_of(namespace)[0] != first, "the pods are to be replaced")
        assert pods_of(namespace)[1] == generation + 1, "neither the restart nor the label changed the Deployment"
        strategy = (namespace.get("deployment") or {})["spec"]["strategy"]["rollingUpdate"]
        assert strategy["maxUnavailable"] == 0


async def test_a_rotated_api_key_is_used_within_one_interval(
    operator: Operator, namespace: Namespace, keyed: SecureTemporal, tmp_path: Path
) -> None:
    assert keyed.keys is not None
    key = keyed.keys.sign("default:read")
    put_secret(namespace, "key", apiKey=f"{key}\n")
    put_secret(namespace, "elsewhere", apiKey=keyed.keys.sign("elsewhere:admin"))
    put_secret(namespace, "unknown-ca", ca_crt=Authority(tmp_path).pair.certificate.read_bytes())
    with_key: dict[str, Any] = {"apiKeySecretRef": {"name": "key"}}
    apply(namespace, keyed, **with_key)
    apply(namespace, keyed, "elsewhere", apiKeySecretRef={"name": "elsewhere"})
    apply(namespace, keyed, "unknown-ca", **with_key, tls={"caSecretRef": {"name": "unknown-ca"}})
    apply(namespace, keyed, "another-name", **with_key, tls={"serverName": "another.test"})
    await wait_reachable(namespace)
    await wait_refused(namespace, "PermissionDenied", "elsewhere")
    await wait_refused(namespace, "CertificateInvalid", "unknown-ca")
    await wait_refused(namespace, "CertificateInvalid", "another-name")
    await wait_worker_for_new_task(namespace, keyed)
    put_secret(namespace, "key", apiKey=keyed.keys.sign("default:read", expires=1e9))
    await wait_refused(namespace, "PermissionDenied")
    put_secret(namespace, "key", apiKey=keyed.keys.sign("default:write"))
    await wait_reachable(namespace)
    assert key not in operator.log.read_text() + json.dumps(namespace.objects("vew") + namespace.objects("event"))


async def test_temporal_is_reached_through_the_proxy_that_the_environment_names(
    control_plane: ControlPlane, namespace: Namespace, keyed: SecureTemporal, tmp_path: Path
) -> None:
    assert keyed.keys is not None
    put_secret(namespace, "ca", ca_crt=keyed.ca.read_bytes())
    put_secret(namespace, "key", apiKey=keyed.keys.sign("default:read"))
    temporal = {
        "taskQueue": namespace.name,
        "tls": {"serverName": NAME, "caSecretRef": {"name": "ca"}},
        "apiKeySecretRef": {"name": "key"},
    }
    direct = control_plane.server.removeprefix("https://")
    with (
        running_connect_proxy() as proxy,
        running_operator(
            control_plane,
            tmp_path,
            namespace.name,
            lease_name=namespace.name,
            HTTPS_PROXY=proxy.url,
            NO_PROXY=direct,
        ),
    ):
        namespace.apply(resource(keyed.address, served_by=OWN, temporal=temporal))
        await wait_reachable(namespace)
        assert set(proxy.targets) == {keyed.address}
