"""Busy pods stay, whatever keeps the operator from steering which ones go. There is no kubelet: a pod that is deleted
is gone at once, so every pod that Kubernetes takes shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from temporalio.client import Client

from tests.integration.operator.cluster import Namespace, Operator
from tests.integration.operator.heartbeats import beating
from tests.integration.operator.policies import policy
from tests.waiting import wait_for, wait_until

BUSY = 6
Apply = Callable[..., str]


def alive(namespace: Namespace) -> set[str]:
    """Names of the pods that nobody has deleted."""
    return {pod["metadata"]["name"] for pod in namespace.objects("pod") if "deletionTimestamp" not in pod["metadata"]}


def busy_replicas(namespace: Namespace, count: int) -> bool:
    return bool(((namespace.get("vew") or {}).get("status") or {}).get("busyReplicas") == count)


def start(namespace: Namespace, pods: list[str]) -> None:
    """Report the pods ready, the first one for the longest: of equal ones a ReplicaSet takes the last one first."""
    for minute, name in enumerate(pods):
        namespace.start_pod(name, since=f"2026-01-01T00:{minute:02}:00Z")


async def test_no_pod_is_taken_while_pods_cannot_be_marked(
    export: Apply, namespace: Namespace, temporal_client: Client
) -> None:
    queue = export(scaling={"mode": "Manual"}, replicas=4, slots=1)
    pods = sorted(pod["metadata"]["name"] for pod in await namespace.wait_pods(4))
    start(namespace, pods)
    idle, *busy = pods
    async with beating(temporal_client, queue, {idle: 0} | dict.fromkeys(busy, 1)):
        await wait_for(partial(busy_replicas, namespace, 3), "three pods are busy")
        as_it_should_be = {idle: False} | dict.fromkeys(busy, True)
        await wait_for(lambda: namespace.protected() == as_it_should_be, "no pod has to be written but for a shrink")
        with policy(namespace, "", "pods", "false"):
            refused = ("annotate", "pod", idle, "a=b", "--overwrite")
            wait_until(lambda: namespace.kubectl(*refused).returncode != 0, "the policy is in force")
            namespace.succeed("scale", "vew/exports", "--replicas=1")
            told = await namespace.wait_condition("Ready", "False", "ShrinkFailed")
            assert "no pod was taken: AdmissionDenied" in told["message"]
            assert namespace.condition("ScalingLimited")["reason"] == "ShrinkFailed"
            assert alive(namespace) == set(pods)
        await namespace.wait_size(3)
        await wait_for(lambda: alive(namespace) == set(busy), "only the idle pod is taken when the policy is gone")
        await namespace.wait_condition("Ready", "True", "InPlace")


async def test_no_busy_pod_of_an_older_template_is_taken_in_mode_manual(
    export: Apply, namespace: Namespace, temporal_client: Client
) -> None:
    """Kubernetes takes pods of each ReplicaSet in proportion, so a small size would take busy ones of the older."""
    queue = export(scaling={"mode": "Manual"}, replicas=BUSY + 1, slots=1)
    pods = sorted(pod["metadata"]["name"] for pod in await namespace.wait_pods(BUSY + 1))
    start(namespace, pods)
    idle, *busy = pods
    async with beating(temporal_client, queue, {idle: 0} | dict.fromkeys(busy, 1)):
        await wait_for(partial(busy_replicas, namespace, BUSY), "the pods are busy")
        export(scaling={"mode": "Manual"}, replicas=BUSY + 1, slots=1, image="example/worker:2")
        await wait_for(lambda: len(alive(namespace)) > BUSY + 1, "there are pods of both templates")
        namespace.succeed("scale", "vew/exports", "--replicas=1")
        await namespace.wait_condition("ScalingLimited", "True", "BusyFloor")
        looked_at = (namespace.get("vew") or {})["metadata"]["generation"]
        await wait_for(
            lambda: (namespace.get("vew") or {})["status"]["observedGeneration"] == looked_at, "the size was looked at"
        )
        assert set(busy) <= alive(namespace)
        for name in busy:
            namespace.succeed("get", "pod", name)


async def test_no_busy_pod_is_taken_past_the_deadline_of_a_rollout(
    export: Apply, operator: Operator, namespace: Namespace, temporal_client: Client
) -> None:
    def apply(least: int, image: str) -> str:
        return export(scaling={"minReplicas": least, "maxReplicas": 50}, slots=1, image=image)

    queue = apply(BUSY + 1, "example/worker:1")
    pods = sorted(pod["metadata"]["name"] for pod in await namespace.wait_pods(BUSY + 1))
    start(namespace, pods)
    idle, *busy = pods
    async with beating(temporal_client, queue, {idle: 0} | dict.fromkeys(busy, 1)):
        await wait_for(partial(busy_replicas, namespace, BUSY), "the pods are busy")
        deadline = '{"spec":{"progressDeadlineSeconds":1}}'
        namespace.succeed("patch", "deployment", "exports", "--type=merge", "-p", deadline)
        apply(BUSY + 1, "example/worker:2")
        await namespace.wait_condition("Ready", "False", "ProgressDeadlineExceeded")
        before = operator.metric("video_export_operator_actions_total", action="Shrink")
        apply(0, "example/worker:2")
        await namespace.wait_condition("ScalingLimited", "True", "BusyFloor")
        assert set(busy) <= alive(namespace)
        assert operator.metric("video_export_operator_actions_total", action="Shrink") >= before
