"""What a release needs of the tree: one version everywhere, notes of the change log, real names.

Usage:
    release.py check vX.Y.Z  fails unless everything says this version and the change log describes it
    release.py notes vX.Y.Z  prints what the change log says about it
    release.py plugin vX.Y.Z REPOSITORY ARCHIVE  prints the manifest by which krew installs the plugin of kubectl
    release.py own REGISTRY REPOSITORY  puts both names (host/owner, owner/name) in place of those with `example`

Standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
CHARTS: Final = ("video-export-operator", "temporal-worker-video-export")
REGISTRY: Final = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*")
REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+")
EXAMPLE_REGISTRY: Final = "ghcr.io/example"
EXAMPLE_REPOSITORY: Final = "github.com/example/video-export-operator"
"""What stands in this tree for the names of whoever releases."""
SHIPPED: Final = ("README.md", "pyproject.toml", "charts", "examples")
"""What a release ships and where these names are: files, and folders with everything below them."""
PLUGIN: Final = """apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: vew
spec:
  version: {tag}
  homepage: {home}
  shortDescription: Look at VideoExportWorkers and their exports
  description: |
    Shows the size of VideoExportWorkers and why they have it, what a manifest
    would change, and the exports that Temporal knows of; pauses and resumes
    their scaling.
  platforms:
    - selector:
        matchExpressions:
          - {{key: os, operator: In, values: [linux, darwin]}}
      uri: {uri}
      sha256: {digest}
      bin: kubectl-vew
"""
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


def own(root: Path, registry: str, repository: str) -> None:
    """Put real names in place of the examples, in everything that a release ships.

    Raises:
        SystemExit: a name is none; nothing was changed.
    """
    registry = registry.lower()
    if not REGISTRY.fullmatch(registry):
        raise SystemExit(f"release: {registry!r} is no registry with an owner, such as {EXAMPLE_REGISTRY}")
    if not REPOSITORY.fullmatch(repository):
        raise SystemExit(f"release: {repository!r} is no owner/name of a repository")
    for path in find_shipped(root):
        text = path.read_text(encoding="utf-8")
        named = text.replace(EXAMPLE_REGISTRY, registry).replace(EXAMPLE_REPOSITORY, f"github.com/{repository}")
        if path == root / "README.md":
            named = lead_to(repository, named)
        if named != text:
            path.write_text(named, encoding="utf-8")


def lead_to(repository: str, readme: str) -> str:
    """Let what the README refers to be found from elsewhere: the package index shows it without the files beside it."""
    base = f"https://github.com/{repository}"
    return re.sub(
        r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)",
        lambda link: f"{link[1]}[{link[2]}]({base}/{'raw' if link[1] else 'blob'}/HEAD/{link[3]})",
        readme,
    )


def build_plugin_manifest(tag: str, repository: str, archive: Path) -> str:
    """Return the manifest of the plugin for krew, kubectl's plugin manager."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    home = f"https://github.com/{repository}"
    return PLUGIN.format(tag=tag, home=home, uri=f"{home}/releases/download/{tag}/{archive.name}", digest=digest)


def find_shipped(root: Path) -> list[Path]:
    """Return the files in which names are put. What a link leads to, the definition, is not changed by a release."""
    return [
        path
        for name in SHIPPED
        for path in ([root / name] if (root / name).is_file() else sorted((root / name).rglob("*")))
        if path.is_file() and not path.is_symlink()
    ]


def main(arguments: list[str]) -> None:
    """Do what the command line asks for."""
    match arguments:
        case ["check", tag]:
            if problems := find_problems(ROOT, tag):
                raise SystemExit("\n".join([f"release: {tag} cannot be released:", *problems]))
        case ["notes", tag]:
            print(read_notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), tag.removeprefix("v")))
        case ["plugin", tag, repository, archive]:
            print(build_plugin_manifest(tag, repository, Path(archive)), end="")
        case ["own", registry, repository]:
            own(ROOT, registry, repository)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
