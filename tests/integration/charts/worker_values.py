"""Values of the chart of a group of workers, as people set them."""

from typing import Any

from tests.integration.charts.helm import Manifest, render

CHART = "temporal-worker-video-export"
DIGEST = "sha256:" + "0123456789abcdef" * 4
MONITORS = ("monitoring.coreos.com/v1/ServiceMonitor",)
TLS = {"serverName": "t.example", "caSecretRef": {"name": "ca"}, "clientCertSecretRef": {"name": "client"}}
OVERLAY: dict[str, Any] = {
    "metadata": {"annotations": {"team": "media"}, "labels": {"team": "media"}},
    "spec": {
        "nodeSelector": {"pool": "video"},
        "tolerations": [{"key": "video", "operator": "Exists"}],
        "containers": [
            {
                "name": "worker",
                "env": [{"name": "HOME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "A"}],
                "livenessProbe": {"exec": {"command": ["true"]}},
                "volumeMounts": [{"mountPath": "/tmp", "subPath": "x"}, {"mountPath": "/data", "name": "data"}],
                "resources": {"limits": {"memory": "4Gi"}},
            },
            {"name": "sidecar", "image": "proxy:1"},
        ],
        "volumes": [
            {"name": "tmp", "hostPath": {"path": "/scratch"}},
            {"name": "data", "emptyDir": {}},
        ],
    },
}
NOT_SPOT = {"matchExpressions": [{"key": "lifecycle", "operator": "NotIn", "values": ["spot"]}]}
POD_VALUES: dict[str, Any] = {
    "nodeSelector": {"pool": "renders"},
    "tolerations": [{"key": "video", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [NOT_SPOT]}}},
    "topologySpreadConstraints": [
        {"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "batch",
    "podLabels": {"cost-centre": "media"},
    "podAnnotations": {"prometheus.io/scrape": "false"},
    "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "A", "value": "first"}],
    "extraVolumes": [{"name": "fonts", "configMap": {"name": "fonts"}}],
    "extraVolumeMounts": [{"name": "fonts", "mountPath": "/usr/local/share/fonts"}],
}
CASES: dict[str, dict[str, Any]] = {
    "smallest": {},
    "api key": {"temporal": {"apiKeySecretRef": {"name": "cloud"}}},
    "api key of a name": {
        "temporal": {"apiKeySecretRef": {"name": "cloud", "key": "token"}, "namespace": "exports.a1"}
    },
    "system's authorities": {"temporal": {"tls": {}}},
    "mutual TLS": {"temporal": {"tls": TLS}},
    "storage's credentials": {"storage": {"secretRef": {"name": "s3"}}},
    "digest": {"image": {"repository": "registry:5000/w", "sha": DIGEST}, "imagePullSecrets": [{"name": "pull"}]},
    "pull policy": {"image": {"pullPolicy": "Never"}},
    "pull policy and template": {"image": {"pullPolicy": "Never"}, "template": OVERLAY},
    "own command": {"command": ["python", "manage.py"], "args": ["start_temporal_worker"]},
    "own command alone": {"command": ["./worker"]},
    "own arguments": {"args": ["worker", "--task-queue", "q", "--metrics-port", "8007", "--verbose"]},
    "another program's arguments": {"args": ["serve"]},
    "ports": {"metricsPort": 9007, "healthPort": 9008},
    "slots and grace": {"slots": 5, "terminationGracePeriodSeconds": 10},
    "no limits": {"resources": {"requests": {"cpu": 2, "memory": "1Gi"}, "limits": None}},
    "no resources": {"resources": {"requests": None, "limits": None}},
    "somebody's account": {"serviceAccount": {"name": "storage-writer"}},
    "workload identity": {"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}},
    "nothing beside": {
        "protectFromEviction": False,
        "networkPolicy": {"enabled": False},
        "serviceMonitor": {"enabled": False},
    },
    "everything beside": {
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": "25%"},
        "serviceMonitor": {"interval": "1m", "labels": {"release": "prometheus"}},
    },
    "what requests may name": {"storage": {"sources": ["s3://recordings", "gs://more"], "outputs": ["s3://videos"]}},
    "Chromium's sandbox": {"seccompProfile": {"type": "Localhost", "localhostProfile": "profiles/mine.json"}},
    "egress": {"networkPolicy": {"egress": {"ports": [9000, 443], "cidrs": ["10.0.0.0/8"]}}},
    "egress to Temporal and the storage alone": {"networkPolicy": {"egress": {"ports": []}}},
    "assets from some hosts": {
        "assets": {"hosts": ["cdn.example", "in.example@10.0.0.0/8"], "headersSecretRef": {"name": "cdn"}},
        "networkPolicy": {"egress": {"ports": []}},
    },
    "no assets": {"assets": {"mode": "None"}, "networkPolicy": {"egress": {"ports": [], "cidrs": ["10.0.0.0/8"]}}},
    "template": {"template": OVERLAY},
    "where and with what": POD_VALUES,
    "where and with what, and a template over it": {**POD_VALUES, "template": OVERLAY},
}


def values(case: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"temporal": {"address": "temporal:7233"}, "storage": {"uri": "s3://exports"}}
    for name, value in {**(case or {}), **more}.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return base


def by_name(items: list[dict[str, Any]], key: str = "name") -> dict[Any, dict[str, Any]]:
    return {item[key]: item for item in items}


def plain_pods(case: dict[str, Any]) -> list[Manifest]:
    """Return what the chart renders without the operator."""
    return render(CHART, values(case, operator={"enabled": False}, replicas=3), apis=MONITORS)
