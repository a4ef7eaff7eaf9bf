"""The operator against a real API server, real controllers and a real Temporal server. There are no nodes: pods exist
as the ReplicaSet made them, and the tests report for them what a kubelet would.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.integration.operator.cluster import Json, Namespace
from tests.servers import TemporalServer
from tests.waiting import PATIENCE, wait_for

Apply = Callable[..., str]


@workflow.defn
class Hold:
    """A workflow with one activity that runs until the test lets it go."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("hold", start_to_close_timeout=timedelta(minutes=5))


class Holder:
    """The activity: it ends when `release` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.started = asyncio.Event()

    @activity.defn(name="hold")
    async def hold(self) -> None:
        self.started.set()
        await self.release.wait()


@asynccontextmanager
async def worker(address: str, queue: str, pod: str, holder: Holder) -> AsyncIterator[Worker]:
    """A real worker that calls itself by its pod's name and reports each second."""
    runtime = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    client = await Client.connect(address, runtime=runtime, identity=pod)
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Hold],
        activities=[holder.hold],
        max_concurrent_activities=1,
        workflow_runner=UnsandboxedWorkflowRunner(),
    ) as running:
        yield running


async def test_everything_is_made_and_belongs_to_the_resource(export: Apply, namespace: Namespace) -> None:
    export(storage={"uri": "s3://exports"})
    await namespace.wait_condition("Ready", "True", "InPlace")
    owner = (namespace.get("vew") or {})["metadata"]["uid"]
    for kind, name in [
        ("deployment", "exports"),
        ("serviceaccount", "exports"),
        ("service", "exports-metrics"),
        ("networkpolicy", "exports"),
    ]:
        made = namespace.get(kind, name)
        assert made is not None, f"{kind} {name} is missing"
        assert [each["uid"] for each in made["metadata"]["ownerReferences"]] == [owner]
    deployment = namespace.get("deployment") or {}
    assert deployment["spec"]["replicas"] == 0
    assert (namespace.get("serviceaccount") or {})["automountServiceAccountToken"] is False


