"""How many processors and how much memory this process may use: those of the machine, or its container's limit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from video_export_worker.capacity.limits import Capacity

CGROUP: Final = Path("/sys/fs/cgroup")


def read_capacity(slots: int, root: Path = CGROUP) -> Capacity:
    """What a worker of so many slots may use here."""
    return Capacity(memory=count_memory(root), cpus=count_cpus(root), slots=slots)


def count_cpus(root: Path = CGROUP) -> float:
    """Processors; a container's limit may be a fraction."""
    usable = float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(os.cpu_count() or 1)
    return min(usable, _cpus_v2(root) or _cpus_v1(root) or usable)


def count_memory(root: Path = CGROUP) -> int:
    """Bytes of memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = (root / "memory.max", root / "memory" / "memory.limit_in_bytes")
    return min([machine, *(limit for limit in map(_read_number, limits) if limit)])


def _cpus_v2(root: Path) -> float | None:
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _cpus_v1(root: Path) -> float | None:
    quota, period = (_read_number(root / f"cpu/cpu.cfs_{kind}_us") for kind in ("quota", "period"))
    return quota / period if quota and period and quota > 0 else None


def _read_number(path: Path) -> int | None:
    """The number that a file holds, or None if there is none: no file, or `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
