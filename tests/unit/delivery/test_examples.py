"""The examples: each is something the operator can read, and refers to what is there."""

from pathlib import Path
from typing import Any

import pytest

from dev.object_storage import ACCESS_KEY, SECRET_KEY
from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT
from video_export_operator.resource import parse_resource

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
EACH = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)


def read(path: Path) -> list[dict[str, Any]]:
    return [item for item in fast_yaml.load_all(path.read_text(encoding="utf-8")) if item]


def of_kind(path: Path, kind: str) -> list[dict[str, Any]]:
    return [item for item in read(path) if item["kind"] == kind]


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {
        "application-worker",
        "horizontal-pod-autoscaler",
        "keda",
        "mutual-tls",
        "storage-secret",
        "temporal-cloud",
        "workload-identity",
    }


@EACH
def test_each_shows_a_resource_that_the_operator_takes(path: Path) -> None:
    workers = of_kind(path, "VideoExportWorker")
    assert workers
    for worker in workers:
        assert parse_resource(worker).name == worker["metadata"]["name"]


@EACH
def test_an_autoscaler_scales_a_manual_resource_of_the_same_file(path: Path) -> None:
    manual = {
        worker["metadata"]["name"]
        for worker in of_kind(path, "VideoExportWorker")
        if worker["spec"].get("scaling", {}).get("mode") == "Manual"
    }
    for scaler in of_kind(path, "ScaledObject") + of_kind(path, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert target["kind"] == "VideoExportWorker"
        assert target["name"] in manual


@EACH
def test_each_begins_by_saying_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@EACH
def test_no_example_holds_a_credential(path: Path) -> None:
    secret = {"apiKey", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    given = {
        value
        for item in of_kind(path, "Secret")
        for name, value in {**item.get("stringData", {}), **item.get("data", {})}.items()
        if name in secret
    }
    assert given <= {"replace-me", ACCESS_KEY, SECRET_KEY}, "only the storage that `make demo` starts has known keys"
