"""Both charts and all examples against a real API server: what helm renders is what Kubernetes takes."""

import json
from typing import Any

import pytest

from tests import fast_yaml
from tests.integration.charts.conftest import NAMESPACE, OPERATOR, Cluster, succeed
from tests.integration.charts.helm import CHARTS, ROOT, only, render
from tests.integration.charts.worker_values import CASES, MONITORS, values
from video_export_operator.manifests import build_workload
from video_export_operator.resource import parse_resource
from video_export_operator.resource.identity import KIND

WORKER = "temporal-worker-video-export"
CRD = "crd/videoexportworkers.videoexport.dev"
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
# Kinds of other projects, whose definitions this API server does not have.
FOREIGN = {"ServiceMonitor", "ScaledObject", "TriggerAuthentication"}


def dry_run(cluster: Cluster, manifests: list[dict[str, Any]]) -> str:
    known = [item for item in manifests if item["kind"] not in FOREIGN]
    text = fast_yaml.dump_all(known)
    return succeed(cluster.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", given=text))


def test_the_operator_is_there(cluster: Cluster) -> None:
    deployment = json.loads(succeed(cluster.kubectl("get", "deployment", OPERATOR, "--output=json")))
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == OPERATOR
    notes = succeed(cluster.helm("get", "notes", OPERATOR))
    assert "all namespaces" in notes
    assert f"rollout status deployment/{OPERATOR}" in notes


@pytest.mark.parametrize(
    ("verb", "resource", "allowed"),
    [
        ("get", "secrets", "yes"),
        ("list", "secrets", "no"),
        ("watch", "secrets", "no"),
        ("patch", "deployments.apps", "yes"),
        ("delete", "deployments.apps", "no"),
        ("patch", "pods", "yes"),
        ("delete", "pods", "no"),
        ("patch", "videoexportworkers.videoexport.dev/status", "yes"),
        ("update", "videoexportworkers.videoexport.dev/finalizers", "yes"),
        ("patch", "videoexportworkers.videoexport.dev", "no"),
        ("list", "nodes", "no"),
        ("create", "leases.coordination.k8s.io", "yes"),
        ("update", f"leases.coordination.k8s.io/{OPERATOR}", "yes"),
        ("update", "leases.coordination.k8s.io/kube-scheduler", "no"),
    ],
)
def test_the_operator_may_do_what_it_needs_and_no_more(
    cluster: Cluster, verb: str, resource: str, allowed: str
) -> None:
    subresource: tuple[str, ...] = ()
    if resource.startswith("videoexportworkers") and "/" in resource:
        resource, name = resource.split("/")
        subresource = (f"--subresource={name}",)
    account = f"--as=system:serviceaccount:{NAMESPACE}:{OPERATOR}"
    assert cluster.kubectl("auth", "can-i", verb, resource, *subresource, account).stdout.strip() == allowed


def test_every_pod_passes_the_restricted_standard(cluster: Cluster) -> None:
    operator = render(OPERATOR)
    worker = render(WORKER, values(operator={"enabled": False}))
    specs = [
        only(operator, "Deployment")["spec"]["template"]["spec"],
        only(operator, "Pod")["spec"],
        only(worker, "Deployment")["spec"]["template"]["spec"],
    ]
    for number, spec in enumerate(specs):
        create_pod(cluster, {"metadata": {"name": f"pod-{number}"}, "spec": {**spec, "serviceAccountName": "default"}})


def create_pod(cluster: Cluster, pod: dict[str, Any]) -> None:
    """Ask the API server whether it would take a pod: only then is Pod Security enforced, not for a Deployment."""
    whole = {"apiVersion": "v1", "kind": "Pod", **pod}
    succeed(cluster.kubectl("create", "--dry-run=server", "--filename=-", given=fast_yaml.dump(whole)))


def test_a_pod_that_is_not_restricted_is_refused(cluster: Cluster) -> None:
    """The check above would be worth nothing if the namespace took everything."""
    pod = {
        "metadata": {"name": "root"},
        "spec": {"serviceAccountName": OPERATOR, "containers": [{"name": "a", "image": "a"}]},
    }
    with pytest.raises(AssertionError, match='violates PodSecurity "restricted'):
        create_pod(cluster, pod)


def test_the_api_server_takes_whatever_the_worker_chart_renders(cluster: Cluster) -> None:
    """Every case with the operator and without, in one request to be quick; a refusal names the object."""
    manifests = []
    for number, case in enumerate(CASES.values()):
        plain = render(WORKER, values(case, operator={"enabled": False}, replicas=3), apis=MONITORS)
        # A pod is refused before its ServiceAccount is there, and here nothing is made: helm's test pods are left out.
        for item in (item for item in [*render(WORKER, values(case)), *plain] if item["kind"] != "Pod"):
            name = f"case{number}-{item['metadata']['name']}"
            manifests.append({**item, "metadata": {**item["metadata"], "name": name}})
    said = dry_run(cluster, in_namespace(manifests))
    assert said.count("videoexportworker.videoexport.dev/") == len(CASES)
    assert said.count("deployment.apps/") == len(CASES)


def in_namespace(manifests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**item, "metadata": {**item["metadata"], "namespace": NAMESPACE}} for item in manifests]


def test_the_worker_chart_installs_and_upgrades(cluster: Cluster) -> None:
    chart = str(CHARTS / WORKER)
    succeed(cluster.helm("install", "exports", chart, values=values(slots=3)))
    try:
        worker = json.loads(succeed(cluster.kubectl("get", "vew", "exports", "--output=json")))
        assert worker["spec"]["slots"] == 3
        assert worker["spec"]["replicas"] == 0, "the resource's own default"
        manual = values(slots=4, scaling={"mode": "Manual"}, replicas=None)
        succeed(cluster.helm("upgrade", "exports", chart, values=manual))
        succeed(cluster.kubectl("scale", "vew/exports", "--replicas=5"))
        succeed(cluster.helm("upgrade", "exports", chart, values={**manual, "slots": 6}))
        worker = json.loads(succeed(cluster.kubectl("get", "vew", "exports", "--output=json")))
        assert (worker["spec"]["slots"], worker["spec"]["replicas"]) == (6, 5), "an upgrade takes no size back"
    finally:
        succeed(cluster.helm("uninstall", "exports"))
    assert "NotFound" in cluster.kubectl("get", "vew", "exports").stderr


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"scaling": {"minReplicas": 5, "maxReplicas": 2}}, "minReplicas must not be greater than maxReplicas"),
        ({"metricsPort": 8008}, "metricsPort and healthPort must differ"),
        (
            {"temporal": {"apiKeySecretRef": {"name": "a"}, "tls": {"clientCertSecretRef": {"name": "b"}}}},
            "use one way to authenticate",
        ),
    ],
)
def test_what_only_the_api_server_knows_is_said_in_its_words(cluster: Cluster, case: dict[str, Any], said: str) -> None:
    done = cluster.helm("install", "wrong", str(CHARTS / WORKER), values=values(case))
    try:
        assert done.returncode != 0
        assert said in done.stderr
    finally:
        cluster.helm("uninstall", "wrong")


def test_the_definition_outlives_the_release_and_can_be_taken_over(cluster: Cluster) -> None:
    succeed(cluster.helm("uninstall", OPERATOR))
    succeed(cluster.kubectl("get", CRD))
    refused = cluster.helm("install", "another", str(CHARTS / OPERATOR))
    assert "invalid ownership metadata" in refused.stderr
    cluster.helm("uninstall", "another")
    succeed(cluster.helm("install", OPERATOR, str(CHARTS / OPERATOR)))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_api_server_takes_every_example(cluster: Cluster, path: Any) -> None:
    manifests = [item for item in fast_yaml.load_all(path.read_text(encoding="utf-8")) if item]
    assert manifests, "an example without an object shows nothing"
    dry_run(cluster, in_namespace([*manifests, *(made_for(item) for item in manifests if item["kind"] == KIND)]))


def made_for(worker: dict[str, Any]) -> dict[str, Any]:
    """The Deployment that the operator makes for a resource, without its owner, which a dry run does not create."""
    body = build_workload(parse_resource(worker)).body
    return {**body, "metadata": {name: value for name, value in body["metadata"].items() if name != "ownerReferences"}}
