from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.unit.operator.bodies import resource
from video_export_operator.manifests import Manifest, build_children, build_workload, lay_over


def workload(**spec: Any) -> dict[str, Any]:
    return build_workload(resource(**spec)).body


def pod(**spec: Any) -> dict[str, Any]:
    return dict(workload(**spec)["spec"]["template"]["spec"])


def container(**spec: Any) -> dict[str, Any]:
    return dict(pod(**spec)["containers"][0])


def environment(**spec: Any) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container(**spec)["env"]}


def test_the_worker_is_told_its_queue_and_where_everything_is() -> None:
    assert container()["args"] == ["worker", "--task-queue", "video-export-task-queue", "--metrics-port", "8007"]
    assert environment(slots=3, terminationGracePeriodSeconds=100) == {
        "TEMPORAL_ADDRESS": "temporal:7233",
        "TEMPORAL_NAMESPACE": "default",
        "VIDEO_EXPORT_STORAGE_URI": "s3://exports",
        "VIDEO_EXPORT_SLOTS": "3",
        "VIDEO_EXPORT_HEALTH_PORT": "8008",
        "VIDEO_EXPORT_GRACEFUL_SHUTDOWN": "85",
        "VIDEO_EXPORT_CHROMIUM_SANDBOX": "false",
        "HOME": "/tmp",
        "TMPDIR": "/tmp",
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
    }


def test_certificates_are_mounted_and_named() -> None:
    tls = {"serverName": "t.example", "caSecretRef": {"name": "ca"}, "clientCertSecretRef": {"name": "client"}}
    temporal = {"address": "t:7233", "tls": tls}
    told = environment(temporal=temporal)
    mounts = {each["name"]: each["mountPath"] for each in container(temporal=temporal)["volumeMounts"]}
    secrets = {
        each["name"]: each["secret"]["secretName"] for each in pod(temporal=temporal)["volumes"] if "secret" in each
    }
    assert told["TEMPORAL_TLS"] == "true"
    assert told["TEMPORAL_TLS_SERVER_NAME"] == "t.example"
    assert told["TEMPORAL_TLS_SERVER_CA_CERT_PATH"] == f"{mounts['temporal-ca']}/ca.crt"
    assert told["TEMPORAL_TLS_CLIENT_CERT_PATH"] == f"{mounts['temporal-client']}/tls.crt"
    assert told["TEMPORAL_TLS_CLIENT_KEY_PATH"] == f"{mounts['temporal-client']}/tls.key"
    assert secrets == {"temporal-ca": "ca", "temporal-client": "client"}


def test_secrets_reach_the_worker_by_reference_alone() -> None:
    temporal = {"address": "t:7233", "apiKeySecretRef": {"name": "cloud", "key": "token"}}
    made = container(temporal=temporal, storage={"uri": "s3://e", "secretRef": {"name": "bucket"}})
    told = {each["name"]: each for each in made["env"]}
    assert told["TEMPORAL_API_KEY"]["valueFrom"] == {"secretKeyRef": {"name": "cloud", "key": "token"}}
    assert told["TEMPORAL_TLS"]["value"] == "true", "an API key is never sent in the clear"
    assert made["envFrom"] == [{"secretRef": {"name": "bucket"}}]


@pytest.mark.parametrize("spec", [{"command": ["serve"]}, {"args": ["serve"]}])
def test_an_image_that_needs_no_storage_is_told_of_none(spec: dict[str, Any]) -> None:
    made = container(storage=None, **spec)
    assert "VIDEO_EXPORT_STORAGE_URI" not in {each["name"] for each in made["env"]}
    assert "envFrom" not in made


