"""A ReplicaSet of a worker Deployment, reduced to what decides which pods a smaller size takes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TEMPLATE_HASH = "pod-template-hash"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LiveReplicaSet:
    """A ReplicaSet.

    Attributes:
        created: in RFC 3339, as the API server writes it, so that it can be compared as text.
        template: see `take_template`.
        replicas: its size.
        available: pods that are available, as its status says.
        desired: size of the Deployment when it was last scaled, None where that was not noted.
        most: pods of the Deployment at most when it was last scaled, likewise.
        min_ready: seconds for which a pod has to be ready until it is available.
    """

    name: str
    owner: str
    created: str
    template: str
    replicas: int
    available: int
    desired: int | None
    most: int | None
    min_ready: int = 0
    uid: str = ""


def parse_replica_set(body: Json) -> LiveReplicaSet:
    """Return the ReplicaSet."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    annotations = metadata.get("annotations") or {}
    return LiveReplicaSet(
        name=metadata["name"],
        owner=next((each["uid"] for each in metadata.get("ownerReferences") or () if each.get("controller")), ""),
        created=metadata.get("creationTimestamp") or "",
        template=take_template(spec.get("template") or {}),
        replicas=spec.get("replicas") or 0,
        available=status.get("availableReplicas") or 0,
        desired=_count(annotations.get(DESIRED)),
        most=_count(annotations.get(MOST)),
        min_ready=spec.get("minReadySeconds") or 0,
        uid=metadata.get("uid") or "",
    )


def take_template(template: Json) -> str:
    """Return a digest of a pod template that is the same for a Deployment and for the ReplicaSet made for it."""
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {
        name: value for name, value in (metadata.get("labels") or {}).items() if name != TEMPLATE_HASH
    }
    text = json.dumps({**template, "metadata": metadata}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _count(text: str | None) -> int | None:
    """Return a number that the Deployment controller noted, None where it would not take it for one."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
