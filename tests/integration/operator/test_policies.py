"""A refused template stops no size: both have ways of their own, and each refusal has its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from temporalio.client import Client

from tests.integration.operator.cluster import Namespace
from tests.integration.operator.policies import NO_FOREIGN_IMAGES, ONLY_OTHER_IMAGES, policy
from tests.waiting import wait_until

Apply = Callable[..., str]


async def start_exports(client: Client, queue: str, count: int) -> None:
    """Start workflows that wait for a worker."""
    starts = (client.start_workflow("Hold", id=f"{queue}-{number}", task_queue=queue) for number in range(count))
    await asyncio.gather(*starts)


async def test_the_size_follows_while_a_policy_refuses_a_new_template(
    export: Apply, namespace: Namespace, temporal_client: Client
) -> None:
    queue = export(scaling={"minReplicas": 1}, slots=1)
    await namespace.wait_condition("Ready", "True", "InPlace")
    with policy(namespace, "apps", "deployments", NO_FOREIGN_IMAGES) as name:
        bad = ("create", "deployment", "bad", "--image=forbidden/worker:1", "--dry-run=server")
        wait_until(lambda: namespace.kubectl(*bad).returncode != 0, "the policy is in force")
        export(scaling={"minReplicas": 1}, slots=1, image="forbidden/worker:1")
        told = await namespace.wait_condition("Ready", "False", "AdmissionDenied")
        assert name in told["message"]
        await start_exports(temporal_client, queue, 6)
        deployment = await namespace.wait_size(2)
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "example/worker:1"
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_the_size_follows_where_a_policy_came_after_the_deployment(
    export: Apply, namespace: Namespace, temporal_client: Client
) -> None:
    queue = export(scaling={"minReplicas": 1}, slots=1)
    await namespace.wait_condition("Ready", "True", "InPlace")
    with policy(namespace, "apps", "deployments", ONLY_OTHER_IMAGES):
        edit = ("annotate", "deployment", "exports", "a=b", "--overwrite")
        wait_until(lambda: namespace.kubectl(*edit).returncode != 0, "the policy is in force")
        await start_exports(temporal_client, queue, 6)
        await namespace.wait_size(2)


async def test_a_quota_is_told_as_one(export: Apply, namespace: Namespace) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/deployments.apps": "0"}},
    }
    namespace.apply(quota)
    probe = ("create", "deployment", "probe", "--image=a", "--dry-run=server")
    wait_until(lambda: "exceeded quota" in namespace.kubectl(*probe).stderr, "the quota is in force")
    export()
    told = await namespace.wait_condition("Ready", "False", "QuotaExceeded")
    assert "exceeded quota: none" in told["message"]
    namespace.succeed("delete", "resourcequota", "none")
