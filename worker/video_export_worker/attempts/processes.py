"""The processes of an attempt, as /proc shows them: which they are, what memory they take, and how all of them end.

A child is known by its id. What it starts is found by parentage, and by the folder of temporary files that each process
inherits in its environment (TMPDIR): so a process whose parent has gone, and one that another process started on the
child's behalf (its browser), is found as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
KILL_TIMEOUT: Final = 5.0  # seconds; a process that the kernel cannot end sooner waits for a device
LOOK_AGAIN: Final = 0.01
# Memory that belongs to a process: pages of files can be given back, and most of them are shared.
OWN_MEMORY: Final = ("RssAnon:", "RssShmem:")
SHARED_OUT: Final = ("Pss_Anon:", "Pss_Shmem:")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    began: int  # clock ticks since the machine's start


@dataclass
class ProcessTree:
    """The processes of one attempt.

    Attributes:
        root: id of the child.
        folder: its folder of temporary files, which no other attempt has.
    """

    root: int
    folder: Path
    _began: int | None = field(init=False)  # when the child did: its id may be given to another process after it
    _marked: dict[tuple[int, int], bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        child = _look_at(str(self.root))
        self._began = None if child is None else child.began

    def members(self) -> list[int]:
        """Ids of the child and of everything that belongs to it and still runs."""
        found = {process.pid: process for process in _processes()}
        known = {pid for pid, process in found.items() if self._is_child(process) or self._is_marked(process)}
        while more := {process.pid for process in found.values() if process.parent in known} - known:
            known |= more
        return sorted(known & found.keys())

    def memory(self, at_least: int = 0) -> int:
        """Bytes that the processes take; what several of them share counts once.

        Args:
            at_least: a sum that is not more than this is told as it is, with shared memory counted by each process:
                the exact one costs the kernel a walk over every page.
        """
        members = self.members()
        quick = sum(_sum_of(pid, "status", OWN_MEMORY) for pid in members)
        if quick <= at_least:
            return quick
        return sum(_sum_of(pid, "smaps_rollup", SHARED_OUT) or _sum_of(pid, "status", OWN_MEMORY) for pid in members)

    async def end(self) -> None:
        """Kill every process, until none is left."""
        deadline = time.monotonic() + KILL_TIMEOUT
        while (members := self.members()) and time.monotonic() < deadline:
            for pid in members:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(LOOK_AGAIN)

    def _is_child(self, process: _Process) -> bool:
        return process.pid == self.root and process.began == self._began

    def _is_marked(self, process: _Process) -> bool:
        """Whether the process has this attempt's folder in its environment, which it has since it began."""
        key = process.pid, process.began
        if key not in self._marked:
            self._marked[key] = _has_variable(process.pid, b"TMPDIR=" + os.fsencode(self.folder))
        return self._marked[key]


def _processes() -> Iterator[_Process]:
    for name in os.listdir(PROC):
        if name.isdecimal() and (process := _look_at(name)) is not None:
            yield process


def _look_at(name: str) -> _Process | None:
    """The process of this id, unless it has ended."""
    try:
        # After the name, which may hold anything: state, parent ... and, as the 20th, when it began.
        fields = (PROC / name / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else _Process(int(name), int(fields[1]), int(fields[19]))


def _has_variable(pid: int, variable: bytes) -> bool:
    try:
        return variable in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _sum_of(pid: int, file: str, names: Collection[str]) -> int:
    """Bytes: the sum of some lines of a file of this process, or 0 if it is gone or may not be looked at."""
    try:
        lines = (PROC / str(pid) / file).read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(tuple(names)))
