"""Programs out of Debian's packages, which are not installed: they would start a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dev.errors import DevError
from dev.kubernetes_binaries import exclusive
from dev.places import cache_directory
from dev.steps import run, step


@dataclass(frozen=True)
class DebianProgram:
    """A program of `/usr/bin` and the package that has it."""

    name: str
    package: str

    def find(self) -> Path | None:
        """Return the program of the path, or the one that was unpacked, without fetching anything."""
        own = shutil.which(self.name)
        return Path(own) if own else self._unpacked if os.access(self._unpacked, os.X_OK) else None

    def ensure(self) -> Path:
        """Return the program; fetch its package and take it out if it is not there.

        Raises:
            DevError: the distribution has no such package.
        """
        with exclusive(cache_directory() / f"{self.name}.lock"):
            return self.find() or self._unpack()

    @property
    def _unpacked(self) -> Path:
        return cache_directory() / self.name

    def _unpack(self) -> Path:
        with step(f"Fetching {self.name}"), tempfile.TemporaryDirectory(dir=cache_directory()) as folder:
            # As its own user apt could not write here.
            fetched = subprocess.run(
                ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", self.package], cwd=folder, check=False
            )
            packages = list(Path(folder).glob("*.deb"))
            if fetched.returncode or not packages:
                raise DevError(f"no package `{self.package}`: run `apt-get update`, or put {self.name} on the PATH")
            run(["dpkg-deb", "--extract", packages[0], f"{folder}/package"])
            (Path(folder) / "package/usr/bin" / self.name).rename(self._unpacked)
        return self._unpacked


PROMTOOL = DebianProgram("promtool", "prometheus")
"""Prometheus' own check of rules."""

REGISTRY = DebianProgram("docker-registry", "docker-registry")
"""CNCF's Distribution: the registry that `docker push` and a node talk to."""
