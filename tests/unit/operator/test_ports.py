"""Which ports are in the way of ours; that the API server takes the patch is shown in the integration tests."""

from __future__ import annotations

from typing import Any

from tests.unit.operator.bodies import resource
from video_export_operator.cluster.ports import build_port_patch
from video_export_operator.manifests import build_children, build_workload


def service() -> dict[str, Any]:
    children, _ = build_children(resource())
    return next(child.body for child in children if child.ref.kind == "Service")


def test_what_is_as_wanted_or_of_another_name_is_in_nobodys_way() -> None:
    live = service()
    live["spec"]["ports"].append({"name": "other", "port": 7777, "protocol": "TCP"})
    assert build_port_patch(service(), live) is None
    deployment = build_workload(resource()).body
    assert build_port_patch(deployment, deployment) is None


def test_our_name_on_another_number_or_protocol_is_replaced() -> None:
    wanted = service()
    for stray in ({"name": "metrics", "port": 9999}, {"name": "metrics", "port": 8007, "protocol": "UDP"}):
        patch = build_port_patch(wanted, {"spec": {"ports": [stray]}})
        assert patch == {"spec": {"ports": [{"$patch": "delete", "port": stray["port"]}, *wanted["spec"]["ports"]]}}


def test_only_the_container_is_touched_whose_port_is_in_the_way() -> None:
    wanted, live = build_workload(resource()).body, build_workload(resource()).body
    containers = live["spec"]["template"]["spec"]["containers"]
    containers.append({"name": "sidecar", "ports": [{"name": "metrics", "containerPort": 1}]})
    assert build_port_patch(wanted, live) is None
    containers[0]["ports"][0]["containerPort"] = 9999
    patch = build_port_patch(wanted, live) or {}
    (touched,) = patch["spec"]["template"]["spec"]["containers"]
    assert (touched["name"], touched["ports"][0]) == ("worker", {"$patch": "delete", "containerPort": 9999})
