"""What the charts repository is told about a new worker image: exactly the shape that it was built for."""

import json
import re
from pathlib import Path
from typing import Any

from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT

DELIVERY = ROOT / ".github/workflows/container-images-cd.yml"
RELEASE = "temporal-worker-video-export"
DIGEST = "sha256:" + "ab" * 32
SHA = "c" * 40
HEAD_COMMIT = {
    "id": SHA,
    "tree_id": "d" * 40,
    "distinct": True,
    "message": 'Faster "frames"\n\nA second line',
    "timestamp": "2026-11-22T20:00:05+08:00",
    "url": f"https://github.com/example/video-export/commit/{SHA}",
    "author": {"name": "A", "email": "a@example.com", "username": "a"},
    "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
    "added": [],
    "removed": [],
    "modified": ["worker/video_export_worker/pipeline.py"],
}


def deploy_job() -> dict[str, Any]:
    job: dict[str, Any] = fast_yaml.load(DELIVERY.read_text(encoding="utf-8"))["jobs"]["deploy"]
    return job


def dispatch() -> dict[str, Any]:
    (step,) = (step for step in deploy_job()["steps"] if "repository-dispatch" in step.get("uses", ""))
    return dict(step)


def evaluate(template: str, context: dict[str, Any]) -> str:
    """Do what GitHub does with the two kinds of expression that the payload uses."""

    def value(expression: str) -> str:
        called = re.fullmatch(r"toJson\((.+)\)", expression)
        found: Any = context
        for name in (called[1] if called else expression).split("."):
            found = found[name]
        return json.dumps(found, indent=2) if called else str(found)

    return re.sub(r"\$\{\{ (.+?) \}\}", lambda match: value(match[1]), template)


def announced(labels: str) -> Any:
    context = {
        "github": {"event": {"head_commit": HEAD_COMMIT}, "repository": "example/video-export"},
        "needs": {"images": {"outputs": {"worker_digest": DIGEST}}},
        "steps": {"labels": {"outputs": {"labels": labels}}},
    }
    return json.loads(evaluate(dispatch()["with"]["client-payload"], context))


def test_the_payload_is_of_the_shape_that_the_charts_repository_takes() -> None:
    """The whole head commit, its own timestamp as it stands there, and the labels as the text of a step's output."""
    assert dispatch()["with"]["event-type"] == "commit_state_update"
    assert announced('["performance","worker"]') == {
        "values": {"image": {"sha": DIGEST}},
        "release": RELEASE,
        "commit": HEAD_COMMIT,
        "repository": "example/video-export",
        "labels": '["performance","worker"]',
        "timestamp": "2026-11-22T20:00:05+08:00",
    }


def test_the_token_is_that_of_a_github_app_for_that_repository_alone() -> None:
    (deployer,) = (step for step in deploy_job()["steps"] if step.get("id") == "deployer")
    assert deployer["uses"].startswith("actions/create-github-app-token@")
    assert deployer["with"]["permission-contents"] == "write"
    assert deployer["with"]["repositories"] == "${{ steps.charts.outputs.name }}"
    assert dispatch()["with"]["token"] == "${{ steps.deployer.outputs.token }}"


def test_only_an_affected_worker_of_a_push_that_passed_is_announced() -> None:
    job = deploy_job()
    assert job["needs"] == "images"
    assert job["if"] == "github.event_name == 'push' && vars.CHARTS_REPOSITORY != ''"
    decide = next(step for step in job["steps"] if step.get("id") == "affected")
    later = job["steps"][job["steps"].index(decide) + 1 :]
    assert {step["if"] for step in later} == {"steps.affected.outputs.worker == 'true'"}
    checkout = next(step for step in job["steps"] if "checkout" in step.get("uses", ""))
    assert checkout["with"]["fetch-depth"] == 0, "the commit before must be there to compare with"


def test_what_is_affected_is_decided_since_the_last_run_that_succeeded() -> None:
    """GitHub keeps one run waiting: a third push drops the second one's run. What it brought may not be missed."""
    job = deploy_job()
    assert job["permissions"]["actions"] == "read"
    base = next(step for step in job["steps"] if step.get("id") == "base")
    assert f"actions/workflows/{DELIVERY.name}/runs" in base["run"]
    assert {"event=push", "status=success"} <= set(re.split("[?&'\"]", base["run"]))
    decide = next(step for step in job["steps"] if step.get("id") == "affected")
    assert decide["env"] == {"BEFORE": "${{ steps.base.outputs.commit }}"}


def test_the_chart_takes_the_value_that_is_announced() -> None:
    chart = Path(ROOT, "charts", RELEASE)
    values = fast_yaml.load((chart / "values.yaml").read_text(encoding="utf-8"))
    assert "sha" in values["image"]
    rules = (chart / "templates" / "_rules.tpl").read_text(encoding="utf-8")
    found = re.search(r"- path: image\.sha\n    pattern: '(.+)'", rules)
    assert found
    assert re.fullmatch(found[1], DIGEST)
    assert not re.fullmatch(found[1], "latest")
