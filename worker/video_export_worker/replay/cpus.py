"""How many browsers this machine, or this container, has processors for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MAX_BROWSERS: Final = 4  # of one export here: each takes some 300 MB
CPUS_OF_BROWSER: Final = 2
CGROUP: Final = Path("/sys/fs/cgroup")


def choose_browsers(slots: int, root: Path = CGROUP) -> int:
    """Browsers for one activity where `slots` of them run at once: one for every two processors that each has.

    A browser and the encoder that follows it keep two processors busy.
    """
    return max(1, min(MAX_BROWSERS, int(count_cpus(root) / slots / CPUS_OF_BROWSER)))


def count_cpus(root: Path = CGROUP) -> float:
    """Processors that this process may use: those of the machine, or its container's limit, which may be a fraction."""
    usable = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(os.cpu_count() or 1)
    return min(usable, _limit_v2(root) or _limit_v1(root) or usable)


def _limit_v2(root: Path) -> float | None:
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _limit_v1(root: Path) -> float | None:
    try:
        quota = int((root / "cpu/cpu.cfs_quota_us").read_text())
        return quota / int((root / "cpu/cpu.cfs_period_us").read_text()) if quota > 0 else None
    except (OSError, ValueError):
        return None
