"""What the operator's chart renders."""

import json
import re
from typing import Any

import pytest

from tests import fast_yaml
from tests.integration.charts.helm import ROOT, Manifest, kinds, only, read_chart, render
from video_export_operator.settings import PREFIX, Settings, read_settings

CHART = "video-export-operator"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def container(manifests: list[Manifest]) -> dict[str, Any]:
    (found,) = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(manifests: list[Manifest]) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container(manifests)["env"]}


def rules(manifest: Manifest) -> set[tuple[str, str, str]]:
    """Every single permission, as API group, resource, verb."""
    return {
        (group, resource, verb)
        for rule in manifest["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def documented_rules(heading: int) -> set[tuple[str, str, str]]:
    """The permissions of the README's n-th table of rules."""
    tables = re.split(r"\n\n", read_chart(CHART, "README.md").split("## What it may do")[1].split("## Values")[0])
    rows = [table for table in tables if table.startswith("| API group")][heading].splitlines()[2:]
    found = set()
    for row in rows:
        group, resources, verbs = (cell.strip() for cell in row.strip("|").split("|")[:3])
        for resource in re.findall(r"`([^`]+)`", resources):
            for verb in re.findall(r"[a-z]+", verbs.split(" of ")[0].replace("and", "")):
                found.add(("" if group == "core" else group.strip("`"), resource, verb))
    return found


def test_the_definition_is_the_one_source() -> None:
    source = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8"))
    rendered = only(render(CHART), "CustomResourceDefinition")
    metadata = rendered.pop("metadata")
    wanted = source.pop("metadata")
    assert rendered == source
    assert metadata["name"] == wanted["name"]
    assert metadata["annotations"] == {**wanted.get("annotations", {}), "helm.sh/resource-policy": "keep"}
    assert wanted.get("labels", {}).items() <= metadata["labels"].items()


def test_the_definition_can_be_left_out_or_given_up() -> None:
    assert "CustomResourceDefinition" not in kinds(render(CHART, {"crds": {"install": False}}))
    given_up = only(render(CHART, {"crds": {"keep": False}}), "CustomResourceDefinition")
    assert "helm.sh/resource-policy" not in given_up["metadata"].get("annotations", {})


def test_by_default_one_restricted_pod() -> None:
    manifests = render(CHART)
    assert kinds(manifests) == [
        "ClusterRole",
        "ClusterRole",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Deployment",
        "NetworkPolicy",
        "Pod",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]
    deployment = only(manifests, "Deployment")
    assert deployment["spec"]["replicas"] == 1
    for pod in (deployment["spec"]["template"]["spec"], only(manifests, "Pod")["spec"]):
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        (one,) = pod["containers"]
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_policy_for_pods_can_be_left_out() -> None:
    assert "ValidatingAdmissionPolicy" not in kinds(render(CHART, {"podPolicy": {"enabled": False}}))


def test_the_seccomp_profile_is_installed_where_that_is_asked_for() -> None:
    manifests = render(CHART, {"seccompProfile": {"install": True, "kubeletRoot": "/var/lib/k0s/kubelet"}})
    profile = json.loads(only(manifests, "ConfigMap")["data"]["video-export-worker.json"])
    allowed = {name for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
    anyhow = {name for rule in profile["syscalls"] if "args" not in rule for name in rule["names"]}
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"clone", "unshare", "chroot"} <= anyhow, "Chromium's sandbox needs these, with any flags"
    forbidden = {"mount", "setns", "pivot_root", "bpf", "init_module", "kexec_load", "keyctl", "io_uring_setup"}
    assert not allowed & forbidden
    pod = only(manifests, "DaemonSet")["spec"]["template"]["spec"]
    assert [volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume] == [
        "/var/lib/k0s/kubelet/seccomp/profiles"
    ]
    assert [container["securityContext"]["runAsUser"] for container in pod["initContainers"]] == [0]
    assert [container["securityContext"]["runAsUser"] for container in pod["containers"]] == [10001]
    assert not pod["automountServiceAccountToken"]


def test_settings_reach_the_operator() -> None:
    values = {
        "watch": {"namespaces": ["a", "b"], "labelSelector": "team=media"},
        "leaderElection": {"leaseName": "chosen"},
        "log": {"level": "debug", "format": "text"},
        "callsPerSecond": 50,
        "concurrency": 4,
        "healthPort": 9080,
        "metricsPort": 9081,
        "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/ca.pem"}],
    }
    manifests = render(CHART, values)
    assert environment(manifests) == {
        "POD_NAME": {"fieldRef": {"fieldPath": "metadata.name"}},
        "POD_NAMESPACE": {"fieldRef": {"fieldPath": "metadata.namespace"}},
        "HOME": "/tmp",
        "VIDEO_EXPORT_OPERATOR_NAMESPACES": "a,b",
        "VIDEO_EXPORT_OPERATOR_LABEL_SELECTOR": "team=media",
        "VIDEO_EXPORT_OPERATOR_LEADER_ELECTION": "true",
        "VIDEO_EXPORT_OPERATOR_LEASE_NAME": "chosen",
        "VIDEO_EXPORT_OPERATOR_LEASE_NAMESPACE": "media",
        "VIDEO_EXPORT_OPERATOR_LOG_FORMAT": "text",
        "VIDEO_EXPORT_OPERATOR_LOG_LEVEL": "debug",
        "VIDEO_EXPORT_OPERATOR_HEALTH_PORT": "9080",
        "VIDEO_EXPORT_OPERATOR_METRICS_PORT": "9081",
        "VIDEO_EXPORT_OPERATOR_CALLS_PER_SECOND": "50",
        "VIDEO_EXPORT_OPERATOR_CONCURRENCY": "4",
        "SSL_CERT_FILE": "/ca.pem",
    }
    one = container(manifests)
    assert {port["name"]: port["containerPort"] for port in one["ports"]} == {"health": 9080, "metrics": 9081}
    assert one["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}


def test_large_numbers_stay_whole() -> None:
    """Helm reads every number as a float; and 2.4e+03 would be no number of calls."""
    assert environment(render(CHART, {"callsPerSecond": 2400}))["VIDEO_EXPORT_OPERATOR_CALLS_PER_SECOND"] == "2400"


def test_the_operator_reads_every_setting_of_the_chart() -> None:
    values = {"watch": {"namespaces": ["a", "b"]}, "log": {"format": "text"}, "callsPerSecond": 50, "healthPort": 9080}
    given = {name: value for name, value in environment(render(CHART, values)).items() if isinstance(value, str)}
    settings = read_settings({**given, "POD_NAME": "operator-1", "POD_NAMESPACE": "media"})
    assert settings.model_dump(exclude_defaults=True) == {
        "namespaces": ("a", "b"),
        "lease_name": "rel-video-export-operator",
        "lease_namespace": "media",
        "identity": "operator-1",
        "log_format": "text",
        "calls_per_second": 50,
        "health_port": 9080,
    }
    ours = {name.removeprefix(PREFIX).lower() for name in given if name.startswith(PREFIX)}
    assert ours <= set(Settings.model_fields), "a variable that the operator does not read does nothing"
    assert (
        read_settings(
            {"VIDEO_EXPORT_OPERATOR_NAMESPACES": environment(render(CHART))[f"{PREFIX}NAMESPACES"]}
        ).namespaces
        == ()
    )


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ({}, "ghcr.io/example/video-export-operator:0.1.0"),
        ({"tag": "edge"}, "ghcr.io/example/video-export-operator:edge"),
        ({"repository": "registry:5000/op", "tag": "edge", "sha": DIGEST}, f"registry:5000/op@{DIGEST}"),
    ],
)
def test_the_image_by_tag_or_digest(image: dict[str, str], reference: str) -> None:
    assert container(render(CHART, {"image": image}))["image"] == reference


