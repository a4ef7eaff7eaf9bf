"""What the API server makes of a VideoExportWorker."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.operator.cluster import Namespace, resource

ADDRESS = "temporal:7233"


@pytest.fixture(scope="module")
def space(control_plane: Any) -> Namespace:
    namespace = Namespace(control_plane, "crd")
    namespace.succeed("create", "namespace", "crd")
    return namespace


def test_the_smallest_resource_gets_every_default(space: Namespace) -> None:
    smallest = resource(ADDRESS, "smallest")
    del smallest["spec"]["scaling"]
    space.apply(smallest)
    spec = (space.get("vew", "smallest") or {})["spec"]
    assert spec["temporal"] == {
        "address": ADDRESS,
        "namespace": "default",
        "taskQueue": "video-export-task-queue",
    }
    assert spec["scaling"] == {
        "mode": "Auto",
        "minReplicas": 0,
        "maxReplicas": 10,
        "pollInterval": "10s",
        "pollIntervalAtZero": "1s",
        "coldStartStep": 2,
        "scaleDown": {"stabilizationWindow": "120s", "minIdle": "30s"},
        "whenUnreachable": {"after": "5m", "replicas": 0},
        "spareSlots": 0,
        "pauseScaleDown": False,
        "paused": False,
    }
    assert (spec["slots"], spec["replicas"], spec["metricsPort"], spec["healthPort"]) == (2, 0, 8007, 8008)
    assert (spec["terminationGracePeriodSeconds"], spec["protectFromEviction"]) == (300, True)


def temporal(**fields: Any) -> dict[str, Any]:
    return {"temporal": fields}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "min above max": (
        {"scaling": {"minReplicas": 5, "maxReplicas": 2}},
        "minReplicas must not be greater than maxReplicas; lower minReplicas or raise maxReplicas",
    ),
    "unreachable above max": (
        {"scaling": {"whenUnreachable": {"replicas": 11}}},
        "whenUnreachable.replicas must not be greater than maxReplicas",
    ),
    "bad image": ({"image": "Not An Image"}, "must be an image reference such as ghcr.io/example"),
    "bad storage": ({"storage": {"uri": "ftp://x"}}, "must begin with s3://, gs://, az:// or file://"),
    "no storage": ({"storage": None}, "storage is required by this project's worker; set it, or set command or args"),
    "no storage for our worker": (
        {"storage": None, "args": ["worker", "--x"]},
        "storage is required by this project's",
    ),
    "address with a scheme": (temporal(address="http://temporal:7233"), "must be HOST:PORT without a scheme"),
    "two ways to authenticate": (
        temporal(apiKeySecretRef={"name": "a"}, tls={"clientCertSecretRef": {"name": "b"}}),
        "use one way to authenticate; remove either apiKeySecretRef or tls.clientCertSecretRef",
    ),
    "same ports": ({"metricsPort": 8008}, "metricsPort and healthPort must differ; change one of them"),
    "no duration": ({"scaling": {"pollInterval": "fast"}}, "must be a duration in hours, minutes and seconds"),
    "interval below the statistics' age": ({"scaling": {"pollInterval": "5s"}}, "must be from 6s to 10m"),
    "interval at zero": ({"scaling": {"pollIntervalAtZero": "0s"}}, "must be from 1s to 10m"),
    "window too long": ({"scaling": {"scaleDown": {"stabilizationWindow": "2h"}}}, "must be at most 1h"),
    "schedule that holds for too short": (
        {"scaling": {"schedule": [{"cron": "0 8 * * *", "duration": "5s", "minReplicas": 1}]}},
        "must be from 1m to 168h",
    ),
    "no slots": ({"slots": 0}, "should be greater than or equal to 1"),
    "unknown mode": ({"scaling": {"mode": "Magic"}}, 'supported values: "Auto", "Manual"'),
    "bad budget": ({"podDisruptionBudget": {"maxUnavailable": "many"}}, "a number of pods or a percentage"),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_the_api_server_refuses_and_says_what_to_do(space: Namespace, change: dict[str, Any], said: str) -> None:
    refused = space.kubectl("create", "-f", "-", given=resource(ADDRESS, "refused", **change))
    assert refused.returncode != 0, "it was accepted"
    assert said in refused.stderr


def test_a_long_name_is_refused(space: Namespace) -> None:
    assert space.kubectl("create", "-f", "-", given=resource(ADDRESS, "n" * 47)).returncode == 0
    refused = space.kubectl("create", "-f", "-", given=resource(ADDRESS, "n" * 48))
    assert "metadata.name must have at most 47 characters" in refused.stderr


def test_an_unknown_field_is_refused_by_kubectls_strict_validation(space: Namespace) -> None:
    misspelt = resource(ADDRESS, "misspelt", scaling={"minReplica": 1})
    refused = space.kubectl("apply", "--validate=strict", "-f", "-", given=misspelt)
    assert 'unknown field "spec.scaling.minReplica"' in refused.stderr
    assert space.get("vew", "misspelt") is None


def test_the_pod_template_takes_any_field(space: Namespace) -> None:
    template = {"spec": {"nodeSelector": {"disk": "fast"}, "containers": [{"name": "worker", "tty": True}]}}
    space.apply(resource(ADDRESS, "template", template=template))
    assert (space.get("vew", "template") or {})["spec"]["template"] == template


def test_the_queue_cannot_change_but_the_address_can(space: Namespace) -> None:
    space.apply(resource(ADDRESS, "moving"))
    space.apply(resource("elsewhere:7233", "moving"))
    patch = json.dumps({"spec": {"temporal": {"taskQueue": "other"}}})
    refused = space.kubectl("patch", "vew", "moving", "--type=merge", "-p", patch)
    assert "is immutable; create another VideoExportWorker for the other queue" in refused.stderr


def test_explain_reads_well(space: Namespace) -> None:
    text = space.succeed("explain", "vew.spec.scaling.scaleDown.stabilizationWindow")
    assert "The size is lowered only to the most that was needed during this time" in " ".join(text.split())
