"""Everything the operator and the chart set on a worker pod is something that the worker reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from video_export_operator.manifests import build_workload
from video_export_operator.resource import parse_resource
from video_export_worker.cli.settings import WORKER_VARIABLES, is_read, read_settings
from video_export_worker.cli.worker import worker_command
from video_export_worker.contract import DEFAULT_TASK_QUEUE

CHART = Path(__file__).parents[2] / "charts" / "temporal-worker-video-export" / "templates"

PLAIN: dict[str, Any] = {
    "temporal": {"address": "temporal:7233"},
    "image": "example/worker:1",
    "storage": {"uri": "s3://exports"},
}
WITH_API_KEY: dict[str, Any] = {
    **PLAIN,
    "temporal": {"address": "cloud:7233", "namespace": "video", "apiKeySecretRef": {"name": "key", "key": "api-key"}},
}
WITH_TLS: dict[str, Any] = {
    **PLAIN,
    "temporal": {
        "address": "temporal:7233",
        "taskQueue": "other",
        "tls": {
            "serverName": "temporal.example",
            "caSecretRef": {"name": "ca"},
            "clientCertSecretRef": {"name": "client"},
        },
    },
    "slots": 4,
    "metricsPort": 9007,
    "healthPort": 9008,
    "terminationGracePeriodSeconds": 20,
}


def _container(spec: dict[str, Any]) -> dict[str, Any]:
    body = {
        "apiVersion": "videoexport.dev/v1alpha1",
        "kind": "VideoExportWorker",
        "metadata": {"name": "export", "namespace": "video", "uid": "uid-1", "generation": 1},
        "spec": spec,
    }
    template = build_workload(parse_resource(body)).body["spec"]["template"]
    container: dict[str, Any] = template["spec"]["containers"][0]
    return container


@pytest.mark.parametrize("spec", [PLAIN, WITH_API_KEY, WITH_TLS], ids=["plain", "API key", "mutual TLS"])
def test_the_worker_reads_what_the_operator_sets(spec: dict[str, Any]) -> None:
    container = _container(spec)
    variables = {entry["name"]: entry.get("value", "from elsewhere") for entry in container["env"]}
    assert [name for name in variables if not is_read(name)] == []
    settings = read_settings(variables)
    assert settings.storage_uri == "s3://exports"
    assert settings.slots == spec.get("slots", 2)
    assert settings.health_port == spec.get("healthPort", 8008)
    assert settings.identity == variables["POD_NAME"]
    assert settings.chromium_sandbox == "false"
    assert settings.graceful_shutdown == spec.get("terminationGracePeriodSeconds", 300) - 15
    with worker_command.make_context("worker", container["args"][1:]) as context:
        assert container["args"][0] == "worker"
        assert context.params == {
            "task_queue": spec["temporal"].get("taskQueue", DEFAULT_TASK_QUEUE),
            "metrics_port": spec.get("metricsPort", 8007),
        }


def test_the_worker_reads_what_the_chart_sets() -> None:
    text = "".join(path.read_text() for path in sorted(CHART.glob("*.tpl")) + sorted(CHART.glob("*.yaml")))
    names = set(re.findall(r"\b(?:VIDEO_EXPORT|TEMPORAL)_[A-Z_]+\b|\bPOD_NAME\b", text))
    assert "VIDEO_EXPORT_STORAGE_URI" in names
    assert names <= set(WORKER_VARIABLES)
