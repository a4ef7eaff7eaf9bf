"""The workflows: well formed, pinned, and calling what exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.delivery.scripts import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def read(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_both_workflows_are_there() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "container-images-cd.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    used = [
        line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    assert len(used) == sum("uses" in step for step in steps(read(path))) > 0
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for step in (step for path in WORKFLOWS for step in steps(read(path)) if "uses" in step):
        action, commit = step["uses"].split("@")
        pins.setdefault(action, set()).add(commit)
    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_tokens_are_read_only_unless_a_job_says_otherwise(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("timeout-minutes"), f"{name} could hang for six hours"
    for step in steps(workflow):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_values_of_others_reach_no_shell_as_text(path: Path) -> None:
    """An expression inside a script would be run as part of it: a branch name can hold a command."""
    assert [step["run"] for step in steps(read(path)) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_scripts_that_are_called_exist(path: Path) -> None:
    called = {name for step in steps(read(path)) for name in re.findall(r"(?:python3|bash) (\S+)", step.get("run", ""))}
    assert called, "each workflow runs something of this repository"
    assert [name for name in called if not (ROOT / name).is_file()] == []


def test_both_images_are_built_with_provenance_and_sbom() -> None:
    build = read(ROOT / ".github/workflows/container-images-cd.yml")["jobs"]["build"]
    assert build["strategy"]["matrix"]["image"] == ["operator", "worker"]
    assert set(build["outputs"]) == {"operator_digest", "worker_digest"}
    (push,) = (step["with"] for step in build["steps"] if "build-push-action" in step.get("uses", ""))
    assert push["push"] is True
    assert push["provenance"] == "mode=max"
    assert push["sbom"] is True
    for image in build["strategy"]["matrix"]["image"]:
        assert (ROOT / push["file"].replace("${{ matrix.image }}", image)).is_file()


def test_only_an_affected_worker_is_announced() -> None:
    deploy = read(ROOT / ".github/workflows/container-images-cd.yml")["jobs"]["deploy"]
    assert deploy["needs"] == "build"
    decide = next(step for step in deploy["steps"] if step.get("id") == "affected")
    dispatch = deploy["steps"][-1]
    assert deploy["steps"].index(decide) < deploy["steps"].index(dispatch)
    assert dispatch["if"] == "steps.affected.outputs.worker == 'true'"
    assert dispatch["env"]["IMAGE_DIGEST"] == "${{ needs.build.outputs.worker_digest }}"
    checkout = next(step for step in deploy["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 0, "the commit before must be there to compare with"
