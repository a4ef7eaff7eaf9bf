"""One local cluster with the operator for all tests; each test has a namespace and a task queue of its own.

So tests run side by side: most of what they take is waiting. Those marked `alone` change what others rely on.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import Cluster
from dev.exports import Exports
from dev.images import OPERATOR
from dev.network import BRIDGE
from dev.places import cache_directory
from tests.e2e.sharing import Sharing
from tests.e2e.tenant import OPERATOR_NAMESPACE, RELEASE, WAIT, Tenant
from tests.requirements import require

CHARTS = Path(__file__).parents[2] / "charts"
TIMEOUT = 600  # seconds of a test, without its turn, and without what is built and started for all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that want to be alone, then with the longest, and let nobody's turn count as his time."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for item in ours:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT, func_only=True))
    ours.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("alone", "long")])
    items[:] = [item for item in items if not item.path.is_relative_to(here)] + ours


@pytest.fixture(scope="session")
def sharing(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Sharing:
    """What this process shares with the others of the run; alone it is called master."""
    own = tmp_path_factory.getbasetemp()
    return Sharing(own if worker_id == "master" else own.parent)


@pytest.fixture(scope="session")
def cluster(sharing: Sharing) -> Iterator[Cluster]:
    """A cluster of the tests' own, with its own state; a machine has one at a time."""
    require(os.geteuid() == 0, "no root: pods need it; run `sudo -E make test`")
    shared = Cluster(cache_directory() / "e2e")

    def start() -> None:
        running = subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode == 0
        require(not running, "a local cluster runs on this machine already: `make demo-down` ends it")
        try:
            shared.up()
        except BaseException:
            shared.down()
            raise

    with sharing.joined(start, shared.down):
        yield shared


@pytest.fixture(scope="session")
def operator(cluster: Cluster, sharing: Sharing) -> str:
    """The operator, installed by its chart from the image of this checkout; its namespace."""
    repository, _, tag = OPERATOR.name.rpartition(":")
    values = ["--set-string", f"image.repository={repository},image.tag={tag}"]
    values += ["--set", f"seccompProfile.install=true,seccompProfile.kubeletRoot={cluster.directory}/kubelet"]
    options = ["--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--wait", "--timeout", f"{WAIT}s"]
    chart = str(CHARTS / "video-export-operator")
    sharing.once("operator", lambda: cluster.helm("install", RELEASE, chart, *options, *values))
    return OPERATOR_NAMESPACE


@pytest.fixture(autouse=True)
def turn(sharing: Sharing, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether others may run beside a test."""
    with sharing.turn(alone=request.node.get_closest_marker("alone") is not None):
        yield


@pytest.fixture(scope="session")
def exports(cluster: Cluster) -> Iterator[Exports]:
    """What Temporal says about exports."""
    with Exports(cluster.temporal) as connected:
        yield connected


@pytest.fixture
def tenant(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A namespace with the storage's secret, deleted with everything in it."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:40].strip("-")
    made = Tenant(cluster, name)
    made.create()
    yield made
    made.kubectl("delete", "namespace", name, "--wait=false")
