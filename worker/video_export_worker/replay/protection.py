"""Whether Chromium's own sandbox stands between a recording and the worker's container."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ON: Final = "Chromium's own sandbox is on"
OFF: Final = (
    "Chromium's own sandbox is off: the container is the only one "
    "(docs/security.md says how a seccomp profile switches it on)"
)
# A program of its own tries it: what it enters, it cannot leave. The number is CLONE_NEWUSER, see unshare(2).
_TRY: Final = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"


def can_sandbox() -> bool:
    """Whether a browser of this user can have a sandbox here: user namespaces are allowed, and this is not root."""
    if os.geteuid() == 0:
        return False
    return subprocess.run([sys.executable, "-c", _TRY], check=False, capture_output=True).returncode == 0


def is_sandboxed(process: int) -> bool:
    """Whether a renderer process is in Chromium's sandbox, which has process ids of its own."""
    return _count_namespaces(str(process)) > _count_namespaces("self")


def _count_namespaces(process: str) -> int:
    """In how many nested namespaces the process has an id, as seen from here."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        name, _, ids = line.partition(":")
        if name == "NSpid":
            return len(ids.split())
    return 1
