"""The real servers that tests talk to: a Temporal development server and an S3 server.

    with running_temporal(directory) as temporal:
        client = await Client.connect(temporal.address)
    with running_s3(directory) as s3:
        store = obstore.store.from_url(s3.uri, config=s3.environment)

Each is a process of its own on a free port of 127.0.0.1 with its log in `directory`, and is ended by its id.
`Server.stop`, `start`, `freeze` and `thaw` make the faults: the address stays the same.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from obstore.store import S3Store

from dev.temporal_server import serves
from dev.waiting import find_free_port
from tests.requirements import require
from tests.waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from obstore.store import S3Config

ACCESS_KEY = "test-access-key"
SECRET_KEY = "test-secret-key"
BUCKET = "exports"
INHERITED = dict(os.environ)
"""What servers get of this process: pytest changes the environment while another thread starts one."""


def find_program(name: str) -> str:
    """The program's path: beside the Python that runs the tests, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    require(found, f"{name} is missing: `make setup` installs it")
    return str(found)


@dataclass
class Server:
    """A process that listens on a port of 127.0.0.1."""

    command: Sequence[str]
    port: int
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"127.0.0.1:{self.port}"

    def start(self, timeout: float = PATIENCE) -> None:
        """Start the process and wait until its port answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**INHERITED, **self.environment},
            )
        wait_until(self._listens, f"{self.command[0]} listens on {self.address} (log: {self.log})", timeout)

    def _listens(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise AssertionError(f"{self.command[0]} ended with {self.process.returncode}:\n{tail}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait until it is gone."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)  # a frozen process ignores the request to end
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def freeze(self) -> None:
        """Keep the port open and answer nothing, from the moment this returns."""
        assert self.process is not None
        freeze(self.process)

    def thaw(self) -> None:
        """Go on where `freeze` stopped."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


def freeze(process: subprocess.Popen[bytes]) -> None:
    """Stop a child where it is, and return when its last thread has stopped: the signal alone only asks for it."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


@dataclass
class TemporalServer(Server):
    """A Temporal development server; its data is gone with it unless `database` is given."""

    namespace: str = "default"

    def start(self, timeout: float = PATIENCE) -> None:
        """Start the process and wait until it serves: its port opens, and it calls itself unhealthy, before that."""
        super().start(timeout)
        wait_until(lambda: serves(self.address), f"Temporal at {self.address} serves (log: {self.log})", timeout)


@dataclass
class S3Server(Server):
    """An S3 server whose buckets are the folders below `root`."""

    root: Path = Path()
    bucket: str = BUCKET

    @property
    def uri(self) -> str:
        """The bucket's URI."""
        return f"s3://{self.bucket}"

    @property
    def credentials(self) -> dict[str, str]:
        """The environment with which a client reaches this server."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_ENDPOINT": f"http://{self.address}",
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def put(self, key: str, data: bytes) -> str:
        """Store an object; answers its URI."""
        config = cast("S3Config", self.credentials)
        S3Store(self.bucket, config=config).put(key, data)
        return f"{self.uri}/{key}"

    def objects(self, prefix: str = "") -> list[str]:
        """Keys of the bucket that start with `prefix`, sorted. Names that the server hides are left out."""
        folder = self.root / self.bucket
        keys = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        return sorted(key for key in keys if key.startswith(prefix) and ".rclone_temp_put_" not in key)


@contextmanager
def running_temporal(
    directory: Path,
    *,
    port: int | None = None,
    database: Path | None = None,
    dynamic_config: Mapping[str, Any] | None = None,
) -> Iterator[TemporalServer]:
    """A Temporal server that answers, ended with the block.

    Args:
        directory: where the log goes.
        port: by default a free one.
        database: file that keeps executions over `stop` and `start`.
        dynamic_config: settings of the server, as JSON texts or numbers by key.
    """
    port = port or find_free_port()
    command = [find_program("temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1"]
    command += ["--port", str(port), "--log-level", "warn"]
    command += ["--db-filename", str(database)] if database else []
    for key, value in (dynamic_config or {}).items():
        command += ["--dynamic-config-value", f"{key}={value}"]
    server = TemporalServer(command, port, directory / f"temporal-{port}.log")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_s3(directory: Path, *, bucket: str = BUCKET) -> Iterator[S3Server]:
    """An S3 server with one bucket that accepts only `ACCESS_KEY`, ended with the block."""
    port = find_free_port()
    root = directory / f"s3-{port}"
    (root / bucket).mkdir(parents=True)
    command = [find_program("rclone"), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", "--config", "", str(root)]
    server = S3Server(command, port, directory / f"s3-{port}.log", root=root, bucket=bucket)
    try:
        server.start()
        yield server
    finally:
        server.stop()
