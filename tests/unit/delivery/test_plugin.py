"""What `kubectl vew` asks kubectl for, where that needs a pod that runs."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.delivery.scripts import ROOT

KUBECTL = """#!/bin/sh
case "$*" in
  *"{.spec.temporal.taskQueue}"*) printf 'night shift' ;;
  *" get videoexportworker "* | get\\ videoexportworker\\ *) echo videoexportworker/media ;;
  *"{.status.readyReplicas}"*) printf 1 ;;
  *) for argument; do printf '[%s]' "$argument"; done; echo ;;
esac
"""


CLIENT_ALONE = """#!/bin/sh
echo "this needs the operator's part" >&2
exit 1
"""
"""The operator's command where only `pip install video-export` was done."""


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """A folder with a kubectl that has a resource whose worker runs, and shows what it is asked for beside that."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((), "[list][--task-queue][night shift]"),
        (("--status", "failed"), "[list][--task-queue][night shift][--status][failed]"),
    ],
)
def test_exports_are_those_of_the_resources_own_queue(kubectl: Path, given: tuple[str, ...], asked: str) -> None:
    done = subprocess.run(
        [str(ROOT / "plugins" / "kubectl-vew"), "exports", "media", *given],
        env={"PATH": f"{kubectl}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == f"[exec][deployment/media][--][video-export]{asked}\n"


def test_a_client_alone_does_not_keep_plan_from_the_operators_pod(kubectl: Path) -> None:
    command = kubectl / "video-export-operator"
    command.write_text(CLIENT_ALONE)
    command.chmod(0o755)
    pod = KUBECTL.replace("case", 'case "$*" in *"get pods"*) echo "system operator-0"; exit ;; esac\ncase', 1)
    (kubectl / "kubectl").write_text(pod)
    done = subprocess.run(
        [str(ROOT / "plugins" / "kubectl-vew"), "plan", "-f", "/dev/null"],
        env={"PATH": f"{kubectl}{os.pathsep}/usr/bin{os.pathsep}/bin"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    asked = "[--namespace=system][exec][--stdin][operator-0][--][video-export-operator][plan][-f][-]"
    assert (done.stdout.strip(), done.stderr) == (asked, "")
