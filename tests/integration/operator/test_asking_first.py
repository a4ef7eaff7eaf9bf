"""What would be done is shown without doing it: by an annotation, and by a command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from temporalio.client import Client

from tests.integration.operator.cluster import Namespace, Operator, resource
from tests.servers import TemporalServer

EXAMPLES = {
    path.stem: path.read_text(encoding="utf-8") for path in (Path(__file__).parents[3] / "examples").glob("*.yaml")
}


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
    refused, told = await show_plan(namespace, asked)
    assert not refused
    assert told.startswith("# standard input: VideoExportWorker exports\nthe manifest: accepted\n")
    assert "waiting: 0 activities, 1 workflow tasks" in told
    assert "size: 1 (ScaleUp: 0 activities and 1 workflow tasks wait" in told
    assert "apply Deployment exports: accepted" in told
    assert "apply NetworkPolicy exports: accepted" in told
    assert "apply ServiceMonitor exports: left out, its kind is not installed" in told
    asked["spec"]["template"] = {"spec": {"nodeSelektor": {}}}
    refused, told = await show_plan(namespace, asked)
    assert refused
    assert "apply Deployment exports: Rejected: " in told
    asked["spec"] = {**asked["spec"], "template": {}, "scaling": {"maxReplica": 5}}
    refused, told = await show_plan(namespace, asked)
    assert refused
    assert "the manifest: Rejected: " in told
    assert ".spec.scaling.maxReplica: field not declared in schema" in told
    assert namespace.objects("vew") + namespace.objects("deployment") + namespace.objects("networkpolicy") == []


@pytest.mark.parametrize("example", EXAMPLES)
async def test_plan_takes_every_example_as_it_stands(example: str, namespace: Namespace) -> None:
    kinds = re.findall(r"^kind: (\w+)$", EXAMPLES[example], re.MULTILINE)
    refused, told = await run_plan(namespace, "-f", "-", "--namespace", namespace.name, given=EXAMPLES[example])
    assert not refused, told
    assert re.findall(r"^# .*: (\w+) \S+$", told, re.MULTILINE) == kinds
    assert told.count("the manifest: ") == len(kinds)
    assert f"{namespace.name}/" in told
    for line in told.splitlines():
        if "does not exist" in line and "Secret" in kinds:
            assert "it comes with" in line, "a Secret of the same file is no surprise"


async def show_plan(namespace: Namespace, manifest: dict[str, Any]) -> tuple[bool, str]:
    """Return whether `video-export-operator plan` says that something was refused, and what it prints."""
    return await run_plan(namespace, "-f", "-", given=json.dumps(manifest))


async def run_plan(namespace: Namespace, *arguments: str, given: str = "") -> tuple[bool, str]:
    """Run `video-export-operator plan`. It leaves nothing of the kubeconfig's keys."""
    with TemporaryDirectory() as temporary_files:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "video_export_operator", "plan", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(namespace.control_plane.kubeconfig), "TMPDIR": temporary_files},
        )
        printed, said = await process.communicate(given.encode())
        assert process.returncode in (0, 1), said.decode()
        assert said == b""
        assert os.listdir(temporary_files) == [], "files are left, perhaps of a private key"
    return process.returncode == 1, printed.decode()
