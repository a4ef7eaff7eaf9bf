"""The operator ends, starts again, stands by or has nothing to do, and what it needs goes away and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

from temporalio.client import Client

from dev.control_plane import ControlPlane
from dev.waiting import find_free_port
from tests.integration.operator.cluster import OWN, Namespace, Operator, fetch, resource, running_operator
from tests.servers import TemporalServer
from tests.waiting import wait_for

Apply = Callable[..., str]


async def test_deletion_needs_no_operator(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    namespace.apply(resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}, replicas=1))
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        await namespace.wait_pods(1)
        assert operator.stop() == 0
        assert list(operator.temporary_files.iterdir()) == [], "files are left, perhaps of a private key"
        namespace.succeed("delete", "vew", "exports", "--timeout=60s")
        for kind in ("deployment", "networkpolicy", "pod"):
            await wait_for(partial(_has_none, namespace, kind), f"every {kind} is collected")


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
            await wait_for(lambda: standby.metric("video_export_operator_leading") == 1, "the second leads")
            await namespace.wait_condition("Ready", "True", "InPlace")


async def test_an_api_server_that_restarts_is_found_again(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    with running_operator(control_plane, tmp_path, namespace.name, lease_name=namespace.name) as operator:
        namespace.apply(resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}))
        await namespace.wait_condition("Ready", "True", "InPlace")
        assert operator.process is not None
        control_plane.restart_api_server()
        namespace.succeed("scale", "vew/exports", "--replicas=2")
        await namespace.wait_size(2)
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
        await namespace.wait_size(1)
        await wait_for(
            lambda: namespace.condition("TemporalReachable", "hanging").get("reason") in ("TimedOut", "Unavailable"),
            "it is told that the other one hangs",
        )


def _has_none(namespace: Namespace, kind: str) -> bool:
    return not namespace.objects(kind)
