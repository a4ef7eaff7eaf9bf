"""A Temporal server for one machine; its data is gone with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.processes import Process
from dev.waiting import listens

PORT = 7233
PROGRAM = Path(sys.executable).with_name("temporal")


def temporal_server(directory: Path, host: str = "127.0.0.1", port: int = PORT) -> Process:
    """Return the server; start it with `start_temporal`."""
    command = [str(PROGRAM), "server", "start-dev", "--headless", "--ip", host, "--port", str(port)]
    return Process("temporal", [*command, "--log-level", "warn"], directory)


def start_temporal(directory: Path, host: str = "127.0.0.1", port: int = PORT) -> str:
    """Start the server, wait until it serves, return its address."""
    server = temporal_server(directory, host, port)
    server.start()
    address = f"{host}:{port}"
    server.wait_ready(lambda: serves(address))
    return address


def serves(address: str) -> bool:
    """Whether the default namespace can be described: the port opens a moment before that."""
    if not listens(address):
        return False
    command = [str(PROGRAM), "operator", "namespace", "describe", "default", "--address", address]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
