"""Names, labels and annotations: how a resource and what is made for it find each other."""

from dataclasses import dataclass
from typing import Any

GROUP = "videoexport.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "VideoExportWorker"
PLURAL = "videoexportworkers"
MANAGER = "video-export-operator"
"""Field manager and `app.kubernetes.io/managed-by`."""
WORKER_LABEL = f"{GROUP}/worker"
"""Label on pods and Deployments whose value is the resource's name."""
SECRETS_ANNOTATION = f"{GROUP}/secrets"
"""On pods: a hash of what they were given by Secrets, so that a changed one brings new pods."""
ADOPT_ANNOTATION = f"{GROUP}/adopt"
"""On an object whose owner is gone: the resource of its name may have it."""
DRY_RUN_ANNOTATION = f"{GROUP}/dry-run"
"""On a VideoExportWorker: decisions are shown, nothing is done."""
CONTAINER = "worker"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"
PROTECTED = {SAFE_TO_EVICT: "false", DO_NOT_DISRUPT: "true"}
"""Annotations of a pod that node autoscalers leave alone."""
UNPROTECTED = {SAFE_TO_EVICT: "true", DO_NOT_DISRUPT: "false"}
"""Annotations of one whose node they may take, although it has volumes of its own."""
MAX_NAME = 47
"""A pod's name adds up to 16 characters (ReplicaSet hash and suffix) and is also a host name of at most 63."""


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """Which resource, as `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def selector_labels(name: str) -> dict[str, str]:
    """Return the labels by which a Deployment selects its pods; they can never change."""
    return {WORKER_LABEL: name}


def child_labels(name: str) -> dict[str, str]:
    """Return the labels of everything made for a resource."""
    return {
        **selector_labels(name),
        "app.kubernetes.io/name": "video-export-worker",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": MANAGER,
    }


def may_be_adopted(manifest: dict[str, Any]) -> bool:
    """Return whether an object says so, and no resource of another kind controls it."""
    metadata = manifest.get("metadata", {})
    owners = [owner for owner in metadata.get("ownerReferences") or () if owner.get("controller")]
    allowed = (metadata.get("annotations") or {}).get(ADOPT_ANNOTATION) == "true"
    return allowed and all(owner.get("kind") == KIND for owner in owners)


def is_controlled_by(manifest: dict[str, Any], uid: str) -> bool:
    """Return whether the object's controller is the one of this uid."""
    owners = manifest.get("metadata", {}).get("ownerReferences") or ()
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)
