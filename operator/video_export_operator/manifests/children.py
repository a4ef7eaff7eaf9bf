"""What stands beside the Deployment: identity, metrics, and protection."""

from typing import Any

from video_export_operator.resource import Spec, VideoExportWorker
from video_export_operator.resource.assets import AssetMode
from video_export_operator.resource.identity import selector_labels

DNS_PORT = 53
HTTP_PORT = 80
HTTPS_PORT = 443
PRIVATE_NETWORKS = {
    "0.0.0.0/0": (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3"),
    ),
    "::/0": ("::/8", "64:ff9b::/32", "2001::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8"),
}
"""Addresses that the internet does not have, by the range of all of a family; Azure's host agent is among them."""

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
    """Return a policy for connections to the metrics and health ports, and for those to name servers and by TCP."""
    policy = resource.spec.network_policy
    if not policy.enabled:
        return None
    ports = (resource.spec.metrics_port, resource.spec.health_port)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {},
        "spec": {
            "podSelector": {"matchLabels": selector_labels(resource.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": port} for port in ports]}],
            "egress": [
                {"ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]},
                _egress_rule(resource.spec),
                *_asset_rules(resource.spec),
            ],
        },
    }


def _egress_rule(spec: Spec) -> Json:
    """Return what the pods may reach by TCP: Temporal, the storage and what the resource names, or every port."""
    egress = spec.network_policy.egress
    ports: list[Json] = [{"protocol": "TCP"}]
    if egress.ports is not None:
        temporal = int(spec.temporal.address.rpartition(":")[2])
        storage = [HTTPS_PORT] if spec.storage is not None and not spec.storage.uri.startswith("file://") else []
        ports = [{"protocol": "TCP", "port": port} for port in dict.fromkeys([temporal, *storage, *egress.ports])]
    peers = [{"ipBlock": {"cidr": cidr}} for cidr in egress.cidrs]
    return {"ports": ports, **({"to": peers} if peers else {})}


def _asset_rules(spec: Spec) -> list[Json]:
    """Return the rule for linked assets where the other one keeps the pods from the internet: to public addresses."""
    egress = spec.network_policy.egress
    is_open = egress.ports is None and not egress.cidrs
    if spec.assets.mode is AssetMode.NONE or is_open:
        return []
    peers = [{"ipBlock": {"cidr": every, "except": list(private)}} for every, private in PRIVATE_NETWORKS.items()]
    return [{"ports": [{"protocol": "TCP", "port": port} for port in (HTTP_PORT, HTTPS_PORT)], "to": peers}]


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
