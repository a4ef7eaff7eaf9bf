"""Processes that outlive the command that starts them: log, process id file, readiness, end.

A process is known by its id and its start time, so that a later process with the same id is never taken for it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dev.errors import MissingError, NotReadyError
from dev.waiting import wait_for

TAIL = 2000  # characters of a log that an error shows


@dataclass
class Process:
    """One program, its log `NAME.log` and its id file `NAME.pid` in `directory`.

    Args:
        bound: the process ends with the one that starts it, however that ends (for tests).
        end: the signal that asks it to end.
        patience: seconds from that signal to a kill.
    """

    name: str
    command: Sequence[str | Path]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    bound: bool = False
    end: signal.Signals = signal.SIGTERM
    patience: float = 10

    @property
    def log(self) -> Path:
        """Both outputs of the process."""
        return self.directory / f"{self.name}.log"

    @property
    def id_file(self) -> Path:
        """Where the process id is kept."""
        return self.directory / f"{self.name}.pid"

    @property
    def pid(self) -> int | None:
        """The id, if the process runs."""
        return running_pid(self.id_file)

    def start(self) -> None:
        """Start the process unless it runs."""
        if self.pid is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = [str(part) for part in self.command]
        if self.bound:
            arguments = ["setpriv", "--pdeathsig", "KILL", "--", *arguments]
        with self.log.open("ab") as log:
            try:
                child = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self.environment},
                    start_new_session=True,
                )
            except FileNotFoundError as missing:
                raise MissingError(f"{arguments[0]} is missing; `make setup` installs what this needs") from missing
        self.id_file.write_text(f"{child.pid} {_start_time(child.pid)}\n")

    def wait_ready(self, ready: Callable[[], object], timeout: float = 60) -> None:
        """Wait until `ready` is true; a process that ends before that is an error with its log."""

        def look() -> bool:
            if self.pid is None:
                tail = self.log.read_text(errors="replace")[-TAIL:]
                raise NotReadyError(f"{self.name} ended before it was ready (log: {self.log}):\n{tail}")
            return bool(ready())

        wait_for(look, f"{self.name} is ready (log: {self.log})", timeout)

    def send(self, what: signal.Signals) -> None:
        """Send a signal, for example SIGSTOP and SIGCONT to freeze and thaw."""
        if (pid := self.pid) is not None:
            os.kill(pid, what)

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        stop_recorded(self.id_file, self.end, self.patience)


def running_pid(id_file: Path) -> int | None:
    """Return the id in the file, if that very process still runs."""
    try:
        pid, started = id_file.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    _reap(int(pid))
    return int(pid) if _start_time(int(pid)) == started else None


def stop_recorded(id_file: Path, end: signal.Signals = signal.SIGTERM, patience: float = 10) -> None:
    """End the process that an id file names, by a kill if it has not ended after `patience` seconds."""
    pid = running_pid(id_file)
    if pid is not None:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(descriptor, end)
                signal.pidfd_send_signal(descriptor, signal.SIGCONT)  # a frozen one takes no request to end
                if not _ended(descriptor, patience):
                    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                    _ended(descriptor, 10)
            finally:
                os.close(descriptor)
        _reap(pid)
    id_file.unlink(missing_ok=True)


def _ended(descriptor: int, timeout: float) -> bool:
    """Whether the process of a pidfd ends within `timeout` seconds."""
    return bool(select.select([descriptor], [], [], timeout)[0])


def _reap(pid: int) -> None:
    """Collect the exit status, if the process is a child of ours and has ended."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _start_time(pid: int) -> str | None:
    """Ticks from boot to the start of a living process: field 22 of /proc/PID/stat (field 3 is the state)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
