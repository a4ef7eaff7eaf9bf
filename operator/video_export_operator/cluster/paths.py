"""Where objects are in the API server."""

from video_export_operator.resource.identity import KIND, PLURAL

PLURALS = {
    "Deployment": "deployments",
    "ServiceAccount": "serviceaccounts",
    "Service": "services",
    "NetworkPolicy": "networkpolicies",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "ServiceMonitor": "servicemonitors",
    "ReplicaSet": "replicasets",
    "Pod": "pods",
    "Secret": "secrets",
    "Event": "events",
    "Lease": "leases",
    KIND: PLURAL,
}


def path_of(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """Return the path of an object, or of its collection; of those of all namespaces where none is named."""
    root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
    path = f"{root}/namespaces/{namespace}/{PLURALS[kind]}" if namespace else f"{root}/{PLURALS[kind]}"
    return f"{path}/{name}" if name else path
