"""One control plane and one operator for all tests; each test has a namespace and a task queue of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.control_plane import ControlPlane
from dev.kubernetes_binaries import CONTROL_PLANE, CONTROLLERS, find_programs
from tests.integration.operator.cluster import SHARED, Namespace, Operator, running_operator
from tests.requirements import require
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """etcd, API server and controllers with the CRD; there are no nodes, so pods stay pending."""
    found = find_programs((*CONTROL_PLANE, *CONTROLLERS, "kubectl"))
    require(found, "no Kubernetes programs: `make test` builds them, or set KUBEBUILDER_ASSETS")
    with ControlPlane() as plane:
        default = Namespace(plane, "default")
        default.succeed("apply", "-f", str(ROOT / "crds" / "videoexportworkers.yaml"))
        default.succeed("wait", "--for=condition=Established", "crd/videoexportworkers.videoexport.dev")
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
