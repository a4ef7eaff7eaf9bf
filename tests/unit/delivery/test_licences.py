"""Licences: every part of others is known, said, and permits what the project promises."""

import re
import tomllib

import pytest

from dev.notices import PAGE, build_page
from dev.third_party import (
    is_permissive,
    read_bundled_parts,
    read_compiled_parts,
    read_debian_packages,
    read_player_parts,
    read_python_parts,
)
from tests.unit.delivery.scripts import ROOT

GPL_LIBRARIES = {"libx264", "libx265"}


def label(image: str) -> str:
    (found,) = re.findall(
        r'org\.opencontainers\.image\.licenses="([^"]+)"', (ROOT / f"Dockerfile.{image}").read_text(encoding="utf-8")
    )
    return str(found)


def test_the_notices_are_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == build_page(), "run: python -m dev notices"


def test_python_npm_and_rust_parts_are_permissive() -> None:
    parts = [*read_python_parts(), *read_player_parts()]
    assert len(parts) > 50
    assert [part for part in parts if not is_permissive(part.licence)] == []
    crates = read_compiled_parts(read_python_parts())
    assert {"obstore", "pydantic-core", "temporalio"} <= set(crates)
    assert [(name, licence) for name, of in crates.items() for licence in of if not is_permissive(licence)] == []


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [
        ("MIT", True),
        ("GPL-3.0-or-later", False),
        ("GPL-2.0-only OR MIT", True),
        ("Apache-2.0 AND GPL-2.0-only", False),
        ("(GPL-2.0-only OR ISC) AND MIT", True),
        ("ISC AND (GPL-2.0-only OR AGPL-3.0-only)", False),
        ("UNKNOWN", False),
    ],
)
def test_a_choice_counts_and_a_union_does_not(expression: str, permissive: bool) -> None:
    assert is_permissive(expression) is permissive


def test_the_gpl_is_said_where_it_is_and_only_there() -> None:
    """The day that the wheel comes without these libraries, the label, NOTICE and the page are to change."""
    libraries = {name for rows in read_bundled_parts(read_python_parts()).values() for name, _ in rows}
    assert libraries & GPL_LIBRARIES == GPL_LIBRARIES
    assert label("worker") == "Apache-2.0 AND GPL-3.0-or-later"
    assert label("operator") == "Apache-2.0"
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert all(name in notice for name in GPL_LIBRARIES)


def test_the_operator_is_free_of_the_encoders() -> None:
    parts = {part.name for part in read_python_parts() if "operator" in part.images}
    assert "temporalio" in parts
    assert "av" not in parts


def test_the_distribution_and_both_images_carry_the_texts() -> None:
    files = ("LICENSE", "NOTICE", "THIRD-PARTY-NOTICES.md")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["license"] == "Apache-2.0"
    assert set(files) == set(project["project"]["license-files"])
    assert set(files) <= set(project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    for image in ("operator", "worker"):
        text = (ROOT / f"Dockerfile.{image}").read_text(encoding="utf-8")
        assert f"COPY pyproject.toml README.md {' '.join(files)} /src/" in text
        assert "debian-packages.tsv" in text


def test_every_debian_package_that_an_image_names_is_listed() -> None:
    assert {"chromium-headless-shell", "ffmpeg"} <= set(read_debian_packages())


def test_the_replay_page_carries_the_licences_of_what_is_bundled_into_it() -> None:
    built = (ROOT / "worker/video_export_worker/player_dist/LICENSES.txt").read_text(encoding="utf-8")
    for part in read_player_parts():
        assert f"{part.name} {part.version} ({part.licence})" in built
    assert built.count("Permission is hereby granted, free of charge") >= 8
