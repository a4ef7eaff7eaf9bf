"""Prometheus' promtool, out of Debian's package, which is not installed: it would start a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from dev.errors import DevError
from dev.kubernetes_binaries import exclusive
from dev.places import cache_directory
from dev.steps import run, step


def find_promtool() -> Path | None:
    """Return the program of the path, or the one that was unpacked, without fetching anything."""
    own = shutil.which("promtool")
    unpacked = _unpacked()
    return Path(own) if own else unpacked if os.access(unpacked, os.X_OK) else None


def ensure_promtool() -> Path:
    """Return the program; fetch the distribution's package `prometheus` and take it out if it is not there.

    Raises:
        DevError: the distribution has no such package.
    """
    with exclusive(cache_directory() / "promtool.lock"):
        return find_promtool() or _unpack()


def _unpacked() -> Path:
    return cache_directory() / "promtool"


def _unpack() -> Path:
    with step("Fetching promtool"), tempfile.TemporaryDirectory(dir=cache_directory()) as folder:
        # As its own user apt could not write here.
        fetched = subprocess.run(
            ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "prometheus"], cwd=folder, check=False
        )
        packages = list(Path(folder).glob("*.deb"))
        if fetched.returncode or not packages:
            raise DevError("no package `prometheus`: run `apt-get update`, or put promtool on the PATH")
        run(["dpkg-deb", "--extract", packages[0], f"{folder}/package"])
        (Path(folder) / "package/usr/bin/promtool").rename(_unpacked())
    return _unpacked()
