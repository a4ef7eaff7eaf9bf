"""One local cluster with the operator for all tests; each test has a namespace and a task queue of its own."""

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
from tests.e2e.tenant import OPERATOR_NAMESPACE, RELEASE, Tenant
from tests.requirements import require

CHARTS = Path(__file__).parents[2] / "charts"
COLD_BUILD = 2400  # seconds that the first test may take where nothing has been built


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test of this level time for what is built once."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for first in ours[:1]:
        first.add_marker(pytest.mark.timeout(COLD_BUILD))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of the tests' own, with its own state; a machine has one at a time."""
    require(os.geteuid() == 0, "no root: pods need it; run `sudo -E make test`")
    running = subprocess.run(["ip", "link", "show", BRIDGE], capture_output=True, check=False).returncode == 0
    require(not running, "a local cluster runs on this machine already: `make demo-down` ends it")
    started = Cluster(cache_directory() / "e2e")
    try:
        started.up()
        yield started
    finally:
        started.down()


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> str:
    """The operator, installed by its chart from the image of this checkout; its namespace."""
    repository, _, tag = OPERATOR.name.rpartition(":")
    values = ["--set-string", f"image.repository={repository},image.tag={tag}"]
    values += ["--set", f"seccompProfile.install=true,seccompProfile.kubeletRoot={cluster.directory}/kubelet"]
    options = ["--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--wait", "--timeout", "2m"]
    cluster.helm("install", RELEASE, str(CHARTS / "video-export-operator"), *options, *values)
    return OPERATOR_NAMESPACE


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
