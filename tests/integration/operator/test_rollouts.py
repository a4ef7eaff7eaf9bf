"""Rollouts that wait, for pods to become idle or for those of another resource, with the real controllers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from temporalio.client import Client

from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.integration.operator.test_operating import Holder, worker
from tests.servers import TemporalServer
from tests.waiting import PATIENCE, wait_for
from video_export_operator.resource.identity import SECRETS_ANNOTATION, WORKER_LABEL

Apply = Callable[..., str]
NEW = "example/worker:2"


def pods(namespace: Namespace, image: str) -> set[str]:
    """Return the names of the pods of an image that are not terminating."""
    return {
        pod["metadata"]["name"]
        for pod in namespace.objects("pod")
        if pod["spec"]["containers"][0]["image"] == image and "deletionTimestamp" not in pod["metadata"]
    }


def start_new(namespace: Namespace) -> set[str]:
    """Let every new pod be ready, as a kubelet would; return their names."""
    found = pods(namespace, NEW)
    for pod in namespace.objects("pod"):
        if pod["metadata"]["name"] in found and pod["status"]["phase"] == "Pending":
            namespace.start_pod(pod["metadata"]["name"], since=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return found


async def test_when_idle_a_rollout_takes_idle_pods_and_waits_for_busy_ones(
    export: Apply, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    queue = export(scaling={"mode": "Manual"}, replicas=3, slots=1, rollout={"mode": "WhenIdle"})
    busy, *idle = sorted(pod["metadata"]["name"] for pod in await namespace.wait_pods(3))
    holder, others = Holder(), Holder()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker(temporal_server.address, queue, busy, holder))
        await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
        await asyncio.wait_for(holder.started.wait(), PATIENCE)
        for name in idle:
            await stack.enter_async_context(worker(temporal_server.address, queue, name, others))
        for name in (busy, *idle):
            namespace.start_pod(name)
        await wait_for(lambda: (namespace.get("vew") or {})["status"].get("busyReplicas") == 1, "one pod is busy")
        namespace.succeed("patch", "vew", "exports", "--type=merge", "-p", json.dumps({"spec": {"image": NEW}}))
        await wait_for(lambda: len(start_new(namespace)) == 3, "the idle pods are replaced")
        old = pods(namespace, "example/worker:1")
        assert old == {busy}, "the busy pod stays, with a successor that is ready"
        deployment = namespace.get("deployment") or {}
        assert deployment["spec"]["minReadySeconds"] == 24 * 3600
        holder.release.set()
        await wait_for(lambda: not pods(namespace, "example/worker:1"), "the pod goes when it is idle")
    assert len(pods(namespace, NEW)) == 3


NAMES = ("first", "second")


def templates(namespace: Namespace) -> dict[str, str]:
    """Return what the pods of each resource are given of their Secret, as the templates have it."""
    found = ((name, namespace.get("deployment", name) or {}) for name in NAMES)
    return {name: each["spec"]["template"]["metadata"]["annotations"][SECRETS_ANNOTATION] for name, each in found}


def start_all(namespace: Namespace, name: str) -> bool:
    """Let every pod of a resource be ready, and say whether its rollout is over."""
    for pod in namespace.objects("pod"):
        if pod["metadata"]["labels"][WORKER_LABEL] == name and pod["status"]["phase"] == "Pending":
            namespace.start_pod(pod["metadata"]["name"])
    status = (namespace.get("deployment", name) or {})["status"]
    return bool(status.get("updatedReplicas") == status.get("replicas") == status.get("readyReplicas") == 2)


async def test_resources_that_share_a_secret_replace_their_pods_one_after_the_other(
    operator: Operator, namespace: Namespace, temporal_server: TemporalServer
) -> None:
    namespace.succeed("create", "secret", "generic", "storage", "--from-literal=KEY=old")
    storage = {"uri": "s3://exports", "secretRef": {"name": "storage"}}
    for name in NAMES:
        spec: dict[str, Any] = {
            "temporal": {"taskQueue": name},
            "scaling": {"mode": "Manual"},
            "storage": storage,
            "replicas": 2,
        }
        namespace.apply(resource(temporal_server.address, name, **spec))
    for name in NAMES:
        await namespace.wait_condition("TemporalReachable", "True", "Answering", name=name)
        await wait_for(partial(start_all, namespace, name), f"the pods of {name} are ready")
    before = templates(namespace)
    namespace.succeed("patch", "secret", "storage", "--type=merge", "-p", '{"stringData":{"KEY":"new"}}')
    await wait_for(lambda: templates(namespace) != before, "the Secret comes to one of them")
    (one,) = [name for name, given in templates(namespace).items() if given != before[name]]
    (other,) = set(NAMES) - {one}
    told = await namespace.wait_condition("Ready", "True", "OlderSecret", name=other)
    assert f"until {namespace.name}/{one} has" in told["message"]
    assert templates(namespace)[other] == before[other]
    await wait_for(lambda: start_all(namespace, one), "the first rollout is over")
    await wait_for(lambda: templates(namespace)[other] != before[other], "the second one begins")
    await wait_for(lambda: start_all(namespace, other), "the second rollout is over")
    for name in NAMES:
        await namespace.wait_condition("Ready", "True", "InPlace", name=name)