def test_the_roles_for_all_namespaces_are_the_documented_ones() -> None:
    role = only(render(CHART), "ClusterRole", "media-rel-video-export-operator")
    assert rules(role) == documented_rules(0) | documented_rules(1)


def test_the_roles_for_listed_namespaces_are_the_documented_ones() -> None:
    manifests = render(CHART, {"watch": {"namespaces": ["a", "b"]}, "rbac": {"aggregate": False}})
    roles = [item for item in manifests if item["kind"] == "Role" and item["metadata"]["namespace"] in ("a", "b")]
    assert [item["metadata"]["namespace"] for item in roles] == ["a", "b"]
    assert [rules(role) for role in roles] == [documented_rules(0)] * 2
    assert not {"ClusterRole", "ClusterRoleBinding"} & set(kinds(manifests))
    bindings = [item for item in manifests if item["kind"] == "RoleBinding"]
    account = {"kind": "ServiceAccount", "name": "rel-video-export-operator", "namespace": "media"}
    assert [binding["subjects"] for binding in bindings] == [[account]] * 3


def test_the_lease_is_one_and_in_the_own_namespace() -> None:
    role = only(render(CHART), "Role", "rel-video-export-operator-lease")
    assert role["metadata"]["namespace"] == "media"
    assert rules(role) == documented_rules(2)
    named = [rule for rule in role["rules"] if set(rule["verbs"]) != {"create"}]
    assert [rule["resourceNames"] for rule in named] == [["rel-video-export-operator"]]
    assert environment(render(CHART))["VIDEO_EXPORT_OPERATOR_LEASE_NAME"] == "rel-video-export-operator"


