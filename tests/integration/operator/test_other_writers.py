"""Others that write: an autoscaler or a person on the scale subresource, somebody who edits what is ours."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests import fast_yaml
from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.integration.operator.external_metrics import serving_external_metrics
from tests.servers import TemporalServer
from tests.waiting import PATIENCE, wait_for

EXAMPLE = Path(__file__).parents[3] / "examples" / "horizontal-pod-autoscaler.yaml"
SOON = PATIENCE
"""Seconds within which an edit is repaired; the next look at everything would come after ten minutes."""


@pytest.fixture
def manual(operator: Operator, namespace: Namespace, temporal_server: TemporalServer) -> Namespace:
    """A namespace with a resource in mode Manual whose size is 1."""
    manual = resource(
        temporal_server.address, temporal={"taskQueue": namespace.name}, scaling={"mode": "Manual"}, replicas=1
    )
    namespace.apply(manual)
    return namespace


def replicas(namespace: Namespace) -> int:
    """Return what somebody asks for through the scale subresource."""
    return int((namespace.get("vew") or {})["spec"]["replicas"])


async def test_a_horizontal_pod_autoscaler_decides_and_busy_pods_stay(manual: Namespace, tmp_path: Path) -> None:
    """The real controller computes, from the example's own metric; only the number behind it is the test's."""
    _, autoscaler = fast_yaml.load_all(EXAMPLE.read_text())
    autoscaler["metadata"]["name"] = autoscaler["spec"]["scaleTargetRef"]["name"] = "exports"
    autoscaler["spec"]["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    await manual.wait_pods(1)
    with serving_external_metrics(manual, tmp_path) as metrics:
        metrics.value = 7
        manual.apply(autoscaler)
        await manual.wait_size(4)  # 7 tasks at 2 a pod
        assert replicas(manual) == 4
        assert metrics.asked == {("video_export_operator_backlog_tasks", "name=video-export")}
        running = {pod["metadata"]["name"] for pod in (await manual.wait_pods(4))[:2]}
        for name in running:
            manual.start_pod(name)
        metrics.value = 1
        await wait_for(lambda: replicas(manual) == 1, "the autoscaler asks for one")
        await manual.wait_size(2)
        assert {pod["metadata"]["name"] for pod in await manual.wait_pods(2)} == running
        await manual.wait_condition("ScalingLimited", "True", "BusyFloor")
        manual.succeed("delete", "hpa", "exports")


async def test_keda_writes_the_scale_subresource_from_zero_and_back(manual: Namespace) -> None:
    """KEDA reads the scale and puts it back with another number: by itself between 0 and 1, by an HPA above."""
    path = f"/apis/videoexport.dev/v1alpha1/namespaces/{manual.name}/videoexportworkers/exports/scale"
    await manual.wait_size(1)

    def scale_to(size: int) -> bool:
        scale = json.loads(manual.succeed("get", "--raw", path))
        assert scale["kind"] == "Scale"
        scale["spec"]["replicas"] = size
        done = manual.kubectl("replace", "--raw", path, "-f", "-", given=scale)
        assert done.returncode == 0 or "the object has been modified" in done.stderr, done.stderr
        return done.returncode == 0

    for size in (0, 1):
        await wait_for(partial(scale_to, size), f"a scale of {size} is taken")  # the status may change in between
        await manual.wait_size(size)


async def test_what_an_edit_of_metadata_breaks_is_repaired_soon(manual: Namespace) -> None:
    """No generation shows it."""
    await manual.wait_condition("Ready", "True", "InPlace")
    manual.succeed("label", "deployment", "exports", "--overwrite", "app.kubernetes.io/name=other")

    def label() -> str:
        labels = (manual.get("deployment") or {})["metadata"]["labels"]
        return str(labels["app.kubernetes.io/name"])

    await wait_for(lambda: label() == "video-export-worker", "the label is repaired", SOON)
    assert (manual.get("deployment") or {})["spec"]["replicas"] == 1
    manual.succeed("label", "deployment", "exports", "app.kubernetes.io/managed-by-", "team=video")
    await wait_for(
        lambda: (manual.get("deployment") or {})["metadata"]["labels"].get("app.kubernetes.io/managed-by"),
        "the label by which it is watched is back",
        SOON,
    )
    assert (manual.get("deployment") or {})["metadata"]["labels"]["team"] == "video"


async def test_children_are_repaired_soon_and_foreign_fields_stay(manual: Namespace) -> None:
    await manual.wait_condition("Ready", "True", "InPlace")
    manual.succeed("delete", "serviceaccount", "exports")
    await wait_for(lambda: manual.get("serviceaccount"), "the ServiceAccount is back", SOON)
    port = [{"op": "replace", "path": "/spec/ports/0/targetPort", "value": "other"}]
    manual.succeed("patch", "service", "exports-metrics", "--type=json", "-p", json.dumps(port))
    manual.succeed("annotate", "service", "exports-metrics", "team=video")

    def repaired() -> bool:
        service = manual.get("service", "exports-metrics") or {}
        return [each["targetPort"] for each in service["spec"]["ports"]] == ["metrics"]

    await wait_for(repaired, "the Service's port is repaired", SOON)
    assert (manual.get("service", "exports-metrics") or {})["metadata"]["annotations"]["team"] == "video"
    manual.succeed("patch", "networkpolicy", "exports", "--type=merge", "-p", '{"spec":{"ingress":[]}}')
    await wait_for(lambda: (manual.get("networkpolicy") or {})["spec"].get("ingress"), "the policy is repaired", SOON)


async def test_a_port_of_another_number_under_our_name_is_put_back(manual: Namespace) -> None:
    """Server-side apply alone would put ours beside it, which is refused: a name may be there but once."""
    await manual.wait_condition("Ready", "True", "InPlace")
    service = [
        {"op": "replace", "path": "/spec/ports/0/port", "value": 9999},
        {"op": "add", "path": "/spec/ports/-", "value": {"name": "other", "port": 7777}},
    ]
    manual.succeed("patch", "service", "exports-metrics", "--type=json", "-p", json.dumps(service))

    def service_ports() -> dict[str, int]:
        return {
            port["name"]: port["port"] for port in (manual.get("service", "exports-metrics") or {})["spec"]["ports"]
        }

    await wait_for(lambda: service_ports() == {"metrics": 8007, "other": 7777}, "the Service's port is back", SOON)
    pod = [{"op": "replace", "path": "/spec/template/spec/containers/0/ports/0/containerPort", "value": 9999}]
    manual.succeed("patch", "deployment", "exports", "--type=json", "-p", json.dumps(pod))

    def container_ports() -> dict[str, int]:
        (container,) = (manual.get("deployment") or {})["spec"]["template"]["spec"]["containers"]
        return {port["name"]: port["containerPort"] for port in container["ports"]}

    await wait_for(lambda: container_ports() == {"metrics": 8007, "health": 8008}, "the container's port is back", SOON)
    assert "Rejected" not in [reason for reason, _ in manual.told()]


async def test_another_program_that_changes_a_field_of_ours_is_named_and_met_ever_more_rarely(
    manual: Namespace,
) -> None:
    """Each edit of a template makes a revision with new pods; two programs once made 43 of them in 20 seconds."""
    await manual.wait_condition("Ready", "True", "InPlace")

    def image() -> str:
        template = (manual.get("deployment") or {})["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    def meddle(number: int) -> bool:
        if image() != "example/worker:1":
            return False
        manual.succeed("set", "image", "deployment/exports", f"worker=other/worker:{number}", "--field-manager=meddler")
        return True

    for number in range(6):
        await wait_for(partial(meddle, number), f"edit {number} can be made")
    told = await manual.wait_condition("Ready", "False", "Contested")
    assert told["message"].startswith("meddler has changed Deployment exports 5 times")
    assert image() == "other/worker:5"
    await wait_for(lambda: image() == "example/worker:1", "it is put back all the same")


async def test_an_orphan_is_adopted_where_it_says_so(manual: Namespace) -> None:
    """As after `kubectl delete --cascade=orphan`, or when a backup is restored."""
    await manual.wait_condition("Ready", "True", "InPlace")
    body = manual.get("vew") or {}
    manual.succeed("delete", "vew", "exports", "--cascade=orphan")
    before = (manual.get("deployment") or {})["metadata"]["uid"]
    manual.apply(
        {key: body[key] for key in ("apiVersion", "kind", "spec")}
        | {"metadata": {name: body["metadata"][name] for name in ("name", "labels")}}
    )
    told = await manual.wait_condition("Ready", "False", "NameTaken")
    assert "videoexport.dev/adopt=true" in told["message"]
    kinds = "deployment,service,serviceaccount,networkpolicy"
    manual.succeed("annotate", kinds, "-l", "videoexport.dev/worker=exports", "videoexport.dev/adopt=true")
    await manual.wait_condition("Ready", "True", "InPlace", 90)
    metadata = (manual.get("deployment") or {})["metadata"]
    assert metadata["uid"] == before
    (owner,) = metadata["ownerReferences"]
    assert owner["uid"] == (manual.get("vew") or {})["metadata"]["uid"]


async def test_a_resource_that_is_not_served_any_more_is_told_once(manual: Namespace) -> None:
    await manual.wait_condition("Ready", "True", "InPlace")
    manual.succeed("label", "vew", "exports", "served-by=nobody", "--overwrite")

    def told() -> list[str]:
        return [message for reason, message in manual.told() if reason == "NoLongerServed"]

    (message,) = await wait_for(told, "it is told")
    assert message.endswith("the Deployment stays at 1 pods")
    assert manual.get("deployment") is not None