async def test_nothing_of_kopf_lands_on_the_resource(export: Apply, namespace: Namespace) -> None:
    export()
    await namespace.wait_condition("Ready", "True", "InPlace")
    metadata = (namespace.get("vew") or {})["metadata"]
    assert "finalizers" not in metadata
    assert set(metadata["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert {each["manager"] for each in metadata["managedFields"]} == {
        "kubectl-client-side-apply",
        "video-export-operator",
    }


async def test_an_edit_is_repaired_and_foreign_fields_stay(export: Apply, namespace: Namespace) -> None:
    export(scaling={"mode": "Manual"}, replicas=1)
    await namespace.wait_size(1)
    edit = {
        "metadata": {"annotations": {"team": "video"}},
        "spec": {
            "replicas": 4,
            "template": {"spec": {"hostNetwork": False, "terminationGracePeriodSeconds": 1, "priority": None}},
        },
    }
    namespace.succeed("patch", "deployment", "exports", "--type=merge", "-p", json.dumps(edit))

    def repaired_grace() -> bool:
        return bool(
            (namespace.get("deployment") or {})["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 300
        )

    # The size has a way of its own and may come first, where the template's apply met a write of the status.
    await wait_for(repaired_grace, "the template is as it was")
    repaired = await namespace.wait_size(1)
    assert repaired["metadata"]["annotations"]["team"] == "video"
    namespace.succeed("delete", "deployment", "exports", "--wait=true")
    await namespace.wait_size(1)


async def test_from_zero_to_the_backlog_and_back_when_all_is_done(
    export: Apply, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    queue = export(slots=1, scaling={"coldStartStep": 1})
    await namespace.wait_condition("TemporalReachable", "True", "Answering")
    for number in (1, 2):
        await temporal_client.start_workflow("Hold", id=f"{queue}-{number}", task_queue=queue)
    await namespace.wait_size(1)
    (first,) = await namespace.wait_pods(1)
    holder = Holder()
    async with worker(temporal_server.address, queue, first["metadata"]["name"], holder):
        namespace.start_pod(first["metadata"]["name"])
        await namespace.wait_size(2)
        second = next(
            pod["metadata"]["name"]
            for pod in await namespace.wait_pods(2)
            if pod["metadata"]["name"] != first["metadata"]["name"]
        )
        other = Holder()
        async with worker(temporal_server.address, queue, second, other):
            namespace.start_pod(second)
            await asyncio.wait_for(other.started.wait(), PATIENCE)
            await wait_for(
                lambda: (namespace.get("vew") or {})["status"]["busyReplicas"] == 2, "both pods are known to be busy"
            )
            described = " ".join(namespace.succeed("describe", "vew", "exports").split())
            head, row = namespace.succeed("get", "vew", "exports", "-o", "wide").splitlines()
            columns = dict(zip(head.split(), row.split(), strict=True))
            assert (columns["PODS"], columns["READY"], columns["REASON"]) == ("2", "True", "InPlace")
            for why in (
                f"the size follows {queue}: ",
                "workflow tasks wait, 2 run, 1 slots a pod: ",
                "Last Scale: From: 1 Message: 1 activities and ",
                "Reason: ScaleUp",
                "video-export-operator from 0 to 1: ScaleUp: 0 activities and ",
                "Busy Replicas: 2",
            ):
                assert why in described
            assert namespace.protected() == {first["metadata"]["name"]: True, second: True}
            holder.release.set()
            await namespace.wait_size(1)
            left = {pod["metadata"]["name"] for pod in await namespace.wait_pods(1)}
            assert left == {second}, "the busy pod was taken"
            other.release.set()
            await namespace.wait_size(0)

    def is_told() -> bool:
        reasons = [reason for reason, _ in namespace.told() if reason.startswith("Scaled")]
        return sorted(reasons) == ["ScaledDown", "ScaledDown", "ScaledUp", "ScaledUp"]

    await wait_for(is_told, "every change of size is told once")  # after the size itself

    def last_scale() -> Json | None:
        last = (namespace.get("vew") or {})["status"]["lastScale"]
        return last if (last["from"], last["to"]) == (1, 0) else None

    last = await wait_for(last_scale, "the last change of size is told")
    assert last["reason"] == "ToZero"
    assert last["message"].startswith("nothing waited or ran for")


async def test_only_pods_that_work_are_protected_from_autoscalers(
    export: Apply, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    """A pod is protected when it is made, free to go when it has been idle, and protected again within a poll."""
    queue = export(scaling={"minReplicas": 1})
    (pod,) = await namespace.wait_pods(1)
    name = pod["metadata"]["name"]
    assert namespace.protected() == {name: True}
    holder = Holder()
    async with worker(temporal_server.address, queue, name, holder):
        namespace.start_pod(name)
        await wait_for(lambda: namespace.protected() == {name: False}, "the idle pod is free to go")
        await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
        await asyncio.wait_for(holder.started.wait(), PATIENCE)
        await wait_for(lambda: namespace.protected() == {name: True}, "the busy pod is protected")
        holder.release.set()
        await wait_for(lambda: namespace.protected() == {name: False}, "the pod is free to go again")


async def test_manual_mode_follows_the_scale_subresource(export: Apply, namespace: Namespace) -> None:
    export(scaling={"mode": "Manual"})
    await namespace.wait_condition("ScalingActive", "True", "FollowingReplicas")
    namespace.succeed("scale", "vew/exports", "--replicas=3")
    await namespace.wait_size(3)
    pods = await namespace.wait_pods(3)
    scale = json.loads(namespace.succeed("get", "--raw", f"{_path(namespace)}/scale"))
    assert scale["status"]["selector"] == "videoexport.dev/worker=exports"
    await wait_for(lambda: (namespace.get("vew") or {})["status"]["replicas"] == 3, "the status shows three pods")
    busy = pods[0]["metadata"]["name"]
    namespace.start_pod(busy)  # runs, and nobody knows what it does
    await wait_for(lambda: (namespace.get("deployment") or {})["status"].get("readyReplicas") == 1, "one is ready")
    namespace.succeed("scale", "vew/exports", "--replicas=0")
    await namespace.wait_size(1)
    assert {pod["metadata"]["name"] for pod in await namespace.wait_pods(1)} == {busy}
    await namespace.wait_condition("ScalingLimited", "True", "BusyFloor")


async def test_paused_keeps_the_size(export: Apply, namespace: Namespace, temporal_client: Client) -> None:
    queue = export(scaling={"paused": True})
    await namespace.wait_condition("Paused", "True", "Paused")
    await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
    await wait_for(lambda: (namespace.get("vew") or {})["status"]["backlog"]["workflows"] or None, "it is seen", 70)
    assert (namespace.get("deployment") or {})["spec"]["replicas"] == 0


def _path(namespace: Namespace) -> str:
    return f"/apis/videoexport.dev/v1alpha1/namespaces/{namespace.name}/videoexportworkers/exports"