def test_releases_of_one_name_in_two_namespaces_share_nothing() -> None:
    """As one operator for each tenant: Helm refuses an object of the cluster that another release has."""
    tenants = [
        {
            (item["kind"], item["metadata"]["name"])
            for item in render(CHART, {"crds": {"install": False}}, namespace=tenant)
            if "namespace" not in item["metadata"]
        }
        for tenant in ("a", "b")
    ]
    assert all(tenants)
    assert tenants[0] & tenants[1] == set()


def test_nothing_asks_for_everything() -> None:
    for role in (item for item in render(CHART) if item["kind"] in ("Role", "ClusterRole")):
        assert "*" not in {part for permission in rules(role) for part in permission}, role["metadata"]["name"]


def test_several_replicas_may_not_all_be_disrupted() -> None:
    assert "PodDisruptionBudget" not in kinds(render(CHART, {"replicas": 1}))
    budget = only(render(CHART, {"replicas": 2}), "PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert "PodDisruptionBudget" not in kinds(render(CHART, {"replicas": 2, "podDisruptionBudget": {"enabled": False}}))


def test_everything_selects_the_operator_and_not_the_test_pod() -> None:
    manifests = render(CHART, {"replicas": 2, "metrics": {"serviceMonitor": {"enabled": True}}})
    labels = only(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        only(manifests, "Deployment")["spec"]["selector"]["matchLabels"],
        only(manifests, "Service")["spec"]["selector"],
        only(manifests, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= only(manifests, "Pod")["metadata"]["labels"].items()
    monitor = only(manifests, "ServiceMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= only(manifests, "Service")["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["honorLabels"] is True, "the resource's namespace would become exported_namespace"
    assert monitor["endpoints"][0]["port"] in [port["name"] for port in only(manifests, "Service")["spec"]["ports"]]


def test_metrics_are_read_by_whom_is_named_and_by_helm_test() -> None:
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    manifests = render(CHART, {"networkPolicy": {"metricsFrom": [prometheus]}})
    metrics, health = only(manifests, "NetworkPolicy")["spec"]["ingress"]
    assert prometheus in metrics["from"]
    (tester,) = [peer["podSelector"]["matchLabels"] for peer in metrics["from"] if "podSelector" in peer]
    assert tester.items() <= only(manifests, "Pod")["metadata"]["labels"].items()
    assert not tester.items() <= only(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert "from" not in health, "probes come from the node"
    everybody, _ = only(render(CHART), "NetworkPolicy")["spec"]["ingress"]
    assert "from" not in everybody


def test_an_upgrade_of_the_chart_alone_restarts_nothing() -> None:
    labels = only(render(CHART), "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert "helm.sh/chart" not in labels


def test_the_dashboard_is_found_by_its_label() -> None:
    config = only(render(CHART, {"metrics": {"dashboard": {"enabled": True}}}), "ConfigMap")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert [json.loads(text)["title"] for text in config["data"].values()] == ["Video export"]


def test_the_pod_of_helm_test_runs_where_the_operator_runs() -> None:
    """In a cluster with tainted nodes or a quota it would wait for ever, or be refused."""
    values = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "resources": {"limits": {"memory": "256Mi"}},
    }
    pod = only(render(CHART, values), "Pod")["spec"]
    assert {name: pod[name] for name in ("nodeSelector", "tolerations", "affinity")} == {
        name: values[name] for name in ("nodeSelector", "tolerations", "affinity")
    }
    assert pod["containers"][0]["resources"] == {
        "requests": {"cpu": "50m", "memory": "128Mi"},
        "limits": {"memory": "256Mi"},
    }
