"""The calls of Linux that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG, prctl(2)
_SET_DUMPABLE: Final = 4  # PR_SET_DUMPABLE
_KILL_FIRST: Final = 800  # oom_score_adj: before the worker (0) and before Chromium's renderers (300)

_control = ctypes.CDLL(None, use_errno=True).prctl


def die_with(parent: int) -> None:
    """End this process by SIGKILL when its parent ends; at once if that has happened already.

    Args:
        parent: id of the process that started this one.
    """
    if _control(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def hide_memory() -> None:
    """Keep other processes of the same user from reading this one's memory and environment, which hold secrets.

    What this process starts is not hidden: a program that begins anew (execve) can be read again.
    """
    if _control(_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")


def offer_to_the_oom_killer() -> None:
    """Let the kernel end this process and what it starts before others, where the container's memory runs out."""
    Path("/proc/self/oom_score_adj").write_text(str(_KILL_FIRST))
