"""The workflows: well formed, pinned, and calling what exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OUR_OWN = re.compile(r"uses: \./\.github/workflows/[\w-]+\.yml")


def read(path: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = fast_yaml.load(path.read_text(encoding="utf-8"))
    return parsed


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


def calls(workflow: dict[str, Any]) -> dict[str, str]:
    """The jobs that are workflows of their own, by the file's name."""
    return {name: Path(job["uses"]).name for name, job in workflow["jobs"].items() if "uses" in job}


def needs(workflow: dict[str, Any], job: str) -> set[str]:
    """Every job that must have succeeded before this one begins."""
    named = workflow["jobs"][job].get("needs", [])
    direct = {named} if isinstance(named, str) else set(named)
    return direct.union(*(needs(workflow, name) for name in direct))


def test_the_workflows_are_these() -> None:
    assert [path.stem for path in WORKFLOWS] == [
        "ci",
        "codeql",
        "container-images-cd",
        "dependency-review",
        "images",
        "release",
        "scorecard",
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit(path: Path) -> None:
    used = [
        line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    foreign = [line for line in used if not OUR_OWN.fullmatch(line)]
    assert len(foreign) == sum("uses" in step for step in steps(read(path))) > 0
    assert [line for line in foreign if not PINNED.fullmatch(line)] == []


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
        assert job.get("timeout-minutes") or "uses" in job, f"{name} could hang for six hours"
    for step in steps(workflow):
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_values_of_others_reach_no_shell_as_text(path: Path) -> None:
    """An expression inside a script would be run as part of it: a branch name can hold a command."""
    assert [step["run"] for step in steps(read(path)) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_is_called_exists(path: Path) -> None:
    workflow = read(path)
    called = {name for step in steps(workflow) for name in re.findall(r"(?:python3|bash) (\.\S+)", step.get("run", ""))}
    called |= {f".github/workflows/{name}" for name in calls(workflow).values()}
    assert [name for name in called if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("name", ["container-images-cd", "release"])
def test_nothing_is_published_before_the_tests_have_passed(name: str) -> None:
    workflow = read(ROOT / f".github/workflows/{name}.yml")
    assert calls(workflow)["tests"] == "ci.yml"
    publishing = {
        job
        for job, content in workflow["jobs"].items()
        if {"packages", "attestations"} & set(content.get("permissions", {})) or "environment" in content
    }
    assert publishing
    assert {job for job in publishing if "tests" not in needs(workflow, job)} == set()


def test_both_images_are_built_for_both_architectures_tried_out_scanned_and_signed() -> None:
    jobs = read(ROOT / ".github/workflows/images.yml")["jobs"]
    assert jobs["build"]["strategy"]["matrix"] == {"image": ["operator", "worker"], "architecture": ["amd64", "arm64"]}
    built = jobs["build"]["steps"]
    (push,) = (step for step in built if step.get("id") == "push")
    (trying,) = (step for step in built if "try_image.sh" in step.get("run", ""))
    (scan,) = (step for step in built if "scan-action" in step.get("uses", ""))
    assert built.index(trying) < built.index(scan) < built.index(push)
    assert push["with"]["provenance"] == "mode=max"
    assert push["with"]["sbom"] is True
    for image in jobs["build"]["strategy"]["matrix"]["image"]:
        assert (ROOT / push["with"]["file"].replace("${{ matrix.image }}", image)).is_file()
    assert "cosign sign --yes --recursive" in jobs["publish"]["steps"][-1]["run"]
    assert set(jobs["publish"]["outputs"]) == {"operator_digest", "worker_digest"}
    assert jobs["publish"]["permissions"]["id-token"] == "write", "cosign signs with the workflow's own identity"


def test_an_image_says_where_its_source_is() -> None:
    """Registries link a package to its repository by it, Renovate finds the change log, and the GPL asks for it."""
    built = [
        step for step in steps(read(ROOT / ".github/workflows/images.yml")) if "build-args" in step.get("with", {})
    ]
    assert len(built) == 2, "tried out and pushed"
    for image in ("operator", "worker"):
        dockerfile = (ROOT / f"Dockerfile.{image}").read_text(encoding="utf-8")
        labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="\$\{(\w+)\}"', dockerfile))
        assert labels == {"source": "SOURCE", "version": "VERSION", "revision": "REVISION"}
        for step in built:
            given = dict(line.split("=", 1) for line in step["with"]["build-args"].splitlines())
            assert set(labels.values()) < set(given)
            assert given["SOURCE"] == "${{ github.server_url }}/${{ github.repository }}"


def test_a_pull_request_publishes_nothing() -> None:
    jobs = read(ROOT / ".github/workflows/images.yml")["jobs"]
    never = "github.event_name != 'pull_request'"
    assert jobs["publish"]["if"] == never
    (push,) = (step for step in jobs["build"]["steps"] if step.get("id") == "push")
    assert push["if"] == never


def test_registry_and_owner_are_one_variable() -> None:
    """The variable, or the owner's packages at GitHub; no workflow names a registry or an owner otherwise."""
    chosen = "${{ vars.REGISTRY || format('ghcr.io/{0}', github.repository_owner) }}"
    for path in WORKFLOWS:
        code = "\n".join(
            line.split(" #")[0] for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"
        )
        assert code.count("ghcr.io") == code.count(f"REGISTRY: {chosen}"), path.name


def test_an_image_that_is_published_each_week_is_built_from_the_packages_of_the_day() -> None:
    text = (ROOT / ".github/workflows/container-images-cd.yml").read_text(encoding="utf-8")
    delivery = yaml.load(text, yaml.BaseLoader)  # for it `on` is a word, not true
    assert delivery["on"]["schedule"] == [{"cron": "17 3 * * 1"}]
    assert delivery["jobs"]["images"]["with"]["fresh"] == "${{ github.event_name == 'schedule' }}"
