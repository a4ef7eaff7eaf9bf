"""What a release needs of the tree: one version everywhere, notes of the change log, charts with real image names.

Usage:
    release.py check vX.Y.Z           fails unless everything says this version and the change log describes it
    release.py notes vX.Y.Z           prints what the change log says about it
    release.py charts REGISTRY FOLDER packages both charts into FOLDER, with the images of REGISTRY (host/owner)

Standard library alone, and helm for the charts: it runs before anything is installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CHARTS: Final = ("video-export-operator", "temporal-worker-video-export")
PLACEHOLDER: Final = "ghcr.io/example"
"""The registry that stands in this tree for that of whoever releases."""
REGISTRY: Final = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*")
VERSIONS: Final = (
    ("pyproject.toml", r'^version = "(.+)"$'),
    ("Dockerfile.operator", r"^ARG VERSION=(.+)$"),
    ("Dockerfile.worker", r"^ARG VERSION=(.+)$"),
    ("worker/player/package.json", r'^  "version": "(.+)",$'),
    *((f"charts/{chart}/Chart.yaml", rf"^{key}: (.+)$") for chart in CHARTS for key in ("version", "appVersion")),
)
"""Where the version is written, and how it is found there."""


def read_versions(root: Path) -> dict[str, str]:
    """Return the version that each place says, by the name of the place."""
    found = {}
    for name, pattern in VERSIONS:
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[f"{name} ({pattern.split('(')[0].strip('^ ')})"] = match[1].strip('"') if match else ""
    return found


def read_notes(changelog: str, version: str) -> str:
    """Return what stands under `## [version] - date` of a change log, nothing if it has no such heading."""
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    return found[1].strip() if found else ""


def find_problems(root: Path, tag: str) -> list[str]:
    """Tell what keeps the tree from being released under a tag."""
    version = tag.removeprefix("v")
    wrong = [
        f"{place} says {said!r}, not {version!r}" for place, said in read_versions(root).items() if said != version
    ]
    if not read_notes((root / "CHANGELOG.md").read_text(encoding="utf-8"), version):
        wrong.append(f"CHANGELOG.md has no heading '## [{version}] - YYYY-MM-DD' with notes under it")
    return wrong


def stage_chart(source: Path, target: Path, registry: str) -> None:
    """Copy a chart, with the files that links of it lead to, and put the registry in place of the placeholder."""
    shutil.copytree(source, target)
    for path in target.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(PLACEHOLDER, registry), encoding="utf-8")


def package_charts(registry: str, folder: Path, helm: str = "helm") -> None:
    """Package both charts."""
    name = registry.lower()
    if not REGISTRY.fullmatch(name):
        raise SystemExit(f"release: {registry!r} is no registry with an owner, such as {PLACEHOLDER}")
    with tempfile.TemporaryDirectory() as stage:
        for chart in CHARTS:
            stage_chart(ROOT / "charts" / chart, Path(stage, chart), name)
            subprocess.run([helm, "package", str(Path(stage, chart)), "--destination", str(folder)], check=True)


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    match arguments:
        case ["check", tag]:
            if problems := find_problems(ROOT, tag):
                raise SystemExit("\n".join([f"release: {tag} cannot be released:", *problems]))
        case ["notes", tag]:
            print(read_notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), tag.removeprefix("v")))
        case ["charts", registry, folder]:
            package_charts(registry, Path(folder))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
