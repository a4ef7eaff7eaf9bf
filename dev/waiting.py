"""Waiting for what gives no notice: look again until a deadline, then say what never came."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar

from dev.errors import NotReadyError

T = TypeVar("T")

INTERVAL = 0.1  # seconds between two looks

# Below Kubernetes' node ports and Linux's ephemeral ones, of which a connection may take one before its server listens.
SERVER_PORTS = range(20000, 30000)
_given_ports: set[int] = set()


def wait_for(look: Callable[[], T | None], what: str, timeout: float, interval: float = INTERVAL) -> T:
    """Return the first true answer of `look`.

    Args:
        look: what it raises ends the wait.
        what: what is waited for, as the error says it.
        timeout: seconds.
        interval: seconds between two looks, longer where a look starts a program.
    """
    deadline = time.monotonic() + timeout
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)
    return answer


def listens(address: str) -> bool:
    """Whether something accepts connections at `host:port`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def open_directly(url: str, timeout: float = 5, context: ssl.SSLContext | None = None) -> Any:
    """Open a URL of this machine, whatever proxy the environment names; the environment is not even read.

    Raises:
        urllib.error.URLError, OSError: as `urllib.request.urlopen`.
    """
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    return urllib.request.build_opener(*handlers).open(url, timeout=timeout)


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with a success."""
    try:
        with open_directly(url, timeout=2) as response:
            return 200 <= int(response.status) < 300
    except (urllib.error.URLError, OSError):
        return False


def find_free_port(host: str = "127.0.0.1") -> int:
    """A port of `host` that nobody listens on; a process never gets one twice.

    Raises:
        OSError: there is none.
    """
    for port in random.SystemRandom().sample(SERVER_PORTS, len(SERVER_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            if port not in _given_ports:
                probe.bind((host, port))
                _given_ports.add(port)
                return port
    raise OSError(f"{host} has no free port from {SERVER_PORTS.start} to {SERVER_PORTS.stop - 1}")