def test_the_pod_is_restricted_and_can_write_where_chromium_must() -> None:
    security = container()["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert {each["mountPath"] for each in container()["volumeMounts"]} == {"/tmp", "/dev/shm"}


def test_a_rollout_never_takes_a_pod_before_its_successor_is_ready() -> None:
    assert workload()["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize(
    ("spec", "has_probes"),
    [
        ({}, True),
        ({"args": ["worker", "--task-queue", "q"]}, True),
        ({"command": ["bin/worker"]}, False),
        ({"args": ["start-worker"]}, False),
    ],
)
def test_only_our_own_worker_has_probes(spec: dict[str, Any], has_probes: bool) -> None:
    assert ("livenessProbe" in container(**spec)) is has_probes


def test_a_foreign_image_gets_its_probes_from_the_template() -> None:
    probe = {"tcpSocket": {"port": 9000}}
    made = container(command=["x"], template={"spec": {"containers": [{"name": "worker", "livenessProbe": probe}]}})
    assert made["livenessProbe"] == probe


def test_pods_begin_protected_from_autoscalers_unless_told_otherwise() -> None:
    def annotations(**spec: Any) -> dict[str, str]:
        return dict(workload(**spec)["spec"]["template"]["metadata"]["annotations"])

    assert annotations()["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations()["karpenter.sh/do-not-disrupt"] == "true"
    assert "karpenter.sh/do-not-disrupt" not in annotations(protectFromEviction=False)


def test_the_size_is_no_part_of_the_object() -> None:
    assert "replicas" not in workload()["spec"]


def test_the_digest_changes_with_the_object_alone() -> None:
    def digest(**spec: Any) -> str:
        return build_workload(resource(**spec)).digest

    assert digest() == digest(scaling={"maxReplicas": 3})
    assert digest() != digest(slots=3)


def children(**spec: Any) -> tuple[dict[str, Manifest], set[str]]:
    wanted, absent = build_children(resource(**spec))
    return {child.ref.kind: child for child in wanted}, {ref.kind for ref in absent}


def test_every_object_is_owned_and_can_be_switched_off() -> None:
    wanted, absent = children()
    assert set(wanted) == {"ServiceAccount", "Service", "NetworkPolicy", "ServiceMonitor"}
    assert absent == {"PodDisruptionBudget"}
    for child in wanted.values():
        (owner,) = child.body["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == ("uid-1", True)
    wanted, absent = children(
        networkPolicy={"enabled": False},
        serviceMonitor={"enabled": False},
        serviceAccount={"name": "theirs"},
        podDisruptionBudget={"enabled": True, "maxUnavailable": "25%"},
    )
    assert set(wanted) == {"Service", "PodDisruptionBudget"}
    assert absent == {"ServiceAccount", "NetworkPolicy", "ServiceMonitor"}
    assert wanted["PodDisruptionBudget"].body["spec"]["maxUnavailable"] == "25%"


def test_the_network_policy_lets_in_two_ports_and_out_to_names_and_by_tcp() -> None:
    spec = children()[0]["NetworkPolicy"].body["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for rule in spec["ingress"] for port in rule["ports"]] == [8007, 8008]
    names, rest = spec["egress"]
    assert names == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
    assert rest == {"ports": [{"protocol": "TCP"}]}


def test_egress_is_what_the_resource_names() -> None:
    def egress(**spec: Any) -> Any:
        return children(**spec)[0]["NetworkPolicy"].body["spec"]["egress"][1]

    def tcp(*ports: int) -> Any:
        return [{"protocol": "TCP", "port": port} for port in ports]

    assert egress(networkPolicy={"egress": {"ports": []}}) == {"ports": tcp(7233, 443)}
    assert egress(networkPolicy={"egress": {"ports": [9000]}}) == {"ports": tcp(7233, 443, 9000)}
    assert egress(networkPolicy={"egress": {"cidrs": ["10.0.0.0/8"]}}) == {
        "ports": [{"protocol": "TCP"}],
        "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
    }


def test_linked_assets_are_reached_at_public_addresses_alone() -> None:
    def rules(**spec: Any) -> Any:
        return children(**spec)[0]["NetworkPolicy"].body["spec"]["egress"][2:]

    narrow: dict[str, Any] = {"networkPolicy": {"egress": {"ports": []}}}
    assert rules() == [], "every TCP port is allowed anyway"
    assert rules(**narrow, assets={"mode": "None"}) == []
    (rule,) = rules(**narrow)
    assert rule["ports"] == [{"protocol": "TCP", "port": 80}, {"protocol": "TCP", "port": 443}]
    for peer in rule["to"]:
        block = peer["ipBlock"]
        allowed, private = ip_network(block["cidr"]), [ip_network(each) for each in block["except"]]
        assert all(each.version == allowed.version and each != allowed for each in private)
    private = [ip_network(each) for peer in rule["to"] for each in peer["ipBlock"]["except"]]
    for address in ("10.1.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1", "fd00:ec2::254", "::1", "fe80::1"):
        assert any(ip_address(address) in each for each in private), address
    for address in ("93.184.216.34", "2606:4700::1111"):
        assert not any(ip_address(address) in each for each in private), address


def test_a_profile_on_the_nodes_switches_chromiums_sandbox_on() -> None:
    def seen(**spec: Any) -> tuple[Any, str]:
        template = workload(**spec)["spec"]["template"]["spec"]
        environment = {each["name"]: each.get("value") for each in template["containers"][0]["env"]}
        return template["securityContext"]["seccompProfile"], environment["VIDEO_EXPORT_CHROMIUM_SANDBOX"]

    assert seen() == ({"type": "RuntimeDefault"}, "false")
    profile = {"type": "Localhost", "localhostProfile": "profiles/video-export-worker.json"}
    assert seen(seccompProfile={"type": "Localhost"}) == (profile, "true")


def test_what_requests_may_name_is_told_to_the_workers() -> None:
    storage = {"uri": "s3://exports", "sources": ["s3://recordings", "gs://more/of-them"], "outputs": ["s3://videos"]}
    [container] = workload(storage=storage)["spec"]["template"]["spec"]["containers"]
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["VIDEO_EXPORT_SOURCES"] == "s3://recordings,gs://more/of-them"
    assert environment["VIDEO_EXPORT_OUTPUTS"] == "s3://videos"


@pytest.mark.parametrize(("slots", "limit"), [(1, "8Gi"), (5, "40Gi")])
def test_what_workers_write_has_a_limit_that_follows_their_slots(slots: int, limit: str) -> None:
    volumes = {each["name"]: each for each in pod(slots=slots)["volumes"]}
    assert volumes["tmp"]["emptyDir"] == {"sizeLimit": limit}


def test_the_template_merges_by_keys() -> None:
    template = {
        "metadata": {"labels": {"team": "video", "videoexport.dev/worker": "stolen"}},
        "spec": {
            "nodeSelector": {"disk": "fast"},
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}, {"name": "assets", "emptyDir": {}}],
            "containers": [
                {
                    "name": "worker",
                    "imagePullPolicy": "Never",
                    "env": [{"name": "VIDEO_EXPORT_SLOTS", "value": "9"}, {"name": "MORE", "value": "1"}],
                    "volumeMounts": [{"name": "assets", "mountPath": "/assets"}],
                    "livenessProbe": {"exec": {"command": ["true"]}},
                    "readinessProbe": None,
                },
                {"name": "sidecar", "image": "example/sidecar:1"},
            ],
        },
    }
    made = pod(template=template)
    worker, sidecar = made["containers"]
    told = {each["name"]: each.get("value") for each in worker["env"]}
    assert (told["VIDEO_EXPORT_SLOTS"], told["MORE"], told["TEMPORAL_ADDRESS"]) == ("9", "1", "temporal:7233")
    assert worker["imagePullPolicy"] == "Never"
    assert worker["image"] == "example/worker:1"
    assert "httpGet" not in worker["livenessProbe"]
    assert worker["livenessProbe"]["periodSeconds"] == 10
    assert "readinessProbe" not in worker
    assert {each["mountPath"] for each in worker["volumeMounts"]} == {"/tmp", "/dev/shm", "/assets"}
    assert sidecar == {"name": "sidecar", "image": "example/sidecar:1"}
    volumes = {each["name"]: each for each in made["volumes"]}
    assert volumes["tmp"]["emptyDir"] == {"medium": "Memory"}
    assert "assets" in volumes
    labels = workload(template=template)["spec"]["template"]["metadata"]["labels"]
    assert (labels["team"], labels["videoexport.dev/worker"]) == ("video", "exports")


def test_laying_over_changes_neither_side() -> None:
    base, top = {"a": {"b": [1]}}, {"a": {"c": None, "b": [2]}}
    assert lay_over(base, top) == {"a": {"b": [2]}}
    assert (base, top) == ({"a": {"b": [1]}}, {"a": {"c": None, "b": [2]}})
