"""What exists in the cluster for a resource, reduced to what decisions need."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from video_export_operator.resource.identity import (
    CONTAINER,
    DELETION_COST,
    MANAGER,
    PROTECTED,
    SECRETS_ANNOTATION,
    UNPROTECTED,
    WORKER_LABEL,
)
from video_export_operator.resource.replica_sets import take_template
from video_export_operator.resource.trouble import Trouble, find_deployment_trouble, find_pod_trouble, parse_time

PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
"""The order in which a ReplicaSet takes pods away."""

SIZE_FIELD = "f:replicas"
LOST = 60.0
"""Seconds past its grace period after which a pod that is still terminating counts as lost."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LivePod:
    """A pod of ours; `address` is empty before it has one.

    Attributes:
        started: its worker container runs; one that does not cannot have work.
        phase: 0 Pending, 1 Unknown, 2 Running: the order in which a ReplicaSet takes pods away.
        deletion_cost: of the annotation; lower ones go first.
        node: empty before it has one.
        replica_set: name of the ReplicaSet that made it.
        ready_since: when it became ready, in seconds since the epoch; None where it is not ready or does not say it.
        created: in seconds since the epoch.
        ends_at: when the grace period of a terminating pod is over, in seconds since the epoch.
        restarts: of the container that restarted most, and of the sidecar that did.
        protected: whether node autoscalers leave it alone; None where its annotations say neither.
    """

    name: str
    uid: str = ""
    worker: str = ""
    assigned: bool = True
    phase: int = 2
    ready: bool = True
    started: bool = True
    terminating: bool = False
    deletion_cost: int = 0
    trouble: Trouble | None = None
    address: str = ""
    node: str = ""
    replica_set: str = ""
    ready_since: float | None = None
    created: float = 0.0
    restarts: tuple[int, int] = (0, 0)
    protected: bool | None = None
    ends_at: float | None = None

    def is_lost(self, now: float) -> bool:
        """Return whether the pod should have ended long ago: its node is most likely dead."""
        return self.ends_at is not None and now - self.ends_at > LOST


@dataclass(frozen=True, slots=True)
class LiveDeployment:
    """A worker Deployment.

    Attributes:
        size: pods that are asked for, `spec.replicas`.
        size_is_ours: the operator gave it that size, and nobody has changed it since.
        writer: see `take_writer`.
        replicas: pods that there are, terminating ones left out, as the controller has counted them.
        rolling: pods of an older template are still there, or the newest spec was not seen yet.
        overdue: the rollout has exceeded its deadline.
        fingerprint: see `take_fingerprint`.
        template: see `take_template`.
        max_surge: pods that a rollout may add, as a number or a percentage; `max_unavailable` those that it may miss.
        paused: a rollout does not go on.
        secrets: hash of what its pods were given by Secrets.
    """

    name: str
    uid: str
    controller_uid: str | None
    generation: int
    size: int
    replicas: int
    ready_replicas: int
    rolling: bool
    overdue: bool
    trouble: Trouble | None
    size_is_ours: bool = True
    writer: str = ""
    fingerprint: str = ""
    secrets: str = ""
    template: str = ""
    max_surge: int | str = 0
    max_unavailable: int | str = 0
    paused: bool = False


def parse_pod(body: Json) -> LivePod | None:
    """Return the pod; None for one that has ended or that no ReplicaSet of ours made."""
    metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    worker, annotations = (metadata.get("labels") or {}).get(WORKER_LABEL), metadata.get("annotations") or {}
    if worker is None or not _is_made_for(metadata, worker) or status.get("phase") in ("Succeeded", "Failed"):
        return None
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    ready = conditions.get("Ready", {})
    container: Json = next((c for c in status.get("containerStatuses") or () if c.get("name") == CONTAINER), {})
    return LivePod(
        name=metadata["name"],
        uid=metadata["uid"],
        worker=worker,
        assigned=bool(spec.get("nodeName")),
        phase=PHASES.get(status.get("phase", ""), 0),
        ready=ready.get("status") == "True",
        started="running" in (container.get("state") or {}),
        terminating="deletionTimestamp" in metadata,
        deletion_cost=_number(annotations.get(DELETION_COST)) or 0,
        trouble=find_pod_trouble(status, conditions),
        address=status.get("podIP") or "",
        node=spec.get("nodeName") or "",
        replica_set=next(owner["name"] for owner in metadata["ownerReferences"] if owner["kind"] == "ReplicaSet"),
        ready_since=parse_time(ready.get("lastTransitionTime")) if ready.get("status") == "True" else None,
        created=parse_time(metadata.get("creationTimestamp")) or 0.0,
        restarts=_restarts(spec, status),
        protected=_is_protected(annotations),
        ends_at=parse_time(metadata.get("deletionTimestamp")),
    )


