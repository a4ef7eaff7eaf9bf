"""A real worker process, as a pod would run it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dev.waiting import find_free_port, open_directly
from tests.waiting import PATIENCE, wait_until


@dataclass
class WorkerProcess:
    """A running `video-export worker`."""

    process: subprocess.Popen[bytes]
    name: str
    log: Path
    temporary: Path
    health_port: int
    metrics_port: int

    def text(self) -> str:
        """What the worker has logged."""
        return self.log.read_text(errors="replace")

    def get(self, path: str, host: str = "127.0.0.1") -> str:
        """Ask the metrics port (`/metrics`) or the health port (anything else)."""
        port = self.metrics_port if path == "/metrics" else self.health_port
        with open_directly(f"http://{host}:{port}{path}") as answer:
            return str(answer.read().decode())

    def wait_for_log(self, text: str, timeout: float = PATIENCE) -> None:
        """Wait until the log contains `text`."""

        def said() -> bool:
            assert self.process.poll() is None or text in self.text(), f"the worker ended:\n{self.text()[-3000:]}"
            return text in self.text()

        wait_until(said, f"{self.name} logs {text!r} ({self.log})", timeout)

    def children(self) -> list[str]:
        """Command lines of what it started, directly or not, and what still runs, whether it runs itself or not."""
        return list(self._marked().values())

    def exporting(self) -> dict[int, str]:
        """Ids and command lines of the processes of attempts that write a part now: not of those that wait for one."""
        found = {pid for pid in self._marked() if self._writes_a_part(pid)}
        parents = {int(folder.name): _parent_of(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: _command_of(pid) for pid in found}

    @contextmanager
    def held(self) -> Iterator[dict[int, str]]:
        """Stop what writes a part for the block, so that it cannot end meanwhile, however late somebody looks."""
        exporting = self.exporting()
        for pid in exporting:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield exporting
        finally:
            for pid in exporting:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def below(self) -> dict[int, str]:
        """Ids and command lines of everything that it started, directly or not, whether it works or waits."""
        parents = {int(folder.name): _parent_of(int(folder.name)) for folder in Path("/proc").glob("[0-9]*")}
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return {pid: _command_of(pid) for pid in found - {self.process.pid} | self._marked().keys()}

    def left(self) -> list[Path]:
        """Temporary files that belong to no child that waits."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("video-export-child-")]

    def _marked(self) -> dict[int, str]:
        """What has this worker's folder, or one below it, for temporary files: handed down from process to process."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended while we looked
                if int(folder.name) != self.process.pid and mark in (folder / "environ").read_bytes():
                    found[int(folder.name)] = _command_of(int(folder.name))
        return found

    def _writes_a_part(self, pid: int) -> bool:
        with suppress(OSError):
            names = [entry.readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()]
            return any(name.is_relative_to(self.temporary) and name.name.startswith("part.") for name in names)
        return False

    def ask_to_stop(self) -> None:
        """Send SIGTERM, as the kubelet does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for its end; answers the exit code."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """End the worker and all it started at once, as a node that dies."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


def _parent_of(pid: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    return None


def _command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


@contextmanager
def running_worker(
    directory: Path,
    queue: str,
    environment: Mapping[str, str],
    *,
    name: str = "worker-1",
    metrics_port: int | None = None,
    program: tuple[str, ...] = ("-m", "video_export_worker"),
) -> Iterator[WorkerProcess]:
    """A worker that takes exports from `queue`; whatever is left of it is killed at the end.

    Args:
        directory: for its log and temporary files.
        queue: task queue.
        environment: settings of the worker beside the ports and its name.
        name: what it calls itself.
        metrics_port: by default a free one.
        program: how Python starts it.
    """
    temporary = directory / f"{name}-tmp"
    temporary.mkdir()
    health, metrics = find_free_port(), metrics_port or find_free_port()
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("VIDEO_EXPORT_", "TEMPORAL_"))},
        "VIDEO_EXPORT_HEALTH_PORT": str(health),
        "POD_NAME": name,
        "TMPDIR": str(temporary),
        **environment,
    }
    log = directory / f"{name}.log"
    command = [sys.executable, *program, "worker", "--task-queue", queue, "--metrics-port", str(metrics)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=variables, stdout=file, stderr=file, start_new_session=True)
    worker = WorkerProcess(process, name, log, temporary, health, metrics)
    try:
        yield worker
    finally:
        if process.poll() is None:
            worker.kill()
