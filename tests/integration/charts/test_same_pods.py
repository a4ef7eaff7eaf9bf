"""With and without the operator the worker chart gives the same pods."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import fast_yaml
from tests.integration.charts.helm import ROOT, Manifest, kinds, only, read_chart, render
from tests.integration.charts.worker_values import CASES, CHART, OVERLAY, by_name, plain_pods, values
from video_export_operator.manifests import MERGE_KEYS, build_children, build_workload
from video_export_operator.resource import parse_resource


def normal(template: Manifest) -> Manifest:
    """A pod template in which order does not count where Kubernetes does not count it."""
    spec = dict(template["spec"])
    spec["volumes"] = by_name(spec["volumes"])
    spec["containers"] = {
        name: {
            **container,
            "env": by_name(container.get("env", [])),
            "volumeMounts": by_name(container.get("volumeMounts", []), "mountPath"),
        }
        for name, container in by_name(spec["containers"]).items()
    }
    labels = {name: value for name, value in template["metadata"]["labels"].items() if "kubernetes.io/" not in name}
    labels.pop("videoexport.dev/worker", None)
    return {"metadata": {**template["metadata"], "labels": labels}, "spec": spec}


def without_selection(spec: Manifest) -> Manifest:
    """A child's spec without the labels by which it finds the pods: those tell the two kinds of owner apart."""
    return {name: value for name, value in spec.items() if name not in ("selector", "podSelector")}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_without_the_operator_the_pods_are_the_same(case: dict[str, Any]) -> None:
    assert_same(case)


def assert_same(case: dict[str, Any]) -> None:
    """The resource that the chart renders goes through the operator's own code; the plain Deployment must match."""
    worker = only(render(CHART, values(case)), "VideoExportWorker")
    resource = parse_resource(worker)
    plain = plain_pods(case)
    deployment = only(plain, "Deployment")["spec"]
    assert deployment.pop("replicas") == 3, "without the operator the chart says the size"
    ours = build_workload(resource).body["spec"]
    assert normal(deployment.pop("template")) == normal(ours.pop("template"))
    assert without_selection(deployment) == without_selection(ours)
    wanted, _ = build_children(resource)
    children = [item for item in plain if item["kind"] not in ("Deployment", "Pod")]  # the pod is of `helm test`
    assert kinds(children) == kinds([child.body for child in wanted])
    for child in wanted:
        found = only(children, child.ref.kind, child.ref.name)
        if "spec" in child.body:
            assert without_selection(found["spec"]) == without_selection(child.body["spec"])
        if child.ref.kind == "ServiceAccount":
            assert found["automountServiceAccountToken"] is False
            assert found["metadata"].get("annotations", {}) == child.body["metadata"]["annotations"]


