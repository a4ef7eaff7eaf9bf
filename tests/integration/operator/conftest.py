"""One control plane and one operator for all tests; each test has a namespace and a task queue of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import CONTROL_PLANE, CONTROLLERS, find_programs
from dev.processes import Process
from tests.integration.operator.cluster import (
    AUDIT_LOG,
    REPLICAS,
    SHARED,
    Namespace,
    Operator,
    install_definition,
    resource,
    running_operator,
)
from tests.requirements import require
from tests.servers import TemporalServer
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "users": list(REPLICAS), "verbs": ["create", "update", "patch", "delete"]},
        {"level": "None"},
    ],
}


CONTROLLERS_FOR_TESTS = (
    "--horizontal-pod-autoscaler-sync-period=2s",
    "--kube-api-qps=200",  # twenty writes a second are what a test with hundreds of pods would wait for
    "--kube-api-burst=400",
    # It deletes pods whose node does not exist; here no node does.
    "--controllers=*,-pod-garbage-collector-controller",
)


class QuickControlPlane(ControlPlane):
    """A control plane whose controllers are quick, and which notes who wrote what."""

    @property
    def api_server(self) -> Process:
        """The API server."""
        usual, policy = super().api_server, self.directory / "audit-policy.json"
        policy.write_text(json.dumps(AUDIT))
        flags = [f"--audit-policy-file={policy}", f"--audit-log-path={self.directory / AUDIT_LOG}"]
        return replace(usual, command=[*usual.command, *flags])

    @property
    def controller_manager(self) -> Process:
        """The controllers."""
        usual = super().controller_manager
        return replace(usual, command=[*usual.command, *CONTROLLERS_FOR_TESTS])


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """etcd, API server and controllers with the CRD; there are no nodes, so pods stay pending."""
    found = find_programs((*CONTROL_PLANE, *CONTROLLERS, "kubectl"))
    require(found, "no Kubernetes programs: `make test` builds them, or set KUBEBUILDER_ASSETS")
    with QuickControlPlane() as plane:
        default = Namespace(plane, "default")
        install_definition(default, ROOT / "crds" / "videoexportworkers.yaml")
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Namespace:
    """A namespace of the test's own."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:50].strip("-")
    created = Namespace(control_plane, name)
    created.succeed("create", "namespace", name)
    # The ServiceAccount controller makes it a moment later; pods are refused before.
    wait_until(lambda: created.get("serviceaccount", "default"), "the namespace has its ServiceAccount")
    return created


@pytest.fixture(scope="session")
def operator(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator that serves all namespaces. A test that stops one starts its own, for its own namespace."""
    folder = tmp_path_factory.mktemp("operator")
    # Its own Lease: operators of single tests must not stand by for this one.
    with running_operator(control_plane, folder, served_by=SHARED, lease_name=SHARED) as started:
        yield started


@pytest.fixture
def export(operator: Operator, namespace: Namespace, temporal_server: TemporalServer) -> Callable[..., str]:
    """Apply a resource whose queue is named as the namespace; returns the queue's name."""

    def apply(**spec: Any) -> str:
        temporal = {"taskQueue": namespace.name, **spec.pop("temporal", {})}
        namespace.apply(resource(temporal_server.address, temporal=temporal, **spec))
        return namespace.name

    return apply
