"""Alerts: each asks for series that exist and has a page that says what to do."""

import re
from typing import Any

import pytest

from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT
from tests.unit.delivery.tables import known_series

FILE = ROOT / "charts" / "video-export-operator" / "files" / "alerts.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGE = "https://github.com/example/video-export-operator/blob/main/docs/runbooks/{}.md"
(GROUP,) = fast_yaml.load(FILE.read_text(encoding="utf-8"))["groups"]
EACH = pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: str(rule["alert"]))


@EACH
def test_it_asks_for_series_that_exist(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\bvideo_export_\w+", rule["expr"]))
    assert asked
    assert asked - known_series() == set()


@EACH
def test_it_says_how_bad_it_is_and_where_its_page_is(rule: dict[str, Any]) -> None:
    assert rule["for"]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook_url"] == PAGE.format(rule["alert"])
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}


@EACH
def test_its_page_says_what_to_do(rule: dict[str, Any]) -> None:
    text = (RUNBOOKS / f"{rule['alert']}.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == [
        rule["alert"],
        "What it means",
        "What suffers",
        "Where to look",
        "What to do",
    ]


def test_every_page_is_of_an_alert_and_in_the_list() -> None:
    alerts = [rule["alert"] for rule in GROUP["rules"]]
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == sorted(alerts)
    listed = re.findall(
        r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|",
        (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert listed == [(rule["alert"], rule["labels"]["severity"]) for rule in GROUP["rules"]]
