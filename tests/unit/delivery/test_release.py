"""A release: one version everywhere, notes of the change log, charts with the images of who releases."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.unit.delivery.scripts import ROOT, load_script

release = load_script("release")
CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- A thing.

## [0.1.0] - 2026-11-01

- The first.
"""


def copy_tree(target: Path) -> Path:
    for name, _ in release.VERSIONS:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    (target / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return target


def test_everything_says_the_same_version() -> None:
    versions = release.read_versions(ROOT)
    assert len(versions) == 8
    assert len(set(versions.values())) == 1, versions


def test_a_tag_of_the_tree_that_is_described_can_be_released(tmp_path: Path) -> None:
    assert release.find_problems(copy_tree(tmp_path), "v0.1.0") == []


def test_every_place_that_says_another_version_is_named(tmp_path: Path) -> None:
    root = copy_tree(tmp_path)
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text(encoding="utf-8").replace("0.1.0", "0.2.0", 1), encoding="utf-8")
    problems = release.find_problems(root, "v0.2.0")
    assert len(problems) == 7
    assert not any("pyproject.toml" in problem for problem in problems)
    assert "charts/video-export-operator/Chart.yaml (appVersion:) says '0.1.0', not '0.2.0'" in problems


def test_a_version_without_notes_cannot_be_released(tmp_path: Path) -> None:
    root = copy_tree(tmp_path)
    (root / "CHANGELOG.md").write_text("## [Unreleased]\n\n- All of it.\n", encoding="utf-8")
    assert release.find_problems(root, "v0.1.0") == [
        "CHANGELOG.md has no heading '## [0.1.0] - YYYY-MM-DD' with notes under it"
    ]


def test_the_notes_are_those_of_the_version() -> None:
    assert release.read_notes(CHANGELOG, "0.2.0") == "### Added\n\n- A thing."
    assert release.read_notes(CHANGELOG, "0.3.0") == ""


@pytest.mark.parametrize("chart", release.CHARTS)
def test_a_released_chart_names_the_images_of_who_releases(chart: str, tmp_path: Path) -> None:
    release.stage_chart(ROOT / "charts" / chart, tmp_path / chart, "registry.example.org/media")
    values = yaml.safe_load((tmp_path / chart / "values.yaml").read_text(encoding="utf-8"))
    assert values["image"]["repository"].startswith("registry.example.org/media/video-export-")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / chart).rglob("*") if path.is_file()]
    assert not any(release.PLACEHOLDER in text for text in texts)


@pytest.mark.parametrize("registry", ["ghcr.io/UPPER case", "", "https://ghcr.io/owner"])
def test_what_is_no_registry_is_refused(registry: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no registry with an owner"):
        release.package_charts(registry, tmp_path)


def test_images_are_called_in_the_workflow_as_in_the_charts() -> None:
    """The name that the delivery gives an image is the one that the charts ask for."""
    workflow = (ROOT / ".github/workflows/images.yml").read_text(encoding="utf-8")
    assert "${REGISTRY,,}/video-export-${IMAGE}" in workflow
    for chart in release.CHARTS:
        values = yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text(encoding="utf-8"))
        assert re.fullmatch(rf"{release.PLACEHOLDER}/video-export-(operator|worker)", values["image"]["repository"])
