"""What a visitor of the repository finds: forms that GitHub takes, and texts that name what exists."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests import fast_yaml
from tests.unit.delivery.scripts import ROOT

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))
TEXTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"]
KINDS = {"checkboxes", "dropdown", "input", "markdown", "textarea"}


def test_the_texts_are_there() -> None:
    names = [*TEXTS, "CHANGELOG.md", "LICENSE", ".github/CODEOWNERS", ".github/pull_request_template.md"]
    assert [name for name in names if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_takes(path: Path) -> None:
    form: dict[str, Any] = fast_yaml.load(path.read_text(encoding="utf-8"))
    assert set(form) <= {"name", "description", "title", "labels", "assignees", "body"}
    assert form["name"]
    assert form["description"]
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    for part in form["body"]:
        assert part["type"] in KINDS
        assert part["attributes"]["label"]


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", TEXTS)
def test_files_that_are_named_exist(name: str) -> None:
    """Whatever looks like a path of this checkout, in code."""
    text = (ROOT / name).read_text(encoding="utf-8")
    tops = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir() and path.name not in {"build"})
    named = set(re.findall(rf"(?<![\w/.-])((?:{tops})/[\w./-]+)", text))
    assert [path for path in sorted(named) if not (ROOT / path.rstrip("/.")).exists()] == []


@pytest.mark.parametrize("name", TEXTS)
def test_targets_of_make_that_are_named_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z0-9-]+)(?=[`\s])", (ROOT / name).read_text(encoding="utf-8")))
    assert named <= targets
