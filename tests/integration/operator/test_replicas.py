"""Several replicas and one Lease: whatever happens to the leader, never two act, and the other goes on soon."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from dev.control_plane import ControlPlane
from dev.waiting import find_free_port
from tests.integration.operator.cluster import OWN, REPLICAS, Namespace, Operator, fetch, resource, running_operator
from tests.servers import TemporalServer, freeze
from tests.waiting import wait_for, wait_until


@dataclass
class Relay:
    """A process through which one replica reaches the API server, so that it can be cut off."""

    port: int
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        """Let nothing through, and close nothing: a network that swallows packets."""
        freeze(self.process)

    def thaw(self) -> None:
        """Let everything through again."""
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def relay_to(plane: ControlPlane) -> Iterator[Relay]:
    """Relay connections to the API server for the block."""
    port = find_free_port()
    target = plane.server.removeprefix("https://")
    process = subprocess.Popen([sys.executable, "-m", "dev.relay", f"127.0.0.1:{port}", target])
    try:
        wait_until(lambda: _listens(port), "the relay listens")
        yield Relay(port, process)
    finally:
        process.kill()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Pair:
    """Two replicas; the first leads."""

    namespace: Namespace
    first: Operator
    second: Operator
    relay: Relay

    def leads(self, operator: Operator) -> bool:
        """Say whether a replica says that it leads."""
        return operator.metric("video_export_operator_leading") == 1

    def first_gives_up(self) -> bool:
        """Say whether the first no longer leads; the second is asked before, so both answers together are a fault."""
        is_second, is_first = self.leads(self.second), self.leads(self.first)
        assert not (is_second and is_first), "the second leads before the first could know"
        return not is_first

    def healthy(self, operator: Operator) -> bool:
        """Say whether /healthz answers as it should."""
        return "stuck_for_seconds" in fetch(operator.health_port, "/healthz")

    def turns(self) -> list[str]:
        """Return who wrote, one after the other: a replica that comes again came back while the other acted."""
        return [user for user, _ in groupby(user for user, _, _ in self.namespace.writers())]


@pytest.fixture
def pair(control_plane: ControlPlane, namespace: Namespace, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        relay = stack.enter_context(relay_to(control_plane))

        def start(user: str, server: str) -> Operator:
            folder = tmp_path / user
            folder.mkdir()
            direct = control_plane.kubeconfig_of(user, "system:masters").read_text()
            (folder / "kubeconfig").write_text(direct.replace(control_plane.server, server))
            settings = {"lease_name": namespace.name, "identity": user, "KUBECONFIG": str(folder / "kubeconfig")}
            return stack.enter_context(running_operator(control_plane, folder, namespace.name, **settings))

        first = start(REPLICAS[0], f"https://127.0.0.1:{relay.port}")
        wait_until(lambda: first.metric("video_export_operator_leading") == 1, "the first leads")
        yield Pair(namespace, first, start(REPLICAS[1], control_plane.server), relay)
        relay.thaw()
        first.resume()


async def begin_scaling_down(pair: Pair, temporal_server: TemporalServer) -> set[str]:
    """Bring the leader to where it has taken one of three pods and waits for the others; return their names."""
    namespace = pair.namespace
    spec: dict[str, Any] = {"temporal": {"taskQueue": namespace.name}, "scaling": {"mode": "Manual"}}
    namespace.apply(resource(temporal_server.address, served_by=OWN, replicas=3, **spec))
    busy = {pod["metadata"]["name"] for pod in (await namespace.wait_pods(3))[:2]}
    for pod in busy:
        namespace.start_pod(pod)  # nobody knows what it does, so it is not taken
    await wait_for(lambda: (namespace.get("deployment") or {})["status"].get("readyReplicas") == 2, "two are ready")
    namespace.succeed("scale", "vew/exports", "--replicas=0")
    await namespace.wait_size(2)
    return busy


def end_pods(namespace: Namespace, pods: set[str]) -> None:
    """Report that the workers of these pods have ended, so that they may be taken."""
    for pod in pods:
        namespace.succeed("delete", "pod", pod, "--grace-period=0", "--force")


async def test_a_leader_that_is_killed_in_the_middle_of_a_scale_down(
    pair: Pair, temporal_server: TemporalServer
) -> None:
    busy = await begin_scaling_down(pair, temporal_server)
    pair.first.kill()
    assert {pod["metadata"]["name"] for pod in await pair.namespace.wait_pods(2)} == busy
    end_pods(pair.namespace, busy)  # their successors never start
    await pair.namespace.wait_size(0)
    assert pair.turns() == list(REPLICAS)


async def test_a_leader_that_is_frozen_wakes_up_as_a_standby(pair: Pair, temporal_server: TemporalServer) -> None:
    busy = await begin_scaling_down(pair, temporal_server)
    pair.first.freeze()
    end_pods(pair.namespace, busy)
    await pair.namespace.wait_size(0)
    pair.first.resume()
    pair.namespace.succeed("scale", "vew/exports", "--replicas=1")
    await pair.namespace.wait_size(1)
    await wait_for(lambda: pair.healthy(pair.first), "the first answers again")
    assert not pair.leads(pair.first)
    assert pair.turns() == list(REPLICAS)


async def test_a_leader_that_is_cut_off_stops_before_the_other_begins(
    pair: Pair, temporal_server: TemporalServer
) -> None:
    busy = await begin_scaling_down(pair, temporal_server)
    pair.relay.freeze()
    end_pods(pair.namespace, busy)
    await wait_for(pair.first_gives_up, "the first no longer leads")
    await pair.namespace.wait_size(0)
    assert pair.healthy(pair.first), "nothing is wrong with a replica that cannot reach the API server"
    pair.relay.thaw()
    pair.namespace.succeed("scale", "vew/exports", "--replicas=1")
    await pair.namespace.wait_size(1)
    assert pair.turns() == list(REPLICAS)


async def test_nobody_leads_while_the_api_server_is_frozen_and_nothing_is_forgotten(
    pair: Pair, temporal_server: TemporalServer, temporal_client: Client
) -> None:
    namespace, plane = pair.namespace, pair.namespace.control_plane
    queue = namespace.name
    namespace.apply(resource(temporal_server.address, served_by=OWN, temporal={"taskQueue": queue}))
    await namespace.wait_condition("TemporalReachable", "True", "Answering")
    plane.api_server.send(signal.SIGSTOP)
    try:
        await wait_for(pair.first_gives_up, "the first no longer leads")
        assert not pair.leads(pair.second)
        assert pair.healthy(pair.first)
        assert pair.healthy(pair.second)
    finally:
        plane.api_server.send(signal.SIGCONT)
    await wait_for(lambda: pair.leads(pair.first) or pair.leads(pair.second), "one of them leads again")
    await temporal_client.start_workflow("Unknown", id=queue, task_queue=queue)
    await namespace.wait_size(1)  # found by asking: no event came from the API server
    assert pair.turns() in ([REPLICAS[0]], list(REPLICAS))
