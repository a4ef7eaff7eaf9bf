"""`kubectl vew`, by a real kubectl against a real API server; what the operator would write is written by hand."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests.integration.operator.cluster import ROOT_OF_PLUGINS, Namespace, resource
from video_export_operator.status import ConditionType

HOLDS_WHERE_ALL_IS_WELL = ("Ready", "TemporalReachable", "ScalingActive", "WorkersHealthy")

STATUS: dict[str, Any] = {
    "desiredReplicas": 3,
    "readyReplicas": 2,
    "busyReplicas": 2,
    "backlog": {"tasks": 5, "activities": 4, "workflows": 1, "oldestAge": "40s"},
    "lastScale": {"time": "2026-11-26T20:00:00Z", "from": 1, "to": 3, "reason": "ScaleUp: 4 activities wait"},
    "conditions": [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": 1,
            "lastTransitionTime": "2026-11-26T20:00:00Z",
        }
        for kind, status, reason, message in (
            ("Ready", "True", "InPlace", "all is in place"),
            ("ScalingActive", "True", "FollowingQueue", "ScaleUp: 4 activities wait"),
            ("ScalingLimited", "True", "MaxReplicas", "5 are needed"),
            ("WorkersHealthy", "False", "Unschedulable", "no node has room"),
        )
    ],
}


def vew(
    namespace: Namespace, *arguments: str, where: tuple[str, ...] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `kubectl vew` in the test's namespace, or where it is told."""
    plane = namespace.control_plane
    here = ("--namespace", namespace.name) if where is None else where
    return subprocess.run(
        [str(plane.programs / "kubectl"), "vew", *arguments, *here],
        env={
            **os.environ,
            "PATH": f"{ROOT_OF_PLUGINS}:{plane.programs}:/usr/bin:/bin",
            "KUBECONFIG": str(plane.kubeconfig),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def succeed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@pytest.fixture
def export(namespace: Namespace) -> Namespace:
    """A namespace with a resource that an operator has looked at."""
    namespace.apply(resource("temporal:7233"))
    namespace.succeed(
        "patch", "vew", "exports", "--subresource=status", "--type=merge", "-p", json.dumps({"status": STATUS})
    )
    return namespace


def test_status_shows_sizes_and_what_asks_for_attention(export: Namespace) -> None:
    second = resource("temporal:7233")
    second["metadata"]["name"] = "new"
    export.apply(second)
    lines = succeed(vew(export, "status")).splitlines()
    assert lines[0].split()[:4] == ["NAME", "QUEUE", "DESIRED", "PODS"]
    assert [line.split()[0] for line in lines[1:3]] == ["exports", "new"]
    assert lines[3:] == [
        f"{export.name}/exports: ScalingLimited is True (MaxReplicas): 5 are needed",
        f"{export.name}/exports: WorkersHealthy is False (Unschedulable): no node has room",
        f"{export.name}/new: no operator has looked at it yet",
    ]
    assert "new" not in succeed(vew(export, "status", "exports"))
    assert f"{export.name}/exports: " in succeed(vew(export, "status", "-A", where=()))


def test_status_is_silent_about_a_resource_of_which_all_is_well(export: Namespace) -> None:
    conditions = [
        {**STATUS["conditions"][0], "type": kind, "status": "True" if kind in HOLDS_WHERE_ALL_IS_WELL else "False"}
        for kind in ConditionType
    ]
    patch = json.dumps({"status": {"conditions": conditions}})
    export.succeed("patch", "vew", "exports", "--subresource=status", "--type=merge", "-p", patch)
    assert len(succeed(vew(export, "status")).splitlines()) == 2
    rows = succeed(vew(export, "why", "exports")).splitlines()
    told = [row for row in rows if "(InPlace)" in row]
    assert [row.split()[0] for row in told] == list(ConditionType)
    assert len({row.index("(") - len(row.split()[1]) for row in told}) == 1, "the column is as wide as its widest word"


def test_why_shows_the_decision_with_its_numbers(export: Namespace) -> None:
    told = succeed(vew(export, "why", "exports"))
    assert "size      3 wanted, 2 ready, 2 busy\n" in told
    assert "backlog   5 tasks, the oldest for 40s\n" in told
    assert "last      from 1 to 3 at 2026-11-26T20:00:00Z: ScaleUp: 4 activities wait\n" in told
    assert "ScalingLimited      True (MaxReplicas): 5 are needed\n" in told


def test_pause_and_resume(export: Namespace) -> None:
    succeed(vew(export, "pause", "exports"))
    assert (export.get("vew") or {})["spec"]["scaling"]["paused"] is True
    succeed(vew(export, "resume", "exports"))
    assert (export.get("vew") or {})["spec"]["scaling"]["paused"] is False


def test_exports_need_a_worker_that_runs(export: Namespace) -> None:
    done = vew(export, "exports", "exports", "--status", "failed")
    assert done.returncode == 1
    assert "no worker of exports runs" in done.stderr
    assert "video-export list" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("statsu",), 2, "there is no command 'statsu'"),
        (("why",), 2, "why needs the NAME"),
        (("pause", "a", "b"), 2, "'b' is one word too many"),
        (("status", "--wide"), 2, "there is no option --wide"),
        (("plan",), 2, "plan needs -f FILE"),
        (("plan", "-f", "/dev/null"), 1, "plan needs the command video-export-operator here"),
        (("status", "absent"), 1, "there is no VideoExportWorker absent here"),
        (("why", "absent"), 1, '"absent" not found'),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], code: int, said: str, namespace: Namespace) -> None:
    done = vew(namespace, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_help_needs_no_cluster(namespace: Namespace) -> None:
    assert succeed(vew(namespace, "--help", where=())).startswith("Usage: kubectl vew COMMAND")
