"""The worker Deployment and its pod template."""

from typing import Any

from video_export_operator.manifests.environment import (
    build_args,
    build_environment,
    certificate_mounts,
)
from video_export_operator.manifests.overlay import lay_over
from video_export_operator.resource import Spec, VideoExportWorker
from video_export_operator.resource.identity import (
    CONTAINER,
    PROTECTED,
    SECRETS_ANNOTATION,
    child_labels,
    selector_labels,
)
from video_export_operator.resource.spec import RolloutMode, SeccompType

USER = 10001
"""User and group of the worker, those of Dockerfile.worker."""
SHARED_MEMORY = "256Mi"
"""Chromium keeps its bitmaps in /dev/shm; a pod's own has 64 MiB."""
TEMPORARY_GIB = 8
"""What the attempt of one slot writes at most, see docs/sizing.md; a pod above the sum is evicted."""

PROGRESS_DEADLINE = 600
"""Seconds without progress after which a rollout is told to be stuck: the API's default."""

Json = dict[str, Any]


def build_deployment(resource: VideoExportWorker, secrets: str = "") -> Json:
    """Return the Deployment without its size, which has a way of its own."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {},
        "spec": {
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": selector_labels(resource.name)},
            # A pod is replaced only when its successor is ready, and it finishes what it runs in its grace period.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
            "template": build_pod_template(resource, secrets),
            **_waiting(resource.spec),
        },
    }


def _waiting(spec: Spec) -> Json:
    """Return what keeps the Deployment controller from taking pods that are busy while others come in.

    Until a pod has been ready for so long it does not count as available, and no older one is taken for it.
    """
    if spec.rollout.mode is not RolloutMode.WHEN_IDLE:
        return {}
    wait = int(spec.rollout.max_wait)
    return {"minReadySeconds": wait, "progressDeadlineSeconds": wait + PROGRESS_DEADLINE}


def build_pod_template(resource: VideoExportWorker, secrets: str = "") -> Json:
    """Return our pod template with the user's laid over it; the labels that select the pods stay ours."""
    template = lay_over(_own_template(resource), resource.spec.template or {})
    metadata = template["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **child_labels(resource.name)}
    if secrets:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), SECRETS_ANNOTATION: secrets}
    return template


def _own_template(resource: VideoExportWorker) -> Json:
    """Return the pod template without the user's."""
    spec = resource.spec
    pod: Json = {
        "serviceAccountName": spec.service_account.name or resource.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": spec.termination_grace_period_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": _seccomp_profile(spec),
        },
        "containers": [_container(resource)],
        "volumes": _volumes(spec),
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret.name} for secret in spec.image_pull_secrets]
    return {"metadata": {"labels": child_labels(resource.name), "annotations": _pod_annotations(spec)}, "spec": pod}


def _seccomp_profile(spec: Spec) -> Json:
    """Return the profile of the pod; with a Localhost one that allows it Chromium's own sandbox is on."""
    profile = spec.seccomp_profile
    if profile.type is SeccompType.LOCALHOST:
        return {"type": "Localhost", "localhostProfile": profile.localhost_profile}
    return {"type": "RuntimeDefault"}


def _pod_annotations(spec: Spec) -> dict[str, str]:
    """Return the annotations with which a pod begins."""
    annotations = {"kubectl.kubernetes.io/default-container": CONTAINER}
    if spec.protect_from_eviction:
        annotations |= PROTECTED  # until it is known what the pod does
    return annotations


def _container(resource: VideoExportWorker) -> Json:
    """Return the worker container."""
    spec = resource.spec
    container: Json = {
        "name": CONTAINER,
        "image": spec.image,
        "args": build_args(spec),
        "env": build_environment(resource),
        "ports": [
            {"name": "metrics", "containerPort": spec.metrics_port, "protocol": "TCP"},
            {"name": "health", "containerPort": spec.health_port, "protocol": "TCP"},
        ],
        "resources": {
            kind: dict(amounts)
            for kind, amounts in (("requests", spec.resources.requests), ("limits", spec.resources.limits))
            if amounts
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "shared-memory", "mountPath": "/dev/shm"},
            *(
                {"name": mount.volume, "mountPath": mount.folder, "readOnly": True}
                for mount in certificate_mounts(spec)
            ),
        ],
    }
    if spec.command:
        container["command"] = list(spec.command)
    if spec.storage is not None and spec.storage.secret_ref is not None:
        container["envFrom"] = [{"secretRef": {"name": spec.storage.secret_ref.name}}]
    return {**container, **(_probes() if spec.runs_own_worker else {})}


def _volumes(spec: Spec) -> list[Json]:
    """Return the volumes: somewhere to write, shared memory, and certificates."""
    return [
        {"name": "tmp", "emptyDir": {"sizeLimit": f"{TEMPORARY_GIB * spec.slots}Gi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": SHARED_MEMORY}},
        *({"name": mount.volume, "secret": {"secretName": mount.secret}} for mount in certificate_mounts(spec)),
    ]


def _probes() -> Json:
    """Return the probes of the project's own worker.

    Liveness fails only when the event loop stands still for a minute. Neither depends on Temporal: an outage would
    make Kubernetes restart busy pods, or take them first in a scale-down.
    """

    def probe(path: str, period: int, failures: int, timeout: int = 1) -> Json:
        check = {"path": path, "port": "health"}
        return {"httpGet": check, "periodSeconds": period, "failureThreshold": failures, "timeoutSeconds": timeout}

    return {
        "startupProbe": probe("/healthz", 1, 120, 5),
        "livenessProbe": probe("/healthz", 10, 6, 5),
        "readinessProbe": probe("/readyz", 5, 3, 5),
    }
