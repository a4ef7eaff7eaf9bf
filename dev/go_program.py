"""A program of somebody else's that is built once from a Go module of its own under `dev/`."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from dev.go_toolchain import BUILDING, ensure_go
from dev.kubernetes_binaries import exclusive
from dev.places import CHECKOUT, cache_directory
from dev.steps import run, step


@dataclass(frozen=True)
class GoProgram:
    """A program, the folder of `dev/` whose go.mod and go.sum lock it, its package, and what a build of it says."""

    name: str
    folder: str
    package: str
    title: str

    def find(self) -> Path | None:
        """Return the program, without building anything."""
        program = self._built() / self.name
        return program if os.access(program, os.X_OK) else None

    def ensure(self) -> Path:
        """Return the program; build it if it is not there."""
        with exclusive(cache_directory() / self.folder / "lock"):
            if not self.find():
                self._build(self._built())
        return self._built() / self.name

    @property
    def _sources(self) -> Path:
        return CHECKOUT / "dev" / self.folder

    def _built(self) -> Path:
        """Where the build of the present sources lies."""
        digest = hashlib.sha256(platform.machine().encode())
        for name in ("go.mod", "go.sum"):
            digest.update((self._sources / name).read_bytes())
        return cache_directory() / self.folder / digest.hexdigest()[:16]

    def _build(self, target: Path) -> None:
        """Compile the program; the folder appears only when it is complete."""
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        log = partial / "build.log"
        with step(self.title, log):
            flags = ["-v", "-trimpath", "-ldflags", "-s -w", "-o", str(partial / self.name)]
            command = [str(ensure_go(self._sources)), "build", *flags, self.package]
            run(command, environment=BUILDING, directory=self._sources, log=log)
        partial.rename(target)


TEMPORAL_SERVER = GoProgram(
    "temporal-server",
    "temporal",
    "go.temporal.io/server/cmd/server",
    "Building a Temporal server with TLS (once; 4 minutes on two cores)",
)
"""The server's own program, with TLS and authorization, which the development server of `temporal` has not."""

ACTIONLINT = GoProgram(
    "actionlint",
    "actionlint",
    "github.com/rhysd/actionlint/cmd/actionlint",
    "Building actionlint (once; half a minute)",
)
"""The linter of GitHub's workflows."""