NO_MATTER_OF_PODS = ("scaling", "replicas", "rollout")
"""Fields of the resource that say how many pods there are and when they change, not what they are."""
PREFIX = {"prefix": "https://app.example/static/", "place": "s3://builds/static/"}
SAMPLES: dict[str, Any] = {
    "temporal.address": "elsewhere:7233",
    "temporal.namespace": "media",
    "temporal.taskQueue": "q",
    "temporal.tls.serverName": "t.example",
    "temporal.tls.caSecretRef.name": "ca",
    "temporal.tls.clientCertSecretRef.name": "client",
    "temporal.apiKeySecretRef.name": "cloud",
    "temporal.apiKeySecretRef.key": "token",
    "image": "registry:5000/w:2",
    "imagePullSecrets[].name": "pull",
    "command[]": "./worker",
    "args[]": "serve",
    "slots": 5,
    "storage.uri": "gs://exports",
    "storage.secretRef.name": "s3",
    "storage.outputs[]": "s3://results/videos",
    "storage.sources[]": "s3://recordings",
    "assets.mode": "None",
    "assets.hosts[]": "*.example",
    "assets.deniedHosts[]": "ads.example",
    "assets.proxyUrl": "http://proxy.example:3128",
    "assets.prefixes[].prefix": "https://other.example/static/",
    "assets.prefixes[].place": "s3://builds/other/",
    "assets.headersSecretRef.name": "cdn",
    "assets.headersSecretRef.key": "token",
    "networkPolicy.egress.cidrs[]": "10.0.0.0/8",
    "networkPolicy.egress.ports[]": 9000,
    "seccompProfile.type": "Localhost",
    "seccompProfile.localhostProfile": "profiles/mine.json",
    "metricsPort": 9007,
    "healthPort": 9008,
    "serviceAccount.name": "storage-writer",
    "serviceAccount.annotations.*": "arn:aws:iam::1:role/x",
    "resources.requests.*": "3",
    "resources.limits.*": "4",
    "terminationGracePeriodSeconds": 10,
    "protectFromEviction": False,
    "podDisruptionBudget.enabled": True,
    "podDisruptionBudget.maxUnavailable": "25%",
    "networkPolicy.enabled": False,
    "serviceMonitor.enabled": False,
    "serviceMonitor.interval": "1m",
    "serviceMonitor.labels.*": "prometheus",
    "template": OVERLAY,
}
"""Another value than the default, for each field of the resource that pods and what stands beside them depend on."""
NEEDED: dict[str, dict[str, Any]] = {
    "seccompProfile.localhostProfile": {"seccompProfile": {"type": "Localhost"}},
    "temporal.apiKeySecretRef.key": {"temporal": {"apiKeySecretRef": {"name": "cloud"}}},
    "podDisruptionBudget.maxUnavailable": {"podDisruptionBudget": {"enabled": True}},
    "assets.headersSecretRef.key": {"assets": {"headersSecretRef": {"name": "cdn"}}},
    **{f"assets.prefixes[].{name}": {"assets": {"prefixes": [PREFIX]}} for name in PREFIX},
}
"""What else has to be set for a field to mean something."""


def fields_of_the_resource() -> set[str]:
    """Every field of spec in the definition, but those that only say how many pods there are."""
    schema = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8"))
    version = schema["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return {path for path in _leaves(version["properties"]["spec"]) if path.split(".")[0] not in NO_MATTER_OF_PODS}


def _leaves(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    inner = {f"{path}.{name}".lstrip("."): field for name, field in schema.get("properties", {}).items()}
    if "items" in schema:
        inner[f"{path}[]"] = schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        inner[f"{path}.*"] = schema["additionalProperties"]
    if not inner:
        yield path
    for name, field in inner.items():
        yield from _leaves(field, name)


def spell(path: str, value: Any) -> dict[str, Any]:
    """Return the chart's values that set one field of the resource."""
    if path == "image":
        repository, _, tag = str(value).rpartition(":")
        return {"image": {"repository": repository, "tag": tag}}
    if path.startswith("assets.prefixes[]."):
        return {"assets": {"prefixes": [{**PREFIX, path.rpartition(".")[2]: value}]}}
    for name in reversed(path.split(".")):
        value = {name.removesuffix("[]"): [value]} if name.endswith("[]") else {"cpu" if name == "*" else name: value}
    return dict(value)


def lay(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay some values over others."""
    both = {name: lay(base[name], over[name]) for name in base.keys() & over.keys() if isinstance(over[name], dict)}
    return {**base, **over, **both}


def test_every_field_of_the_resource_is_tried() -> None:
    assert fields_of_the_resource() == SAMPLES.keys(), "a field needs a sample, or say that it is no matter of pods"


@pytest.mark.parametrize("field", SAMPLES)
def test_every_field_means_the_same_with_and_without_the_operator(field: str) -> None:
    needed = NEEDED.get(field, {})
    case = lay(needed, spell(field, SAMPLES[field]))
    assert plain_pods(case) != plain_pods(needed), "the field means nothing without the operator"
    assert_same(case)


def test_lists_merge_by_the_operators_keys() -> None:
    define = read_chart(CHART, "templates/_overlay.tpl").split('"worker.mergeKeys" -}}')[1].split("{{- end")[0]
    assert dict(line.split(": ") for line in define.strip().splitlines()) == dict(MERGE_KEYS)
