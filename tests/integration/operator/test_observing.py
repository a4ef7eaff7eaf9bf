"""What tells whether the operator is well, and what it does: /healthz and the log."""

from __future__ import annotations

import json
import urllib.error
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from dev.control_plane import ControlPlane
from dev.waiting import open_directly
from tests.integration.operator.cluster import OWN, Namespace, Operator, fetch, resource, running_operator
from tests.servers import TemporalServer
from tests.waiting import wait_for
from video_export_operator.metrics import Metrics


def health(operator: Operator) -> int:
    """Return the status of /healthz as a kubelet sees it."""
    try:
        with open_directly(f"http://127.0.0.1:{operator.health_port}/healthz") as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_everything_is_served_on_ipv4_and_ipv6(operator: Operator) -> None:
    for host in ("127.0.0.1", "[::1]"):
        assert "stuck_for_seconds" in fetch(operator.health_port, "/healthz", host)
        assert fetch(operator.metrics_port, "/readyz", host) == "ready\n"
        assert "video_export_operator_leading" in fetch(operator.metrics_port, "/metrics", host)


async def test_health_fails_when_the_loop_is_stuck(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    program = "tests.integration.operator.faulty_operator"
    with running_operator(
        control_plane, tmp_path, namespace.name, program=program, lease_name=namespace.name
    ) as operator:
        assert health(operator) == 200
        namespace.apply(resource(temporal_server.address, served_by=OWN))
        await wait_for(lambda: health(operator) == 500, "/healthz fails")


async def test_log_and_metrics_tell_resource_and_decision(
    control_plane: ControlPlane, namespace: Namespace, temporal_server: TemporalServer, tmp_path: Path
) -> None:
    with running_operator(
        control_plane, tmp_path, namespace.name, lease_name=namespace.name, log_format="json"
    ) as operator:
        manual = resource(temporal_server.address, served_by=OWN, scaling={"mode": "Manual"}, replicas=2)
        namespace.apply(manual)
        await namespace.wait_size(2)
        manual["spec"]["template"] = {"spec": {"nodeSelektor": {}}}
        namespace.apply(manual)
        await namespace.wait_condition("Ready", "False", "Rejected")
        served = text_string_to_metric_families(fetch(operator.metrics_port, "/metrics"))
        with_values = {family.name for family in served if family.samples}
        wanted = {family.name for family in Metrics().registry.collect()}
        assert wanted - with_values == set(), "metrics without a value"
    lines = [json.loads(line) for line in operator.log.read_text().splitlines()]
    mine = [line for line in lines if line.get("resource") == f"{namespace.name}/exports"]
    (scaled,) = [line for line in mine if "rule" in line]
    assert (scaled["level"], scaled["rule"], scaled["from"], scaled["to"]) == ("info", "Manual", None, 2)
    assert scaled["message"].endswith("from nothing to 2: Manual: spec.replicas is 2")
    # A controller that writes the same object in the same moment is told as well, and tried again.
    told = {(line["level"], line["reason"]) for line in mine if "reason" in line} - {("warning", "Conflict")}
    assert told == {("warning", "Rejected")}
