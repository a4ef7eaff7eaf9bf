"""What a command's processes cost: memory and processor time, by the part that each plays."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

SAMPLE: Final = 0.2  # seconds between two looks
TICKS: Final = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def feed(command: list[str]) -> Iterator[IO[bytes]]:
    """The standard input of a command, whose end is awaited."""
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        yield process.stdin
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")


def measure(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a command that prints a JSON report; return the report, seconds and megabytes.

    Processor time that a process spends between the last look and its end is in the sum, but not in the parts.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    watcher = _Watcher(process.pid)
    watcher.start()
    printed, _ = process.communicate()
    wall = time.monotonic() - began
    watcher.stop()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": wall,
        # Chromium's processes are children of nobody that waits for them: what was seen of them counts.
        "cpu_s": max(cpu, sum(watcher.cpu_by_part.values())),
        "peak_rss_mb": watcher.peak_mb,
        "cpu_by_part": watcher.cpu_by_part,
        "report": json.loads(printed),
    }


class _Watcher(threading.Thread):
    """Looks at a process and everything below it until it is stopped."""

    def __init__(self, leader: int) -> None:
        super().__init__()
        self._leader = leader
        self._ended = threading.Event()
        self._cpu: dict[int, tuple[str, float]] = {}
        self.peak_mb = 0.0

    @property
    def cpu_by_part(self) -> dict[str, float]:
        """Processor seconds of each part."""
        parts: dict[str, float] = {}
        for part, seconds in self._cpu.values():
            parts[part] = parts.get(part, 0.0) + seconds
        return parts

    def run(self) -> None:
        """Look now and then."""
        while not self._ended.wait(SAMPLE):
            family = family_of(self._leader)
            self.peak_mb = max(self.peak_mb, sum(map(proportional_mb, family)))
            for process in family:
                seen = _part_and_cpu(process)
                if seen is not None:
                    self._cpu[process] = seen

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def family_of(leader: int) -> set[int]:
    """A process and everything below it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    family = {leader}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def cpu_seconds() -> float:
    """Processor seconds of this process and everything below it that still runs."""
    found = (_part_and_cpu(process) for process in family_of(os.getpid()))
    return sum(seen[1] for seen in found if seen is not None)


def proportional_mb(process: int) -> float:
    """Resident megabytes; what several processes share is counted in parts."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def _part_and_cpu(process: int) -> tuple[str, float] | None:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    name = Path(words[0]).name
    kind = next((word.removeprefix("--type=") for word in words if word.startswith("--type=")), "browser")
    part = f"Chromium {kind}" if "headless" in name else name.rstrip("0123456789.")
    return part, (int(fields[11]) + int(fields[12])) / TICKS
