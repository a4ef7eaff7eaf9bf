"""A wanted object, and everything that is wanted for a resource."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from video_export_operator.manifests.children import (
    build_disruption_budget,
    build_metrics_service,
    build_network_policy,
    build_service_account,
    build_service_monitor,
)
from video_export_operator.manifests.workload import build_deployment
from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.identity import API_VERSION, KIND, child_labels


@dataclass(frozen=True, order=True, slots=True)
class Ref:
    """Which object: by API version, kind and name, in the resource's namespace."""

    api_version: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Manifest:
    """A wanted object, and the hash of it."""

    ref: Ref
    body: dict[str, Any]
    digest: str


def build_workload(resource: VideoExportWorker, secrets: str = "") -> Manifest:
    """Return the worker Deployment, whose pods carry a hash of what Secrets give them."""
    return _owned(resource, build_deployment(resource, secrets))


def build_children(resource: VideoExportWorker) -> tuple[tuple[Manifest, ...], tuple[Ref, ...]]:
    """Return what stands beside the Deployment, and what must not be there because it is switched off."""
    name = resource.name
    built = (
        (Ref("v1", "ServiceAccount", name), build_service_account(resource)),
        (Ref("v1", "Service", f"{name}-metrics"), build_metrics_service(resource)),
        (Ref("networking.k8s.io/v1", "NetworkPolicy", name), build_network_policy(resource)),
        (Ref("policy/v1", "PodDisruptionBudget", name), build_disruption_budget(resource)),
        (Ref("monitoring.coreos.com/v1", "ServiceMonitor", name), build_service_monitor(resource)),
    )
    wanted = tuple(_owned(resource, body) for _, body in built if body is not None)
    return wanted, tuple(ref for ref, body in built if body is None)


def _owned(resource: VideoExportWorker, body: dict[str, Any]) -> Manifest:
    """Return the object with its name, labels and owner, by which it is collected when the resource goes."""
    metadata = body["metadata"]
    owner = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": resource.name,
        "uid": resource.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    whole = {
        **body,
        "metadata": {
            "name": resource.name,
            **metadata,
            "namespace": resource.key.namespace,
            "labels": {**metadata.get("labels", {}), **child_labels(resource.name)},
            "ownerReferences": [owner],
        },
    }
    ref = Ref(whole["apiVersion"], whole["kind"], whole["metadata"]["name"])
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return Manifest(ref, whole, hashlib.sha256(text.encode()).hexdigest())
