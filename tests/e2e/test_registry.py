"""Images of one's own: the commands of docs/how-to/own-images.md, against a registry on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.buildah import Buildah
from dev.cluster import STORAGE_IN_CLUSTER, Cluster
from dev.exports import Exports
from dev.object_storage import client_environment
from dev.registry import ADDRESS, start_registry
from tests.e2e.tenant import OPERATOR_NAMESPACE, RELEASE, WAIT, Json, Tenant, wait_until

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "own-images.md"
IMAGES = f"{ADDRESS}/media"


@pytest.fixture
def registry(cluster: Cluster) -> Iterator[None]:
    """A registry without a password, reached in plain HTTP as every program does with localhost."""
    server = start_registry(cluster.directory)
    yield
    server.stop()


@pytest.fixture
def shell(cluster: Cluster, tenant: Tenant, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has docker, helm and kubectl, and the tenant's namespace as the current one."""
    Buildah().write_docker(tmp_path)
    config = tmp_path / "kubeconfig"
    config.write_bytes(cluster.kubeconfig.read_bytes())
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{cluster.programs}:{os.environ['PATH']}",
        "KUBECONFIG": str(config),
    }
    current = ["kubectl", "config", "set-context", "--current", "--namespace", tenant.name]
    subprocess.run(current, env=environment, check=True, capture_output=True)
    return environment


@pytest.mark.alone  # the operator of all becomes another one
@pytest.mark.timeout(900, func_only=True)  # images are built from what the store has, compressed, pushed and pulled
def test_images_of_ones_own_are_built_pushed_and_installed_by_the_commands_of_the_page(
    cluster: Cluster, tenant: Tenant, operator: str, exports: Exports, registry: None, shell: dict[str, str]
) -> None:
    secret = [f"--from-literal={name}={value}" for name, value in client_environment(STORAGE_IN_CLUSTER).items()]
    tenant.kubectl("create", "secret", "generic", "video-export-storage", *secret)
    commands = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    given = "export REGISTRY=registry.example.org/media"
    assert commands.startswith(given)

    try:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands.replace(given, f"export REGISTRY={IMAGES}")],
            cwd=ROOT,
            env=shell,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        cluster.kubectl("--namespace", operator, "rollout", "status", f"deployment/{RELEASE}", f"--timeout={WAIT}s")
        export = Tenant(cluster, "video-export-task-queue").submit("form", "--end", "2", "--format", "gif")
        pod = wait_until(lambda: find_pod(tenant), "a pod of the pushed image")
        tenant.wait_for_end(exports, export)
        assert pod["spec"]["containers"][0]["image"] == f"{IMAGES}/video-export-worker:0.1.0"
        operators = json.loads(cluster.kubectl("--namespace", operator, "get", "pods", "--output", "json"))["items"]
        running = {pod["spec"]["containers"][0]["image"] for pod in operators if pod["status"]["phase"] == "Running"}
        assert f"{IMAGES}/video-export-operator:0.1.0" in running
    finally:
        # Other tests go on with the operator that was there.
        cluster.helm("rollback", RELEASE, "1", "--namespace", OPERATOR_NAMESPACE, "--wait", "--timeout", f"{WAIT}s")
        tenant.kubectl("delete", "vew", "--all")


def find_pod(tenant: Tenant) -> Json | None:
    """Return a worker's pod, if there is one."""
    found = json.loads(tenant.kubectl("get", "pods", "--selector", "videoexport.dev/worker", "--output", "json"))
    return next(iter(found["items"]), None)
