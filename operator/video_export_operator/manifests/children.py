"""What stands beside the Deployment: identity, metrics, and protection."""

from typing import Any

from video_export_operator.resource import VideoExportWorker
from video_export_operator.resource.identity import selector_labels

Json = dict[str, Any]


def build_service_account(resource: VideoExportWorker) -> Json | None:
    """Return the identity of the pods, without a token; none where the resource names one."""
    account = resource.spec.service_account
    if account.name is not None:
        return None
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"annotations": dict(account.annotations)},
        "automountServiceAccountToken": False,
    }


def build_metrics_service(resource: VideoExportWorker) -> Json:
    """Return the headless Service by which the metrics of every pod are found."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{resource.name}-metrics"},
        "spec": {
            "clusterIP": "None",
            # A draining pod still has metrics worth reading.
            "publishNotReadyAddresses": True,
            "selector": selector_labels(resource.name),
            "ports": [
                {"name": "metrics", "port": resource.spec.metrics_port, "targetPort": "metrics", "protocol": "TCP"}
            ],
        },
    }


def build_network_policy(resource: VideoExportWorker) -> Json | None:
    """Return a policy that lets connections in on the metrics and health ports alone; what goes out is not limited."""
    if not resource.spec.network_policy.enabled:
        return None
    ports = (resource.spec.metrics_port, resource.spec.health_port)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {},
        "spec": {
            "podSelector": {"matchLabels": selector_labels(resource.name)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in ports]}],
        },
    }


def build_disruption_budget(resource: VideoExportWorker) -> Json | None:
    """Return the limit of voluntary disruptions, where it is asked for."""
    budget = resource.spec.pod_disruption_budget
    if not budget.enabled:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {},
        "spec": {
            "maxUnavailable": budget.max_unavailable,
            "selector": {"matchLabels": selector_labels(resource.name)},
        },
    }


def build_service_monitor(resource: VideoExportWorker) -> Json | None:
    """Return what a Prometheus operator reads, where it is asked for; its CRD may be absent."""
    monitor = resource.spec.service_monitor
    if not monitor.enabled:
        return None
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"labels": dict(monitor.labels)},
        "spec": {
            "selector": {"matchLabels": selector_labels(resource.name)},
            "endpoints": [{"port": "metrics", "interval": monitor.interval}],
        },
    }
