"""The operator with exactly the rights and variables that its chart gives, and what it relies on in the API server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import find_programs
from tests import fast_yaml
from tests.integration.operator.cluster import Namespace, resource, running_operator
from tests.requirements import require
from tests.servers import TemporalServer
from tests.waiting import wait_for
from video_export_operator.manifests import MERGE_KEYS

CHART = Path(__file__).parents[3] / "charts" / "video-export-operator"
ACCOUNT = "system:serviceaccount:{}:operator-video-export-operator"
"""Who the operator of a release is for the API server."""
SHORT = "rights"


def render(namespace: str, *options: str) -> list[dict[str, Any]]:
    """Return what the operator's chart renders for a namespace."""
    programs = find_programs(("helm",))
    require(programs, "no helm: `make test` builds one with the local Kubernetes")
    command = [
        str(Path(str(programs)) / "helm"),
        "template",
        "operator",
        str(CHART),
        "--namespace",
        namespace,
        *options,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [each for each in fast_yaml.load_all(done.stdout) if each]


def write_kubeconfig(namespace: Namespace, folder: Path) -> Path:
    """Return a kubeconfig that logs in as the operator's ServiceAccount."""
    config = fast_yaml.load(namespace.control_plane.kubeconfig.read_text())
    token = namespace.succeed("create", "token", ACCOUNT.rpartition(":")[2], "--duration=1h").strip()
    config["users"] = [{**user, "user": {"token": token}} for user in config["users"]]
    file = folder / "kubeconfig-of-the-operator"
    file.write_text(fast_yaml.dump(config))
    return file


@pytest.mark.parametrize("scope", ["all", "one"])
async def test_the_charts_rights_are_enough(
    scope: str,
    control_plane: ControlPlane,
    namespace: Namespace,
    temporal_server: TemporalServer,
    temporal_client: Client,
    tmp_path: Path,
) -> None:
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    namespace.succeed("label", "namespace", namespace.name, restricted)  # the workers' pods are created all the same
    rendered = render(namespace.name, *([f"--set=watch.namespaces={{{namespace.name}}}"] if scope == "one" else []))
    for each in rendered:
        if each["apiVersion"].startswith(("rbac.", "admissionregistration.")) or each["kind"] == "ServiceAccount":
            namespace.apply(each)
    (deployment,) = [each for each in rendered if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"] if each.get("value")}
    variables |= {"KUBECONFIG": str(write_kubeconfig(namespace, tmp_path)), "POD_NAME": f"rights-{scope}"}
    variables.pop("VIDEO_EXPORT_OPERATOR_LABEL_SELECTOR", None)
    served = () if scope == "all" else (namespace.name,)
    with running_operator(control_plane, tmp_path, *served, served_by=f"rights-{scope}", **variables) as operator:
        everything = resource(
            temporal_server.address,
            served_by=f"rights-{scope}",
            temporal={"taskQueue": namespace.name},
            storage={"uri": "s3://exports", "secretRef": {"name": "bucket"}},
            podDisruptionBudget={"enabled": True},
        )
        namespace.apply(everything)
        await namespace.wait_condition("Ready", "False", "SecretMissing")
        await temporal_client.start_workflow("Unknown", id=namespace.name, task_queue=namespace.name)
        await namespace.wait_pods(1)
        everything["spec"]["scaling"]["mode"] = "Manual"
        everything["spec"]["networkPolicy"] = {"enabled": False}
        everything["spec"]["podDisruptionBudget"] = {"enabled": False}
        namespace.apply(everything)
        await namespace.wait_size(0)  # marks the pod first
        await wait_for(lambda: not namespace.objects("networkpolicy"), "the NetworkPolicy is removed")
        await wait_for(lambda: "ScaledDown" in [reason for reason, _ in namespace.told()], "the event is there")
        assert operator.metric("video_export_operator_errors_total", reason="Forbidden") == 0
    assert "forbidden" not in operator.log.read_text().lower()


async def test_of_pods_the_operator_may_change_a_few_annotations_of_its_workers_alone(namespace: Namespace) -> None:
    for each in render(namespace.name):
        if each["apiVersion"].startswith(("rbac.", "admissionregistration.")):
            namespace.apply(each)
    ours = {"app.kubernetes.io/managed-by": "video-export-operator"}
    for name, labels in (("worker", ours), ("stranger", {"app": "other"})):
        metadata = {"name": name, "labels": labels, "annotations": {"theirs": "1"}}
        container = {"name": "worker", "image": "example/worker:1"}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
        namespace.succeed("create", "-f", "-", given=pod)

    def patch(pod: str, **change: Any) -> str:
        account = f"--as={ACCOUNT.format(namespace.name)}"
        done = namespace.kubectl(account, "patch", "pod", pod, "--type=merge", "-p", json.dumps(change))
        return "" if done.returncode == 0 else done.stderr

    cost = {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-100"}}
    await wait_for(lambda: "of its own workers" in patch("stranger", metadata=cost), "the policy is enforced")
    protection = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true", "karpenter.sh/do-not-disrupt": None}
    assert patch("worker", metadata=cost) == ""
    assert patch("worker", metadata={"annotations": protection}) == ""
    refused: dict[str, list[dict[str, Any]]] = {
        "only the deletion cost": [{"annotations": {"theirs": value}} for value in ("2", None)]
        + [{"annotations": {"another": "1"}}],
        "none of their labels": [{"labels": {"app": "x"}}, {"labels": {"app.kubernetes.io/managed-by": "x"}}],
        "nothing of a pod but": [{"finalizers": ["example.com/x"]}],
    }
    for reason, changes in refused.items():
        for change in changes:
            assert reason in patch("worker", metadata=change)
    account = f"--as={ACCOUNT.format(namespace.name)}"
    image = namespace.kubectl(account, "set", "image", "pod/worker", "worker=example/other:1")
    assert "nothing of a pod but" in image.stderr
    namespace.succeed("label", "pod", "worker", "app=x")  # everybody else may go on


def test_merge_keys_are_those_of_the_api(control_plane: ControlPlane) -> None:
    """Every list of a pod template that the API merges by a key, merged by the same one here."""
    definitions = control_plane.get("/openapi/v2")["definitions"]
    found: dict[str, str] = {}
    open_ends, done = ["io.k8s.api.core.v1.PodSpec"], set()
    while open_ends:
        name = open_ends.pop()
        done.add(name)
        for field, schema in definitions[name].get("properties", {}).items():
            inner = (schema.get("items") or schema).get("$ref", "").rpartition("/")[2]
            if "x-kubernetes-patch-merge-key" in schema:
                found[field] = schema["x-kubernetes-patch-merge-key"]
            if inner and inner not in done:
                open_ends.append(inner)
    for never in ("ephemeralContainers", "ownerReferences"):  # not what a template says of its pods
        del found[never]
    assert dict(MERGE_KEYS) == found


def test_a_list_of_another_kind_has_no_merge_key(control_plane: ControlPlane) -> None:
    definitions = control_plane.get("/openapi/v2")["definitions"]
    container = definitions["io.k8s.api.core.v1.Container"]["properties"]
    assert "x-kubernetes-patch-merge-key" not in json.dumps(container["envFrom"])
