"""What the chart of a group of workers renders: a resource, or the same pods without the operator."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.integration.charts.helm import ROOT, Manifest, kinds, only, read_chart, render
from video_export_operator.manifests import MERGE_KEYS, build_children, build_workload
from video_export_operator.resource import parse_resource

CHART = "temporal-worker-video-export"
DIGEST = "sha256:" + "0123456789abcdef" * 4
MONITORS = ("monitoring.coreos.com/v1/ServiceMonitor",)
TLS = {"serverName": "t.example", "caSecretRef": {"name": "ca"}, "clientCertSecretRef": {"name": "client"}}
OVERLAY: dict[str, Any] = {
    "metadata": {"annotations": {"team": "media"}, "labels": {"team": "media"}},
    "spec": {
        "nodeSelector": {"pool": "video"},
        "tolerations": [{"key": "video", "operator": "Exists"}],
        "containers": [
            {
                "name": "worker",
                "env": [{"name": "HOME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "A"}],
                "livenessProbe": {"exec": {"command": ["true"]}},
                "volumeMounts": [{"mountPath": "/tmp", "subPath": "x"}, {"mountPath": "/data", "name": "data"}],
                "resources": {"limits": {"memory": "4Gi"}},
            },
            {"name": "sidecar", "image": "proxy:1"},
        ],
        "volumes": [
            {"name": "tmp", "hostPath": {"path": "/scratch"}},
            {"name": "data", "emptyDir": {}},
        ],
    },
}
NOT_SPOT = {"matchExpressions": [{"key": "lifecycle", "operator": "NotIn", "values": ["spot"]}]}
POD_VALUES: dict[str, Any] = {
    "nodeSelector": {"pool": "renders"},
    "tolerations": [{"key": "video", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NOT_SPOT]}}},
    "topologySpreadConstraints": [
        {"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "batch",
    "podLabels": {"cost-centre": "media"},
    "podAnnotations": {"prometheus.io/scrape": "false"},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "A", "value": "first"}],
    "extraVolumes": [{"name": "fonts", "configMap": {"name": "fonts"}}],
    "extraVolumeMounts": [{"name": "fonts", "mountPath": "/usr/local/share/fonts"}],
}
CASES: dict[str, dict[str, Any]] = {
    "smallest": {},
    "api key": {"temporal": {"apiKeySecretRef": {"name": "cloud"}}},
    "api key of a name": {
        "temporal": {"apiKeySecretRef": {"name": "cloud", "key": "token"}, "namespace": "exports.a1"}
    },
    "system's authorities": {"temporal": {"tls": {}}},
    "mutual TLS": {"temporal": {"tls": TLS}},
    "storage's credentials": {"storage": {"secretRef": {"name": "s3"}}},
    "digest": {"image": {"repository": "registry:5000/w", "sha": DIGEST}, "imagePullSecrets": [{"name": "pull"}]},
    "pull policy": {"image": {"pullPolicy": "Never"}},
    "pull policy and template": {"image": {"pullPolicy": "Never"}, "template": OVERLAY},
    "own command": {"command": ["python", "manage.py"], "args": ["start_temporal_worker"]},
    "own command alone": {"command": ["./worker"]},
    "own arguments": {"args": ["worker", "--task-queue", "q", "--metrics-port", "8007", "--verbose"]},
    "another program's arguments": {"args": ["serve"]},
    "ports": {"metricsPort": 9007, "healthPort": 9008},
    "slots and grace": {"slots": 5, "terminationGracePeriodSeconds": 10},
    "no limits": {"resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": None}},
    "no resources": {"resources": {"requests": None, "limits": None}},
    "somebody's account": {"serviceAccount": {"name": "storage-writer"}},
    "workload identity": {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}},
    "nothing beside": {
        "protectFromEviction": False,
        "networkPolicy": {"enabled": False},
        "serviceMonitor": {"enabled": False},
    },
    "everything beside": {
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": "25%"},
        "serviceMonitor": {"interval": "1m", "labels": {"release": "prometheus"}},
    },
    "what requests may name": {"storage": {"sources": ["s3://recordings", "gs://more"], "outputs": ["s3://videos"]}},
    "Chromium's sandbox": {"seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/mine.json"}},
    "egress": {"networkPolicy": {"egress": {"ports": [9000, 443], "cidrs": ["10.0.0.0/8"]}}},
    "egress to Temporal and the storage alone": {"networkPolicy": {"egress": {"ports": []}}},
    "assets from some hosts": {
        "assets": {"hosts": ["cdn.example", "in.example@10.0.0.0/8"], "headersSecretRef": {"name": "cdn"}},
        "networkPolicy": {"egress": {"ports": []}},
    },
    "no assets": {"assets": {"mode": "None"}, "networkPolicy": {"egress": {"ports": [], "cidrs": ["10.0.0.0/8"]}}},
    "template": {"template": OVERLAY},
    "where and with what": POD_VALUES,
    "where and with what, and a template over it": {**POD_VALUES, "template": OVERLAY},
}


def values(case: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"temporal": {"address": "temporal:7233"}, "storage": {"uri": "s3://exports"}}
    for name, value in {**(case or {}), **more}.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return base


def by_name(items: list[dict[str, Any]], key: str = "name") -> dict[Any, dict[str, Any]]:
    return {item[key]: item for item in items}


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
    schema = yaml.safe_load((ROOT / "crds" / "videoexportworkers.yaml").read_text(encoding="utf-8"))
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


def plain_pods(case: dict[str, Any]) -> list[Manifest]:
    """Return what the chart renders without the operator."""
    return render(CHART, values(case, operator={"enabled": False}, replicas=3), apis=MONITORS)


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


@pytest.mark.parametrize("operator", [True, False])
def test_what_people_know_by_these_names_reaches_the_pod(operator: bool) -> None:
    manifests = render(CHART, values(POD_VALUES, operator={"enabled": operator}))
    if operator:
        template = build_workload(parse_resource(only(manifests, "VideoExportWorker"))).body["spec"]["template"]
    else:
        template = only(manifests, "Deployment")["spec"]["template"]
    spec = template["spec"]
    same = ("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName")
    assert {name: spec[name] for name in same} == {name: POD_VALUES[name] for name in same}
    assert POD_VALUES["podLabels"].items() <= template["metadata"]["labels"].items()
    assert POD_VALUES["podAnnotations"].items() <= template["metadata"]["annotations"].items()
    (worker,) = spec["containers"]
    assert [item for item in worker["env"] if item in POD_VALUES["extraEnv"]] == POD_VALUES["extraEnv"]
    assert by_name(spec["volumes"])["fonts"] == POD_VALUES["extraVolumes"][0]
    assert by_name(worker["volumeMounts"])["fonts"] == POD_VALUES["extraVolumeMounts"][0]
    assert {"tmp", "shared-memory"} <= set(by_name(worker["volumeMounts"])), "what the worker needs is still there"


def test_a_template_wins_over_the_single_values() -> None:
    spec = only(render(CHART, values({**POD_VALUES, "template": OVERLAY})), "VideoExportWorker")["spec"]["template"][
        "spec"
    ]
    assert spec["nodeSelector"] == {"pool": "video"}
    assert by_name(spec["containers"][0]["env"])["A"] == {"name": "A"}


@pytest.mark.parametrize("operator", [True, False])
def test_helm_test_looks_from_a_pod_like_the_workers(operator: bool) -> None:
    case = {**POD_VALUES, "temporal": {"tls": TLS}, "storage": {"secretRef": {"name": "s3"}}, "template": OVERLAY}
    pod = only(render(CHART, values(case, operator={"enabled": operator})), "Pod")
    plain = only(render(CHART, values(case, operator={"enabled": False})), "Deployment")["spec"]["template"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (doctor,) = pod["spec"]["containers"]
    worker = by_name(plain["spec"]["containers"])["worker"]
    assert doctor["args"] == ["doctor"]
    assert not {"command", "ports", "livenessProbe", "readinessProbe", "startupProbe"} & set(doctor)
    same = ("image", "env", "envFrom", "resources", "securityContext", "volumeMounts")
    assert {name: doctor[name] for name in same} == {name: worker[name] for name in same}
    assert pod["spec"]["restartPolicy"] == "Never"
    of_pods = {"containers", "restartPolicy", "activeDeadlineSeconds"}
    assert {name: pod["spec"][name] for name in set(pod["spec"]) - of_pods} == {
        name: plain["spec"][name] for name in set(plain["spec"]) - of_pods
    }
    selectors = ({"videoexport.dev/worker"}, {"app.kubernetes.io/name"})
    assert all(not keys & set(pod["metadata"]["labels"]) for keys in selectors), "it must not count as a worker"


def test_helm_test_leaves_an_image_with_another_command_alone() -> None:
    assert "Pod" not in kinds(render(CHART, values({"command": ["./worker"]})))


@pytest.mark.parametrize(
    ("repository", "mirror", "image"),
    [
        ("ghcr.io/example/video-export-worker", "", "ghcr.io/example/video-export-worker"),
        ("ghcr.io/example/video-export-worker", "mirror:5000/x", "mirror:5000/x/example/video-export-worker"),
        ("localhost/video-export-worker", "mirror.internal", "mirror.internal/video-export-worker"),
        ("registry:5000/media/w", "mirror.internal", "mirror.internal/media/w"),
        ("media/w", "mirror.internal", "mirror.internal/media/w"),
    ],
)
def test_a_mirror_takes_the_place_of_the_registry(repository: str, mirror: str, image: str) -> None:
    case = {"image": {"repository": repository, "tag": "1"}, "global": {"imageRegistry": mirror}}
    assert only(render(CHART, values(case)), "VideoExportWorker")["spec"]["image"] == f"{image}:1"
    operator = render("video-export-operator", case)
    for pod in (only(operator, "Deployment")["spec"]["template"], only(operator, "Pod")):
        assert pod["spec"]["containers"][0]["image"] == f"{image}:1"


def test_null_in_a_template_removes() -> None:
    case = {"template": {"spec": {"securityContext": {"fsGroup": None}, "enableServiceLinks": None}}}
    plain = only(render(CHART, values(case, operator={"enabled": False})), "Deployment")["spec"]["template"]["spec"]
    assert "fsGroup" not in plain["securityContext"]
    assert plain["securityContext"]["runAsUser"] == 10001
    assert "enableServiceLinks" not in plain


def test_selectors_find_the_plain_pods_and_not_the_operators() -> None:
    plain = render(CHART, values(operator={"enabled": False}, podDisruptionBudget={"enabled": True}), apis=MONITORS)
    pods = only(plain, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert "videoexport.dev/worker" not in pods, "the operator would count them"
    selectors = [
        only(plain, "Deployment")["spec"]["selector"]["matchLabels"],
        only(plain, "Service")["spec"]["selector"],
        only(plain, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only(plain, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= pods.items() for selector in selectors)
    monitor = only(plain, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    assert monitor.items() <= only(plain, "Service")["metadata"]["labels"].items()


def test_everything_of_the_resource_arrives() -> None:
    case: dict[str, Any] = {
        "temporal": {"namespace": "media", "taskQueue": "q", "apiKeySecretRef": {"name": "key"}, "tls": {}},
        "scaling": {"maxReplicas": 40, "targetWait": "2m", "scaleDown": {"minIdle": "1m"}, "paused": True},
        "template": OVERLAY,
    }
    spec = only(render(CHART, values(case)), "VideoExportWorker")["spec"]
    assert spec["temporal"] == {"address": "temporal:7233", **case["temporal"]}
    assert spec["scaling"]["targetWait"] == "2m"
    assert spec["scaling"]["scaleDown"] == {"minIdle": "1m", "stabilizationWindow": "120s"}
    assert spec["scaling"]["maxReplicas"] == 40
    assert spec["template"] == OVERLAY


def test_what_is_not_set_is_left_to_the_resources_own_defaults() -> None:
    spec = only(render(CHART, values()), "VideoExportWorker")["spec"]
    assert not {"replicas", "command", "args", "template", "imagePullSecrets", "serviceAccount"} & set(spec)
    assert "targetWait" not in spec["scaling"]
    assert spec["temporal"] == {
        "address": "temporal:7233",
        "namespace": "default",
        "taskQueue": "video-export-task-queue",
    }
    assert spec["storage"] == {"uri": "s3://exports"}


@pytest.mark.parametrize(
    ("case", "replicas"),
    [
        ({"scaling": {"mode": "Manual"}, "replicas": 3}, 3),
        ({"scaling": {"mode": "Manual"}, "replicas": None}, None),
        ({"scaling": {"mode": "Manual"}, "replicas": 3, "keda": {"enabled": True}}, None),
        ({"replicas": 3}, None),
        ({"operator": {"enabled": False}, "replicas": 3}, 3),
        ({"operator": {"enabled": False}, "replicas": None}, None),
        ({"operator": {"enabled": False}, "replicas": 3, "keda": {"enabled": True}}, None),
    ],
)
def test_the_size_is_written_only_where_nobody_else_writes_it(case: dict[str, Any], replicas: int | None) -> None:
    manifests = render(CHART, values(case))
    kind = "Deployment" if "operator" in case else "VideoExportWorker"
    assert only(manifests, kind)["spec"].get("replicas") == replicas


@pytest.mark.parametrize("operator", [True, False])
def test_keda_scales_what_is_there(operator: bool) -> None:
    case = {"keda": {"enabled": True}, "scaling": {"mode": "Manual", "minReplicas": 1, "maxReplicas": 7}, "slots": 4}
    manifests = render(CHART, values(case, operator={"enabled": operator}))
    scaled = only(manifests, "ScaledObject")["spec"]
    target = only(manifests, "VideoExportWorker" if operator else "Deployment")
    assert scaled["scaleTargetRef"] == {
        "apiVersion": target["apiVersion"],
        "kind": target["kind"],
        "name": target["metadata"]["name"],
    }
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (1, 7)
    (trigger,) = scaled["triggers"]
    assert trigger == {
        "type": "temporal",
        "metadata": {
            "endpoint": "temporal:7233",
            "namespace": "default",
            "taskQueue": "video-export-task-queue",
            "queueTypes": "workflow,activity",
            "targetQueueSize": "4",
            "activationTargetQueueSize": "0",
        },
    }
    assert "TriggerAuthentication" not in kinds(manifests)


def test_keda_gets_the_same_credentials() -> None:
    case = {"keda": {"enabled": True}, "operator": {"enabled": False}, "temporal": {"tls": TLS}}
    manifests = render(CHART, values(case))
    (trigger,) = only(manifests, "ScaledObject")["spec"]["triggers"]
    authentication = only(manifests, "TriggerAuthentication")
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert trigger["metadata"]["tlsServerName"] == "t.example"
    assert by_name(authentication["spec"]["secretTargetRef"], "parameter") == {
        "ca": {"parameter": "ca", "name": "ca", "key": "ca.crt"},
        "cert": {"parameter": "cert", "name": "client", "key": "tls.crt"},
        "key": {"parameter": "key", "name": "client", "key": "tls.key"},
    }


def test_a_long_release_name_still_fits_the_resource() -> None:
    worker = only(render(CHART, values(), release="a" * 53), "VideoExportWorker")
    assert worker["metadata"]["name"] == "a" * 47
