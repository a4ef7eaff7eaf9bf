"""The Temporal server's own program, with TLS and authorization: found, or built once from the module `dev/temporal`.

The development server of the `temporal` command, which everything else here uses, can do neither.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from pathlib import Path

from dev.go_toolchain import BUILDING, ensure_go
from dev.kubernetes_binaries import exclusive
from dev.places import CHECKOUT, cache_directory
from dev.steps import run, step

SOURCES = CHECKOUT / "dev" / "temporal"
PACKAGE = "go.temporal.io/server/cmd/server"


def find_temporal_server() -> Path | None:
    """Return the program, without building anything."""
    program = _built() / "temporal-server"
    return program if os.access(program, os.X_OK) else None


def ensure_temporal_server() -> Path:
    """Return the program; build it if it is not there (4 minutes on two cores)."""
    with exclusive(cache_directory() / "temporal" / "lock"):
        if not find_temporal_server():
            _build(_built())
    return _built() / "temporal-server"


def _built() -> Path:
    """Where the build of the present sources lies."""
    digest = hashlib.sha256(platform.machine().encode())
    for name in ("go.mod", "go.sum"):
        digest.update((SOURCES / name).read_bytes())
    return cache_directory() / "temporal" / digest.hexdigest()[:16]


def _build(target: Path) -> None:
    """Compile the program; the folder appears only when it is complete."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    log = partial / "build.log"
    with step("Building a Temporal server with TLS (once; 4 minutes on two cores)", log):
        flags = ["-v", "-trimpath", "-ldflags", "-s -w", "-o", str(partial / "temporal-server")]
        run([str(ensure_go(SOURCES)), "build", *flags, PACKAGE], environment=BUILDING, directory=SOURCES, log=log)
    partial.rename(target)
