"""Decide from the changed paths which images a push affects.

Usage: `affected_images.py BEFORE AFTER` with two commits. One line for each image, `operator=true` or
`operator=false`, in the form of GitHub's step outputs. Standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

# What each Dockerfile copies into its image. A name that ends in "/" stands for everything below it.
IMAGE_SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "operator": (
        "Dockerfile.operator",
        ".dockerignore",
        "pyproject.toml",
        "NOTICE",
        "THIRD-PARTY-NOTICES.md",
        "requirements/build.txt",
        "requirements/operator.txt",
        "operator/",
    ),
    "worker": (
        "Dockerfile.worker",
        ".dockerignore",
        "pyproject.toml",
        "NOTICE",
        "THIRD-PARTY-NOTICES.md",
        "requirements/build.txt",
        "requirements/worker.txt",
        "worker/",
    ),
}


def decide_affected(changed: Iterable[str]) -> dict[str, bool]:
    """Tell for each image whether one of the changed paths is part of it."""
    paths = list(changed)
    return {
        image: any(is_source(path, source) for path in paths for source in sources)
        for image, sources in IMAGE_SOURCES.items()
    }


def is_source(path: str, source: str) -> bool:
    """Whether `path` is the file `source`, or lies below it if it names a folder."""
    return path.startswith(source) if source.endswith("/") else path == source


def fetch_changed(before: str, after: str, repository: Path) -> list[str] | None:
    """Read the paths that differ between two commits, or None where that cannot be known.

    Before the first run that succeeds there is no commit to compare with, and a forced push may have removed it.
    Renames are not followed: a file that left an image has changed that image too.
    """
    if not before.strip("0") or not _has_commit(before, repository):
        return None
    if not _has_commit(after, repository):
        raise SystemExit(f"affected_images: no commit {after!r} in {repository}: check out with the whole history")
    diff = _git("diff", "--name-only", "--no-renames", "-z", before, after, repository=repository)
    return [path for path in diff.stdout.split("\0") if path]


def _has_commit(commit: str, repository: Path) -> bool:
    return _git("cat-file", "-e", f"{commit}^{{commit}}", repository=repository, check=False).returncode == 0


def _git(*arguments: str, repository: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=repository, check=check, capture_output=True, text=True)


def main(arguments: list[str]) -> None:
    """Print the decision for `BEFORE AFTER`."""
    if len(arguments) != 2:
        raise SystemExit("usage: affected_images.py BEFORE AFTER (two commits; BEFORE may be empty)")
    before, after = arguments
    changed = fetch_changed(before, after, Path.cwd())
    if changed is None:
        print("affected_images: the commit before is not known, so every image counts as affected", file=sys.stderr)
    affected = dict.fromkeys(IMAGE_SOURCES, True) if changed is None else decide_affected(changed)
    for image, value in affected.items():
        print(f"{image}={str(value).lower()}")


if __name__ == "__main__":
    main(sys.argv[1:])