def parse_deployment(body: Json) -> LiveDeployment:
    """Return the Deployment."""
    metadata, status = body["metadata"], body.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    progressing = conditions.get("Progressing", {})
    overdue = progressing.get("reason") == "ProgressDeadlineExceeded"
    unseen = (status.get("observedGeneration") or 0) < metadata.get("generation", 0)
    older = (status.get("replicas") or 0) > (status.get("updatedReplicas") or 0)
    spec = body.get("spec") or {}
    template = spec.get("template") or {}
    rolling_update = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    return LiveDeployment(
        name=metadata["name"],
        uid=metadata["uid"],
        controller_uid=next((o["uid"] for o in metadata.get("ownerReferences") or () if o.get("controller")), None),
        generation=metadata.get("generation", 0),
        size=spec.get("replicas") or 0,
        writer=take_writer(body),
        size_is_ours=any(_owns_size(each) for each in metadata.get("managedFields") or ()),
        replicas=status.get("replicas") or 0,
        ready_replicas=status.get("readyReplicas") or 0,
        rolling=(unseen or older) and not overdue,
        overdue=overdue,
        trouble=find_deployment_trouble(conditions, overdue),
        fingerprint=take_fingerprint(body),
        secrets=((template.get("metadata") or {}).get("annotations") or {}).get(SECRETS_ANNOTATION, ""),
        template=take_template(template),
        max_surge=rolling_update.get("maxSurge", 0),
        max_unavailable=rolling_update.get("maxUnavailable", 0),
        paused=bool(spec.get("paused")),
    )


def take_fingerprint(body: Json) -> str:
    """Return what changes when somebody changes an object in a way that matters to us.

    Whoever changes or removes a field of ours takes it out of our entry of `managedFields`, also where no
    `generation` shows it. The size of a Deployment is left out: it has a way of its own, the scale subresource.
    """
    metadata = body["metadata"]
    ours = [_without_size(each["fieldsV1"]) for each in metadata.get("managedFields") or () if _is_ours(each)]
    state = json.dumps([metadata.get("uid"), ours], sort_keys=True)
    return hashlib.sha256(state.encode()).hexdigest()[:16]


def take_writer(body: Json) -> str:
    """Return who last wrote an object beside the operator; empty where nobody has. Its status is the controllers'."""
    others = [
        each
        for each in body["metadata"].get("managedFields") or ()
        if each.get("manager") != MANAGER and each.get("subresource") != "status"
    ]
    last: Json = max(others, key=lambda each: each.get("time") or "", default={})
    return str(last.get("manager") or "")


def _is_ours(entry: Json) -> bool:
    """Return whether an entry of `managedFields` is what we applied."""
    return (entry.get("manager"), entry.get("operation"), entry.get("subresource")) == (MANAGER, "Apply", None)


def _without_size(fields: Json) -> Json:
    """Return the fields that were applied without the size."""
    spec = {name: value for name, value in fields.get("f:spec", {}).items() if name != SIZE_FIELD}
    return {**fields, "f:spec": spec} if "f:spec" in fields else fields


def _owns_size(entry: Json) -> bool:
    """Return whether an entry of `managedFields` says that the operator gave the size, in whichever way."""
    return entry.get("manager") == MANAGER and SIZE_FIELD in (entry.get("fieldsV1") or {}).get("f:spec", {})


def _is_made_for(metadata: Json, worker: str) -> bool:
    """Return whether a ReplicaSet of the worker's Deployment made the pod."""
    owners = metadata.get("ownerReferences") or ()
    return any(owner["kind"] == "ReplicaSet" and owner["name"].startswith(f"{worker}-") for owner in owners)


def _is_protected(annotations: Mapping[str, str]) -> bool | None:
    """Return whether node autoscalers leave the pod alone, None where its annotations say neither."""
    for wanted in (PROTECTED, UNPROTECTED):
        if wanted.items() <= annotations.items():
            return wanted is PROTECTED
    return None


def _restarts(spec: Json, status: Json) -> tuple[int, int]:
    """Return how often the container that restarted most did, and the sidecar."""
    sidecars = {each["name"] for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"}
    regular = (each.get("restartCount", 0) for each in status.get("containerStatuses") or ())
    initial = status.get("initContainerStatuses") or ()
    return max(regular, default=0), max(
        (each.get("restartCount", 0) for each in initial if each["name"] in sidecars), default=0
    )


def _number(text: str | None) -> int | None:
    """Return an annotation's number; somebody may have written anything there."""
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None
