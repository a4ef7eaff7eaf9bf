"""A release: one version everywhere, notes of the change log, charts with the images of who releases."""

import hashlib
import os
import re
import shutil
import tarfile
import tomllib
from pathlib import Path

import pytest

from tests import fast_yaml
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


def test_the_definition_is_never_changed_by_a_release(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "crds", tmp_path / "crds")
    shutil.copytree(ROOT / "charts", tmp_path / "charts", symlinks=True)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    release.own(tmp_path, "registry.example.org/media", "media/exports")
    name = "crds/videoexportworkers.yaml"
    assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_what_is_shipped_has_the_names_of_who_releases(tmp_path: Path) -> None:
    for name in release.SHIPPED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, symlinks=True)
        else:
            shutil.copy(source, tmp_path / name)
    release.own(tmp_path, "registry.example.org/Media", "media/exports")
    values = fast_yaml.load((tmp_path / "charts/video-export-operator/values.yaml").read_text(encoding="utf-8"))
    assert values["image"]["repository"] == "registry.example.org/media/video-export-operator"
    urls = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert {url.startswith("https://github.com/media/exports") for url in urls.values()} == {True}
    left = [
        str(path.relative_to(tmp_path))
        for path in release.find_shipped(tmp_path)
        if re.search(r"ghcr\.io/example|github\.com/example", path.read_text(encoding="utf-8"))
    ]
    assert left == []


def test_the_package_index_finds_what_the_readme_refers_to(tmp_path: Path) -> None:
    """It shows the text alone: a link to a file beside it leads nowhere, and a picture is broken."""
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    release.own(tmp_path, "registry.example.org/media", "media/exports")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https://)[^)]+\)", text) == []
    assert "](https://github.com/media/exports/raw/HEAD/docs/images/booking.gif)" in text
    assert "](https://github.com/media/exports/blob/HEAD/docs/tutorial.md)" in text
    for name in re.findall(r"media/exports/(?:raw|blob)/HEAD/([^)#]+)", text):
        assert (ROOT / name).is_file(), name


@pytest.mark.parametrize(
    ("registry", "repository", "said"),
    [
        ("ghcr.io/UPPER case", "a/b", "is no registry with an owner"),
        ("", "a/b", "is no registry with an owner"),
        ("https://ghcr.io/owner", "a/b", "is no registry with an owner"),
        ("ghcr.io/owner", "https://github.com/a/b", "is no owner/name"),
    ],
)
def test_what_is_no_name_is_refused(registry: str, repository: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=said):
        release.own(tmp_path, registry, repository)


def test_krew_installs_the_plugin_that_was_packed(tmp_path: Path) -> None:
    archive = tmp_path / "kubectl-vew.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(ROOT / "plugins" / "kubectl-vew", "kubectl-vew")
    manifest = fast_yaml.load(release.build_plugin_manifest("v0.1.0", "media/exports", archive))
    (platform,) = manifest["spec"]["platforms"]
    assert platform["uri"] == "https://github.com/media/exports/releases/download/v0.1.0/kubectl-vew.tar.gz"
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (manifest["spec"]["version"], platform["bin"]) == ("v0.1.0", "kubectl-vew")
    assert os.access(ROOT / "plugins" / platform["bin"], os.X_OK)


def test_images_are_called_in_the_workflow_as_in_the_charts() -> None:
    """The name that the delivery gives an image is the one that the charts ask for."""
    workflow = (ROOT / ".github/workflows/images.yml").read_text(encoding="utf-8")
    assert "${REGISTRY,,}/video-export-${IMAGE}" in workflow
    for chart in release.CHARTS:
        values = fast_yaml.load((ROOT / "charts" / chart / "values.yaml").read_text(encoding="utf-8"))
        assert re.fullmatch(
            rf"{release.EXAMPLE_REGISTRY}/video-export-(operator|worker)", values["image"]["repository"]
        )
