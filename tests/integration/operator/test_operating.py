"""The operator against a real API server, real controllers and a real Temporal server. There are no nodes: pods exist
as the ReplicaSet made them, and the tests report for them what a kubelet would.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from dev.control_plane import ControlPlane
from tests.integration.operator.cluster import OWN, Namespace, Operator, fetch, resource, running_operator
from tests.servers import TemporalServer, find_free_port, running_temporal
from tests.waiting import wait_for

pytestmark = pytest.mark.timeout(180)

Apply = Callable[..., str]


@pytest.fixture
def export(operator: Operator, namespace: Namespace, temporal_server: TemporalServer) -> Apply:
    """Apply a resource whose queue is named as the namespace; returns the queue's name."""

    def apply(**spec: Any) -> str:
        temporal = {"taskQueue": namespace.name, **spec.pop("temporal", {})}
        namespace.apply(resource(temporal_server.address, temporal=temporal, **spec))
        return namespace.name

    return apply


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
    repaired = await namespace.wait_size(1)
    assert repaired["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 300
    assert repaired["metadata"]["annotations"]["team"] == "video"
    namespace.succeed("delete", "deployment", "exports", "--wait=true")
    await namespace.wait_size(1)


async def test_a_foreign_deployment_of_our_name_is_left_alone(export: Apply, namespace: Namespace) -> None:
    namespace.succeed("create", "deployment", "exports", "--image=example/other:1", "--replicas=0")
    before = namespace.get("deployment") or {}
    export()
    told = await namespace.wait_condition("Ready", "False", "NameTaken")
    assert "belongs to somebody else; delete or rename it" in told["message"]
    after = namespace.get("deployment") or {}
    assert after["spec"] == before["spec"]
    assert "ownerReferences" not in after["metadata"]
    assert all(each["manager"] != "video-export-operator" for each in after["metadata"]["managedFields"])
    namespace.succeed("delete", "deployment", "exports", "--wait=true")
    await namespace.wait_condition("Ready", "True", "InPlace", timeout=60)


async def test_from_zero_to_the_backlog_and_back_when_all_is_done(
    export: Apply, namespace: Namespace, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    queue = export(slots=1, scaling={"coldStartStep": 1})
    await namespace.wait_condition("TemporalReachable", "True", "Answering")
    for number in (1, 2):
        await temporal_client.start_workflow("Hold", id=f"{queue}-{number}", task_queue=queue)
    await namespace.wait_size(1, timeout=10)
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
            await asyncio.wait_for(other.started.wait(), 30)
            await wait_for(
                lambda: (namespace.get("vew") or {})["status"]["busyReplicas"] == 2, "both pods are known to be busy"
            )
            described = " ".join(namespace.succeed("describe", "vew", "exports").split())
            for why in (
                f"the size follows {queue}: ",
                "workflow tasks wait, 2 run, 1 slots a pod: ",
                "Last Scale: From: 1 Reason: ScaleUp: ",
                "video-export-operator from 0 to 1: ScaleUp: 0 activities and ",
                "Busy Replicas: 2",
            ):
                assert why in described
            holder.release.set()
            await namespace.wait_size(1)
            left = {pod["metadata"]["name"] for pod in await namespace.wait_pods(1)}
            assert left == {second}, "the busy pod was taken"
            other.release.set()
            await namespace.wait_size(0, timeout=60)
    reasons = [reason for reason, _ in namespace.told() if reason.startswith("Scaled")]
    assert sorted(reasons) == ["ScaledDown", "ScaledDown", "ScaledUp", "ScaledUp"]
    last = (namespace.get("vew") or {})["status"]["lastScale"]
    assert (last["from"], last["to"]) == (1, 0)
    assert last["reason"].startswith("ToZero: nothing waited or ran for")


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


async def test_a_missing_secret_is_named_and_found_when_it_appears(export: Apply, namespace: Namespace) -> None:
    export(
        storage={"uri": "s3://exports", "secretRef": {"name": "bucket"}},
        temporal={"tls": {"caSecretRef": {"name": "ca"}}},
    )
    told = await namespace.wait_condition("TemporalReachable", "False", "SecretMissing")
    assert f"Secret {namespace.name}/ca does not exist" in told["message"]
    told = await namespace.wait_condition("Ready", "False", "SecretMissing")
    assert f"Secret {namespace.name}/bucket does not exist; create it" in told["message"]
    namespace.succeed("create", "secret", "generic", "bucket", "--from-literal=AWS_REGION=x")
    await namespace.wait_condition("Ready", "True", "InPlace")
    namespace.succeed("create", "secret", "generic", "ca", "--from-literal=other=x")
    told = await namespace.wait_condition("TemporalReachable", "False", "SecretMissing")
    await wait_for(
        lambda: "has no key ca.crt" in namespace.condition("TemporalReachable")["message"], "the key is named", 70
    )


async def test_a_wrong_template_is_told_in_the_api_servers_words(export: Apply, namespace: Namespace) -> None:
    export(template={"spec": {"nodeSelektor": {"a": "b"}}})
    told = await namespace.wait_condition("Ready", "False", "Rejected")
    assert ".spec.template.spec.nodeSelektor: field not declared in schema" in told["message"]
    export()
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_the_size_does_not_wait_for_a_template_that_is_right(export: Apply, namespace: Namespace) -> None:
    export(scaling={"mode": "Manual"}, replicas=1)
    await namespace.wait_condition("Ready", "True", "InPlace")
    wrong = {"spec": {"containers": [{"name": "worker", "ports": [{"containerPort": 99999}]}]}}
    export(scaling={"mode": "Manual"}, replicas=1, template=wrong, networkPolicy={"enabled": False})
    told = await namespace.wait_condition("Ready", "False", "Rejected")
    assert "containerPort: Invalid value: 99999: must be between 1 and 65535" in told["message"]
    assert namespace.get("networkpolicy"), "nothing is done for a resource whose template is refused"
    namespace.succeed("scale", "vew/exports", "--replicas=3")
    scaled = await namespace.wait_size(3)
    ports = scaled["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [port["containerPort"] for port in ports] == [8007, 8008]
    export(scaling={"mode": "Manual"}, replicas=2)
    await namespace.wait_size(2)
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_a_dry_run_shows_and_does_nothing(
    operator: Operator, namespace: Namespace, temporal_client: Client, temporal_server: TemporalServer
) -> None:
    queue = namespace.name
    await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
    shown = resource(temporal_server.address, temporal={"taskQueue": queue})
    shown["metadata"]["annotations"] = {"videoexport.dev/dry-run": "true"}
    shown["spec"]["template"] = {"spec": {"priority": "high"}}
    namespace.apply(shown)
    await namespace.wait_condition("Ready", "False", "Rejected")
    del shown["spec"]["template"]
    namespace.apply(shown)
    told = await namespace.wait_condition("Ready", "False", "DryRun")
    assert told["message"].startswith("would have 1 pods: ScaleUp: 0 activities and 1 workflow tasks wait")
    for kind in ("deployment", "networkpolicy"):
        assert namespace.objects(kind) == [], f"a dry run made a {kind}"
    namespace.succeed("annotate", "vew", "exports", "videoexport.dev/dry-run-")
    await namespace.wait_size(1)
    await namespace.wait_condition("Ready", "True", "InPlace")


async def test_plan_shows_what_would_be_done_without_doing_it(
    namespace: Namespace, temporal_client: Client, temporal_server: TemporalServer
) -> None:
    queue = namespace.name
    await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
    asked = resource(temporal_server.address, temporal={"taskQueue": queue})
    asked["metadata"]["namespace"] = namespace.name
    told = await show_plan(namespace, asked)
    assert "waiting: 0 activities, 1 workflow tasks" in told
    assert "size: 1 (ScaleUp: 0 activities and 1 workflow tasks wait" in told
    assert "apply Deployment exports: accepted" in told
    assert "apply NetworkPolicy exports: accepted" in told
    assert "apply ServiceMonitor exports: left out, its kind is not installed" in told
    asked["spec"]["template"] = {"spec": {"nodeSelektor": {}}}
    assert "apply Deployment exports: Rejected: " in await show_plan(namespace, asked)
    assert namespace.objects("vew") + namespace.objects("deployment") + namespace.objects("networkpolicy") == []


async def show_plan(namespace: Namespace, manifest: dict[str, Any]) -> str:
    """Run `video-export-operator plan` and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "video_export_operator", "plan", "-f", "-"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "KUBECONFIG": str(namespace.control_plane.kubeconfig)},
    )
    printed, said = await process.communicate(json.dumps(manifest).encode())
    assert process.returncode == 0, said.decode()
    return printed.decode()


async def test_an_image_that_cannot_be_pulled_is_told(export: Apply, namespace: Namespace) -> None:
    export(scaling={"minReplicas": 1})
    (pod,) = await namespace.wait_pods(1)
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "example/worker:1"'}
    container = {"name": "worker", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    namespace.patch_pod(pod["metadata"]["name"], {"containerStatuses": [{**container, "state": {"waiting": waiting}}]})
    told = await namespace.wait_condition("WorkersHealthy", "False", "ImagePullBackOff")
    assert 'Back-off pulling image "example/worker:1"' in told["message"]


async def test_temporal_that_is_not_there_is_told_and_found_again(
    operator: Operator, namespace: Namespace, tmp_path: Path
) -> None:
    with running_temporal(tmp_path) as temporal:
        temporal.stop()
        namespace.apply(resource(temporal.address))
        told = await namespace.wait_condition("TemporalReachable", "False", "Unavailable")
        assert temporal.address in told["message"]
        await namespace.wait_condition("Ready", "True", "InPlace")
        await namespace.wait_condition("ScalingActive", "False", "TemporalUnreachable")
        temporal.start()
        await namespace.wait_condition("TemporalReachable", "True", "Answering")
        temporal.freeze()
        await namespace.wait_condition("TemporalReachable", "False", "TimedOut")
        temporal.thaw()
        await namespace.wait_condition("TemporalReachable", "True", "Answering")
    assert [reason for reason, _ in namespace.told()].count("Answering") == 2


async def test_a_namespace_that_temporal_does_not_know_is_told(export: Apply, namespace: Namespace) -> None:
    export(temporal={"namespace": "nowhere"})
    told = await namespace.wait_condition("TemporalReachable", "False", "NamespaceNotFound")
    assert "nowhere" in told["message"]


async def test_deletion_needs_no_operator(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    namespace.apply(resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}, replicas=1))
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        await namespace.wait_pods(1)
        assert operator.stop() == 0
        namespace.succeed("delete", "vew", "exports", "--timeout=10s")
        for kind in ("deployment", "networkpolicy", "pod"):
            await wait_for(partial(_has_none, namespace, kind), f"every {kind} is collected", 60)


async def test_a_restart_scales_nothing_down(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    """A new process knows nothing of what the pods do."""
    auto = resource(
        temporal_server.address, served_by=OWN, temporal={"taskQueue": namespace.name}, scaling={"minReplicas": 2}
    )
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        namespace.apply(auto)
        for pod in await namespace.wait_pods(2):
            namespace.start_pod(pod["metadata"]["name"])
        operator.kill()
        auto["spec"]["scaling"]["minReplicas"] = 0
        namespace.apply(auto)
        operator.start()
        await namespace.wait_condition("ScalingLimited", "False", "WithinLimits")
        asked = operator.metric("video_export_operator_temporal_latency_seconds_count")
        await wait_for(
            lambda: operator.metric("video_export_operator_temporal_latency_seconds_count") >= asked + 2, "it asks on"
        )
        assert (namespace.get("deployment") or {})["spec"]["replicas"] == 2


async def test_an_idle_resource_costs_no_writes(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        namespace.apply(resource(temporal_server.address, served_by=OWN, temporal={"taskQueue": namespace.name}))
        await namespace.wait_condition("Ready", "True", "InPlace")
        kinds = (("vew", "exports"), ("deployment", "exports"), ("service", "exports-metrics"))
        name = "video_export_operator_temporal_latency_seconds_count"
        settled = operator.metric(name) + 2
        await wait_for(lambda: operator.metric(name) >= settled, "it has settled")
        versions = [(namespace.get(*each) or {})["metadata"]["resourceVersion"] for each in kinds]
        actions = operator.metric("video_export_operator_actions_total")
        await wait_for(lambda: operator.metric(name) >= settled + 8, "it has asked eight times")
        assert operator.metric("video_export_operator_actions_total") == actions
        assert [(namespace.get(*each) or {})["metadata"]["resourceVersion"] for each in kinds] == versions


async def test_a_standby_is_healthy_and_takes_over(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    settings = {"lease_name": namespace.name}
    first = running_operator(control_plane, tmp_path, namespace.name, identity="first", **settings)
    second = running_operator(control_plane, tmp_path / "second", namespace.name, identity="second", **settings)
    with first as leader:
        await wait_for(lambda: leader.metric("video_export_operator_leading") == 1, "the first leads")
        with second as standby:
            assert standby.metric("video_export_operator_leading") == 0
            assert "stuck_for_seconds" in fetch(standby.health_port, "/healthz")
            leader.kill()
            namespace.apply(resource(temporal_server.address, served_by=OWN))
            await wait_for(lambda: standby.metric("video_export_operator_leading") == 1, "the second leads", 15)
            await namespace.wait_condition("Ready", "True", "InPlace", timeout=15)


async def test_an_api_server_that_restarts_is_found_again(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        namespace.apply(resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}))
        await namespace.wait_condition("Ready", "True", "InPlace")
        assert operator.process is not None
        control_plane.restart_api_server()
        namespace.succeed("scale", "vew/exports", "--replicas=2")
        await namespace.wait_size(2, timeout=60)
        assert operator.process.poll() is None


async def test_one_temporal_that_hangs_delays_nobody_else(
    operator: Operator, export: Apply, namespace: Namespace, temporal_client: Client
) -> None:
    """A port that takes connections and never answers."""

    async def listen_only(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(listen_only, "127.0.0.1", port := find_free_port())
    async with server:
        namespace.apply(resource(f"127.0.0.1:{port}", "hanging"))
        queue = export()
        await namespace.wait_condition("TemporalReachable", "True", "Answering")
        await temporal_client.start_workflow("Hold", id=queue, task_queue=queue)
        await namespace.wait_size(1, timeout=10)
        hanging = (namespace.get("vew", "hanging") or {}).get("status", {}).get("conditions", [])
        assert {"TimedOut", "Unavailable"} & {each["reason"] for each in hanging}


def _has_none(namespace: Namespace, kind: str) -> bool:
    return not namespace.objects(kind)


def _path(namespace: Namespace) -> str:
    return f"/apis/videoexport.dev/v1alpha1/namespaces/{namespace.name}/videoexportworkers/exports"
