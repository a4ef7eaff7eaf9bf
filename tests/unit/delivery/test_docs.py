"""The documentation says what the code does."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.unit.delivery.scripts import ROOT
from tests.unit.delivery.tables import TABLES, exported_name, fill, known_series
from video_export_operator.scaling.decision import Limit, Rule
from video_export_operator.status import ConditionType, Reason
from video_export_worker import contract
from video_export_worker.cli import COMMANDS
from video_export_worker.metrics import Metric

ROOT_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *(ROOT / "charts").glob("*/README.md"), *ROOT_PAGES])
DASHBOARDS = sorted((ROOT / "charts").glob("*/dashboards/*.json"))


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def first_cells(text: str) -> list[str]:
    """What the first column of a page's tables names in code."""
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[1]


@pytest.mark.parametrize("name", TABLES)
def test_tables_that_are_read_off_the_code_are_up_to_date(name: str) -> None:
    page = read(name)
    assert page == fill(page, TABLES[name]()), "run: python -m tests.unit.delivery.tables"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_how_to_is_listed_and_says_how_to_see_that_it_worked() -> None:
    folder = ROOT / "docs" / "how-to"
    pages = {page.name for page in folder.glob("*.md")} - {"index.md"}
    assert [name for name in sorted(pages) if "See that it works." not in read(folder / name)] == []
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", read(folder / "index.md"))) == pages


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path) -> None:
    """In code: `video-export NAME` and `kubectl vew NAME`."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join([*re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)])
    named = set(re.findall(r"(?:^|-- |\| |&& )video-export ([a-z]+)\b", code, re.MULTILINE))
    assert named <= set(COMMANDS), f"no such command: {named - set(COMMANDS)}"
    plugin = (ROOT / "plugins" / "kubectl-vew").read_text(encoding="utf-8")
    known = set(re.findall(r"^  (\w+) .*", plugin.split("<< 'END'")[1].split("Examples")[0], re.MULTILINE))
    assert set(re.findall(r"kubectl vew ([a-z]+)", code)) <= known


def test_the_readme_is_one_screen_with_pictures_that_load_fast() -> None:
    text = read("README.md")
    assert len(text.splitlines()) <= 50
    pictures = [ROOT / name for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)]
    assert pictures[0].suffix == ".gif"
    assert all(picture.stat().st_size < 1_500_000 for picture in pictures)


def test_the_readme_has_the_commands_that_a_test_runs() -> None:
    """How to build, push and install images of one's own: tests/e2e/test_registry.py runs them as the page has them."""
    commands = re.findall(r"```sh\n(.*?)```", read("docs/how-to/own-images.md"), re.DOTALL)[0]
    assert commands in read("README.md")
    assert len(re.sub(r"\\\n", " ", commands).splitlines()) == 5


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (contract.VideoExportRequest, "VideoExportRequest"),
        (contract.SkipInactivity, "SkipInactivity"),
        (contract.Mouse, "Mouse"),
        (contract.VideoExportResult, "VideoExportResult"),
        (contract.VideoObject, "VideoObject"),
        (contract.TimeSpan, "TimeSpan"),
        (contract.Manifest, "Manifest"),
        (contract.Progress, "While it runs"),
    ],
)
def test_every_field_of_the_contract_is_described(model: type[BaseModel], heading: str) -> None:
    assert first_cells(section(read("docs/request.md"), heading)) == list(model.model_fields)


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (contract.VideoExportRequest, "VideoExportRequest"),
        (contract.SkipInactivity, "SkipInactivity"),
        (contract.Mouse, "Mouse"),
    ],
)
def test_defaults_and_bounds_are_those_of_the_contract(model: type[BaseModel], heading: str) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (.*?) \|(.*?)\| .*? \|$", section(read("docs/request.md"), heading), re.MULTILINE
    )
    assert len(rows) == len(model.model_fields)
    schema = model.model_json_schema()["properties"]
    for name, default, bounds in rows:
        field = model.model_fields[name]
        written = re.fullmatch(r"`(.*)`", default)
        if written:
            value = field.get_default(call_default_factory=True)
            assert json.loads(written[1]) == value, name
        choices = [schema[name], *schema[name].get("anyOf", [])]
        limits = {choice[key] for choice in choices for key in ("minimum", "maximum") if key in choice}
        numbers = {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", bounds.split(",")[0])}
        assert {limit for limit in limits if limit > 0} <= numbers, f"{name}: bounds are {limits}"


@pytest.mark.parametrize("condition", ConditionType)
def test_every_condition_is_described(condition: ConditionType) -> None:
    assert first_cells(section(read("docs/operations.md"), condition))


def test_every_reason_is_described_and_no_other() -> None:
    conditions = read("docs/operations.md").split("## Conditions")[1].split("## Why is it this size?")[0]
    assert set(first_cells(conditions)) == {str(reason) for reason in [*Reason, *Limit]}


def test_every_rule_is_described_in_its_order() -> None:
    assert first_cells(section(read("docs/operations.md"), "Why is it this size?")) == [str(rule) for rule in Rule]


def test_every_limit_is_a_reason_of_scaling_limited() -> None:
    described = first_cells(section(read("docs/operations.md"), "ScalingLimited"))
    assert set(described) == {"WithinLimits", "ShrinkFailed", *map(str, Limit)}


def test_the_dashboard_asks_for_metrics_that_exist() -> None:
    assert DASHBOARDS
    for path in DASHBOARDS:
        asked = set(re.findall(r"\b(?:video_export|temporal)_\w+", path.read_text(encoding="utf-8")))
        assert asked
        assert asked - known_series() == set(), f"{path.name} asks for metrics that nobody serves"


def test_the_dashboard_shows_every_metric_of_the_worker() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in DASHBOARDS)
    assert [metric for metric in Metric if exported_name(metric) not in text] == []


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    for path in DASHBOARDS:
        panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
        cells = [
            (x, y)
            for panel in panels
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(cells) == len(set(cells))
        assert len({panel["id"] for panel in panels}) == len(panels)
