"""What an administrator does, and what is said when something is wrong."""

from __future__ import annotations

import json
import subprocess

import pytest

from dev.cluster import TEMPORAL_IN_CLUSTER, Cluster
from dev.errors import DevError
from dev.images import WORKER
from dev.places import CHECKOUT
from tests.e2e.conftest import CHARTS
from tests.e2e.tenant import MANUAL, NAME, RELEASE, SECRET, WAIT, Tenant, wait_until

PLUGINS = CHECKOUT / "plugins"


def test_kubectl_scale_sets_the_size_in_manual_mode(tenant: Tenant, operator: str) -> None:
    tenant.apply_workers(scaling=MANUAL)
    tenant.wait_condition("Ready", "True")

    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=2")
    wait_until(lambda: tenant.size() == (2, 2), "two pods are ready")
    tenant.wait_condition("WorkersHealthy", "True")

    tenant.kubectl("scale", f"vew/{NAME}", "--replicas=0")
    wait_until(lambda: tenant.size() == (0, 0), "the Deployment is at zero")


def test_an_image_that_cannot_be_pulled_is_named_in_a_condition(tenant: Tenant, operator: str) -> None:
    missing = "localhost/no-such-image:1"
    tenant.apply_workers(image=missing, scaling=MANUAL, replicas=1)

    found = tenant.wait_condition("WorkersHealthy", "False", "ImagePullBackOff")
    assert missing in found["message"]

    tenant.apply_workers(scaling=MANUAL, replicas=1)
    tenant.wait_condition("WorkersHealthy", "True")


def test_a_secret_that_does_not_exist_is_named_in_a_condition_and_mends_itself(tenant: Tenant, operator: str) -> None:
    storage = {"uri": "s3://exports", "secretRef": {"name": "late"}}
    tenant.apply_workers(storage=storage, scaling=MANUAL, replicas=1)

    found = tenant.wait_condition("Ready", "False", "SecretMissing")
    assert "late" in found["message"]

    secret = tenant.find("secret", SECRET)
    assert secret is not None
    tenant.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late"}, "data": secret["data"]})
    tenant.wait_condition("Ready", "True")


def test_what_cannot_be_is_refused_with_what_to_do(tenant: Tenant, operator: str) -> None:
    with pytest.raises(DevError, match="minReplicas"):
        tenant.apply_workers(scaling={"minReplicas": 5, "maxReplicas": 1})
    with pytest.raises(DevError, match="must be an image reference"):
        tenant.apply_workers(image="Not An Image")


def test_the_operators_chart_passes_its_own_test(cluster: Cluster, operator: str) -> None:
    cluster.helm("test", RELEASE, "--namespace", operator, "--timeout", f"{WAIT}s")


def test_the_workers_chart_makes_a_resource_that_becomes_ready(tenant: Tenant, operator: str) -> None:
    repository, _, tag = WORKER.name.rpartition(":")
    values = {
        "nameOverride": NAME,
        "temporal": {"address": TEMPORAL_IN_CLUSTER, "taskQueue": tenant.name},
        "image": {"repository": repository, "tag": tag},
        "storage": {"uri": "s3://exports", "secretRef": {"name": SECRET}},
        "scaling": {"minReplicas": 1},
        "podLabels": {"team": "media"},
        "extraEnv": [{"name": "TEAM", "value": "media"}],
    }
    settings = [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]
    chart = str(CHARTS / "temporal-worker-video-export")
    tenant.cluster.helm(
        "install", "workers", chart, "--namespace", tenant.name, "--wait", "--timeout", f"{WAIT}s", *settings
    )

    tenant.wait_condition("Ready", "True")
    tenant.wait_condition("TemporalReachable", "True")
    wait_until(lambda: tenant.size() == (1, 1), "a worker is ready")
    tenant.cluster.helm("test", "workers", "--namespace", tenant.name, "--timeout", f"{WAIT}s")
    assert "TEAM=media" in tenant.kubectl("exec", f"deployment/{NAME}", "--", "env")

    # What the plugin of kubectl asks of pods: a worker's for exports, the operator's for a plan.
    # Other tests export through the same Temporal namespace, so there may be some.
    listed = vew(tenant, "exports", NAME)
    assert "no exports" in listed or "STATUS" in listed.upper(), listed
    manifest = tenant.kubectl("get", "vew", NAME, "--output=json")
    assert "standard input: VideoExportWorker exports" in vew(tenant, "plan", "-f", "-", given=manifest)


def vew(tenant: Tenant, *arguments: str, given: str | None = None) -> str:
    """Run `kubectl vew` on a machine that has nothing of ours but the plugin; returns all that it says."""
    programs = tenant.cluster.programs
    environment = {"PATH": f"{PLUGINS}:{programs}:/usr/bin:/bin", "KUBECONFIG": str(tenant.cluster.kubeconfig)}
    # kubectl keeps what it has discovered below it.
    environment["HOME"] = str(tenant.cluster.directory)
    done = subprocess.run(
        [str(programs / "kubectl"), "vew", *arguments, "--namespace", tenant.name],
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
