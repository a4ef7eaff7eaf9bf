"""An S3 server for one machine: buckets are folders, so the videos can be opened where they lie."""

from __future__ import annotations

import sys
from pathlib import Path

from dev.processes import Process
from dev.waiting import listens

PORT = 9000
BUCKET = "exports"
ACCESS_KEY = "local-access-key"
SECRET_KEY = "local-secret-key"
PROGRAM = Path(sys.executable).with_name("rclone")


def object_storage(directory: Path, host: str = "127.0.0.1", port: int = PORT) -> Process:
    """Return the server of the folder `objects`; start it with `start_object_storage`."""
    command = [str(PROGRAM), "serve", "s3", "--addr", f"{host}:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    return Process("object-storage", [*command, "--config", "", str(objects(directory))], directory)


def objects(directory: Path) -> Path:
    """Where the buckets lie."""
    return directory / "objects"


def start_object_storage(directory: Path, host: str = "127.0.0.1", port: int = PORT) -> dict[str, str]:
    """Start the server with one bucket, wait until it listens, return what a client's environment needs."""
    (objects(directory) / BUCKET).mkdir(parents=True, exist_ok=True)
    server = object_storage(directory, host, port)
    server.start()
    server.wait_ready(lambda: listens(f"{host}:{port}"))
    return client_environment(f"http://{host}:{port}")


def client_environment(endpoint: str) -> dict[str, str]:
    """Return the variables with which an S3 client reaches the server."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }
