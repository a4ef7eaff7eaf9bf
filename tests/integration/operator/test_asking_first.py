"""What would be done is shown without doing it: by an annotation, and by a command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from tempfile import TemporaryDirectory
from typing import Any

from temporalio.client import Client

from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.servers import TemporalServer


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
    """Run `video-export-operator plan` and return what it printed. It leaves nothing of the kubeconfig's keys."""
    with TemporaryDirectory() as temporary_files:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "video_export_operator", "plan", "-f", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(namespace.control_plane.kubeconfig), "TMPDIR": temporary_files},
        )
        printed, said = await process.communicate(json.dumps(manifest).encode())
        assert process.returncode == 0, said.decode()
        assert os.listdir(temporary_files) == [], "files are left, perhaps of a private key"
    return printed.decode()
