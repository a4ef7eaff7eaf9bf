"""Resources as the API server would hand them out, and observations of them, for tests of pure code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tests import fast_yaml
from video_export_operator.resource import Spec, VideoExportWorker, parse_resource
from video_export_operator.resource.live import LiveDeployment
from video_export_operator.resource.live import LivePod as Pod
from video_export_operator.scaling import Backlog, Decision, Memory, Observation, QueueState, WorkerReport, decide

ROOT = Path(__file__).parents[3]


@cache
def load_crd() -> dict[str, Any]:
    crd: dict[str, Any] = fast_yaml.load((ROOT / "crds" / "videoexportworkers.yaml").read_text())
    return crd


def spec_schema() -> dict[str, Any]:
    schema = load_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return dict(schema["properties"]["spec"])


def body(spec: Mapping[str, Any] | None = None, name: str = "exports", **metadata: Any) -> dict[str, Any]:
    smallest = {
        "temporal": {"address": "temporal:7233"},
        "image": "example/worker:1",
        "storage": {"uri": "s3://exports"},
    }
    return {
        "apiVersion": "videoexport.dev/v1alpha1",
        "kind": "VideoExportWorker",
        "metadata": {"name": name, "namespace": "media", "uid": "uid-1", "generation": 1, **metadata},
        "spec": {**smallest, **(spec or {})},
    }


def resource(**spec: Any) -> VideoExportWorker:
    return parse_resource(body(spec))


def spec_of(scaling: Mapping[str, Any] | None = None, **spec: Any) -> Spec:
    return resource(scaling=dict(scaling or {}), **spec).spec


def queue(
    at: float,
    activities: int = 0,
    workflows: int = 0,
    workers: Mapping[str, WorkerReport] | None = None,
    last_poll: float | None = None,
) -> QueueState:
    return QueueState(at, Backlog(activities), Backlog(workflows), workers or {}, last_poll)


def running(*names: str) -> tuple[Pod, ...]:
    return tuple(Pod(name) for name in names)


def seen(at: float, present: int, state: QueueState | None, pods: tuple[Pod, ...] = (), **more: Any) -> Observation:
    return Observation(at=at, present=present, pods=pods, queue=state, **more)


LIVE = LiveDeployment("exports", "d-1", "uid-1", 3, 1, 1, 1, False, False, None, fingerprint="as left")


def decision(replicas: int = 1, victims: tuple[str, ...] = ()) -> Decision:
    made, _ = decide(resource().spec, seen(0, replicas, queue(0)), Memory())
    return replace(made, replicas=replicas, victims=victims)


def pod(name: str, cost: int = 0, **more: Any) -> Pod:
    facts = {"assigned": True, "phase": 2, "ready": True, "started": True, "terminating": False, "trouble": None}
    return Pod(name, f"uid-{name}", "exports", deletion_cost=cost, **{**facts, **more})
