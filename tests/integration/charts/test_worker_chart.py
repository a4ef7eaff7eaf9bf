"""What the chart of a group of workers renders from single values."""

from typing import Any

import pytest

from tests.integration.charts.helm import kinds, only, render
from tests.integration.charts.worker_values import CHART, MONITORS, OVERLAY, POD_VALUES, TLS, by_name, values
from video_export_operator.manifests import build_workload
from video_export_operator.resource import parse_resource


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


def test_a_long_release_name_still_fits_the_resource() -> None:
    worker = only(render(CHART, values(), release="a" * 53), "VideoExportWorker")
    assert worker["metadata"]["name"] == "a" * 47
