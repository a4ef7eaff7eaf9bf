"""The ServiceMonitor, a kind that may be missing: in a cluster of its own, since other tests rely on its absence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import CONTROL_PLANE, CONTROLLERS, find_programs
from tests.integration.operator.cluster import OWN, Namespace, install_definition, resource, running_operator
from tests.requirements import require
from tests.servers import TemporalServer
from tests.waiting import wait_for

DEFINITION = Path(__file__).parents[3] / "crds" / "videoexportworkers.yaml"
KIND = "servicemonitors.monitoring.coreos.com"
SERVICE_MONITORS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": KIND},
    "spec": {
        "group": "monitoring.coreos.com",
        "scope": "Namespaced",
        "names": {"kind": "ServiceMonitor", "plural": "servicemonitors"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    }
                },
            }
        ],
    },
}
"""As far as anybody here looks at it."""


@pytest.fixture
def own_cluster() -> Iterator[Namespace]:
    """The default namespace of a control plane of the test's own."""
    found = find_programs((*CONTROL_PLANE, *CONTROLLERS, "kubectl"))
    require(found, "no Kubernetes programs: `make test` builds them, or set KUBEBUILDER_ASSETS")
    with ControlPlane() as plane:
        default = Namespace(plane, "default")
        install_definition(default, DEFINITION)
        default.apply(SERVICE_MONITORS)
        default.succeed("wait", "--for=create", "--timeout=20s", f"crd/{KIND}")
        default.succeed("wait", "--for=condition=Established", "--timeout=20s", f"crd/{KIND}")
        yield default


async def test_a_service_monitor_is_repaired_soon_and_may_go_altogether(
    own_cluster: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    namespace = own_cluster
    path = "/apis/monitoring.coreos.com/v1/namespaces/default/servicemonitors/exports"

    def monitor() -> dict[str, Any]:
        return namespace.control_plane.get(path) or {}

    def interval() -> str | None:
        return next((each["interval"] for each in monitor().get("spec", {}).get("endpoints", ())), None)

    with running_operator(namespace.control_plane, tmp_path, lease_name="monitors") as operator:
        namespace.apply(resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}))
        await wait_for(lambda: interval() == "30s", "the ServiceMonitor is made")
        edit = [{"op": "replace", "path": "/spec/endpoints/0/interval", "value": "1h"}]
        namespace.succeed("patch", KIND, "exports", "--type=json", "-p", json.dumps(edit))
        await wait_for(lambda: interval() == "30s", "the interval is repaired")
        uid = monitor()["metadata"]["uid"]
        namespace.succeed("delete", KIND, "exports")
        await wait_for(lambda: monitor().get("metadata", {}).get("uid", uid) != uid, "it is made again")
        namespace.succeed("delete", "crd", KIND)
        namespace.succeed("scale", "vew/exports", "--replicas=1")
        await namespace.wait_size(1)
        await namespace.wait_condition("Ready", "True", "InPlace")
        assert operator.process is not None
        assert operator.process.poll() is None
