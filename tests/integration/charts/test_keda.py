"""KEDA as the scaler of the worker chart."""

import pytest

from tests.integration.charts.helm import kinds, only, render
from tests.integration.charts.worker_values import CHART, TLS, by_name, values


@pytest.mark.parametrize("operator", [True, False])
def test_keda_scales_what_is_there(operator: bool) -> None:
    case = {"keda": {"enabled": True}, "scaling": {"mode": "Manual", "minReplicas": 1, "maxReplicas": 7}, "slots": 4}
    manifests = render(CHART, values(case, operator={"enabled": operator}))
    scaled = only(manifests, "ScaledObject")["spec"]
    target = only(manifests, "VideoExportWorker" if operator else "Deployment")
    assert scaled["scaleTargetRef"] == {
        "apiVersion": target["apiVersion"],
        "kind": target["kind"],
        "name": target["metadata"]["name"],
    }
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (1, 7)
    (trigger,) = scaled["triggers"]
    assert trigger == {
        "type": "temporal",
        "metadata": {
            "endpoint": "temporal:7233",
            "namespace": "default",
            "taskQueue": "video-export-task-queue",
            "queueTypes": "workflow,activity",
            "targetQueueSize": "4",
            "activationTargetQueueSize": "0",
        },
    }
    assert "TriggerAuthentication" not in kinds(manifests)


def test_keda_gets_the_same_credentials() -> None:
    case = {"keda": {"enabled": True}, "operator": {"enabled": False}, "temporal": {"tls": TLS}}
    manifests = render(CHART, values(case))
    (trigger,) = only(manifests, "ScaledObject")["spec"]["triggers"]
    authentication = only(manifests, "TriggerAuthentication")
    assert trigger["authenticationRef"] == {"name": authentication["metadata"]["name"]}
    assert trigger["metadata"]["tlsServerName"] == "t.example"
    assert by_name(authentication["spec"]["secretTargetRef"], "parameter") == {
        "ca": {"parameter": "ca", "name": "ca", "key": "ca.crt"},
        "cert": {"parameter": "cert", "name": "client", "key": "tls.crt"},
        "key": {"parameter": "key", "name": "client", "key": "tls.key"},
    }
