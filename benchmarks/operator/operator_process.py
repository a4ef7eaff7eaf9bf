"""The operator as a process of its own, watched from outside: CPU time and memory from /proc, metrics over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.waiting import answers, find_free_port, wait_for

TICKS = os.sysconf("SC_CLK_TCK")
PREFIX = "video_export_operator_"
AS_IN_THE_IMAGE = """
import sys
sys.modules["grpc"] = None  # only the stand-in needs it, and temporalio would import it wherever it is installed
from video_export_operator.__main__ import main
main()
"""


class OperatorProcess:
    """`video-export-operator run` with its defaults, leader election included, and the image's environment.

    Args:
        kubeconfig: of the cluster.
        log: file that gets what it says.
        options: further options of the command.
    """

    def __init__(self, kubeconfig: Path, log: Path, *options: str) -> None:
        self.log = log
        self._metrics_port = find_free_port()
        self._command = [sys.executable, "-c", AS_IN_THE_IMAGE, "run", *options]
        self._command += [f"--metrics-port={self._metrics_port}", f"--health-port={find_free_port()}"]
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "MALLOC_ARENA_MAX": "1"}

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def wait_ready(self) -> None:
        """Wait until it has seen what exists."""
        wait_for(lambda: self._lives() and answers(f"{self._url}/readyz"), f"the operator is ready ({self.log})", 120)

    def cpu_seconds(self) -> float:
        """CPU time since its start, of all its threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self, what: str = "VmRSS") -> float:
        """Resident megabytes now, or with "VmHWM" the most there ever were."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{what}:\s+(\d+) kB", text, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by its name and labels, without the common prefix."""
        self._lives()
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if line.startswith(PREFIX))
        return {name.removeprefix(PREFIX): float(value) for name, _, value in samples}

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._metrics_port}"

    def _lives(self) -> bool:
        if self.process.poll() is not None:
            raise SystemExit(f"the operator ended with {self.process.returncode}:\n{self.log.read_text()[-3000:]}")
        return True


def series(samples: dict[str, float], name: str) -> list[float]:
    """Return the values of one metric for all its labels."""
    return [value for sample, value in samples.items() if sample.partition("{")[0] == name]


def share_of_core(before: tuple[float, float], operator: OperatorProcess) -> float:
    """Return the part of one core that was used since `before`, a time and the CPU seconds at it."""
    began, used = before
    return (operator.cpu_seconds() - used) / (time.monotonic() - began)
