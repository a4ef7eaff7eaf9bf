"""The system's processes in a terminal: what `dev/mprocs.yaml` starts, and a plain equivalent of mprocs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from dev import object_storage, temporal_server
from dev.cluster import Cluster
from dev.errors import DevError
from dev.places import CHECKOUT, state_directory
from dev.steps import say
from dev.waiting import listens, wait_for

CONFIG = CHECKOUT / "dev" / "mprocs.yaml"
HOST = "127.0.0.1"
PATIENCE = 15 * 60.0  # seconds that a process waits for what it needs
_GRACE = 20.0  # seconds that a process has to end


def serve(name: str) -> None:
    """Become the server of this name; its data outlives it."""
    folder = state_directory() / "foreground"
    server = temporal_server.temporal_server(folder) if name == "temporal" else object_storage.object_storage(folder)
    (object_storage.objects(folder) / object_storage.BUCKET).mkdir(parents=True, exist_ok=True)
    command = [str(part) for part in server.command]
    try:
        os.execvp(command[0], command)
    except FileNotFoundError as missing:
        raise DevError(f"{command[0]} is missing; `make setup` installs it") from missing


def wait(names: Sequence[str]) -> None:
    """Wait until the named things are there, saying what is waited for."""
    for name in names:
        ready, where = _READY[name]
        if not ready():
            say(f"waiting for {name}: {where}")
            wait_for(ready, name, PATIENCE)
        say(f"{name} is there")


def run_processes(names: Sequence[str]) -> int:
    """Run processes of the configuration side by side, each line with the name of its process, until one ends.

    Returns:
        0 when interrupted, else the exit code of the one that ended first.
    """
    known: dict[str, Any] = yaml.safe_load(CONFIG.read_text())["procs"]
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise DevError(f"{CONFIG.name} has no {', '.join(unknown)}; it has {', '.join(known)}")
    ended = threading.Event()
    width = max(map(len, names or known))
    children = {name: _spawn(known[name], name.ljust(width), ended) for name in names or known}
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    ended.wait()
    codes = {name: code for name, child in children.items() if (code := child.poll()) is not None}
    for child in reversed(children.values()):
        _end(child)
    for name, code in codes.items():
        say(f"{name} ended with {code}")
    return next(iter(codes.values()), 0)


def _spawn(entry: Mapping[str, Any], prefix: str, ended: threading.Event) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        ["sh", "-c", entry["shell"]],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **entry.get("env", {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def relay() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            sys.stdout.write(f"{prefix} | {line}")
            sys.stdout.flush()
        child.wait()
        ended.set()

    threading.Thread(target=relay, daemon=True).start()
    return child


def _end(child: subprocess.Popen[str]) -> None:
    """End a process and what it started: they share a session of their own."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, what)
            child.wait(_GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _kubernetes_answers() -> bool:
    try:
        arguments = ["version", "--request-timeout", "3s"]
        if os.environ.get("KUBECONFIG"):
            return subprocess.run(["kubectl", *arguments], capture_output=True, check=False).returncode == 0
        cluster = Cluster()
        os.environ["KUBECONFIG"] = str(cluster.kubeconfig)
        return bool(cluster.kubeconfig.exists() and cluster.kubectl(*arguments))
    except (DevError, FileNotFoundError):
        return False


_READY: dict[str, tuple[Callable[[], bool], str]] = {
    "temporal": (
        lambda: temporal_server.serves(f"{HOST}:{temporal_server.PORT}"),
        f"`python -m dev serve temporal` answers at {HOST}:{temporal_server.PORT}",
    ),
    "storage": (
        lambda: listens(f"{HOST}:{object_storage.PORT}"),
        f"`python -m dev serve storage` listens at {HOST}:{object_storage.PORT}",
    ),
    "kubernetes": (
        _kubernetes_answers,
        "the API server of KUBECONFIG, or of the local cluster that `python -m dev up` starts",
    ),
}
NEEDS = tuple(_READY)
SERVERS = ("temporal", "storage")
