"""A Temporal server for one machine; its data is gone with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dev.processes import Process
from dev.waiting import listens

PORT = 7233
LOOPBACK = "127.0.0.1"
UI = f"http://{LOOPBACK}:{PORT + 1000}/namespaces/default/workflows"
"""Where a browser shows the workflows of a server on the usual port."""
RELAY = "temporal-relay"
PROGRAM = Path(sys.executable).with_name("temporal")


def temporal_server(directory: Path, port: int = PORT) -> Process:
    """Return the server on 127.0.0.1, with its UI on a port a thousand above; start it with `start_temporal`."""
    ports = ["--port", str(port), "--ui-port", str(port + 1000)]
    command = [str(PROGRAM), "server", "start-dev", "--ip", LOOPBACK, *ports, "--log-level", "warn"]
    return Process("temporal", command, directory)


def start_temporal(directory: Path, also_at: str | None = None, port: int = PORT) -> None:
    """Start the server and wait until it serves, at a second address of the machine as well if one is given."""
    server = temporal_server(directory, port)
    server.start()
    server.wait_ready(lambda: serves(f"{LOOPBACK}:{port}"))
    if also_at is None:
        return
    address = f"{also_at}:{port}"
    relay = Process(RELAY, [sys.executable, "-m", "dev.relay", address, f"{LOOPBACK}:{port}"], directory)
    relay.start()
    relay.wait_ready(lambda: serves(address))


def serves(address: str) -> bool:
    """Whether a task queue of the default namespace can be described: the port opens some moments before that."""
    if not listens(address):
        return False
    command = [str(PROGRAM), "task-queue", "describe", "--task-queue", "any", "--address", address]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
