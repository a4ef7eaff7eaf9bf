"""Telling what happens and how long it took; running programs."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.errors import DevError, MissingError

_started = time.monotonic()
_lock = threading.Lock()
PROGRESS_INTERVAL = 30.0  # seconds


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    with _lock:
        print(f"[{time.monotonic() - _started:6.1f} s] {text}", flush=True)


@contextmanager
def step(title: str, log: Path | None = None) -> Iterator[None]:
    """Print the title, and at the end how long it took; meanwhile now and then the last line of a log."""
    say(f"{title} ...")
    began = time.monotonic()
    ended = threading.Event()

    def progress() -> None:
        while log and not ended.wait(PROGRESS_INTERVAL):
            lines = log.read_text(errors="replace").splitlines() if log.exists() else []
            say(f"{title.partition(' (')[0]}: line {len(lines)}, {lines[-1][:90] if lines else 'nothing yet'}")

    threading.Thread(target=progress, daemon=True).start()
    try:
        yield
    except BaseException:
        say(f"{title}: failed after {time.monotonic() - began:.1f} s")
        raise
    finally:
        ended.set()
    say(f"{title}: {time.monotonic() - began:.1f} s")


def run(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    given: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: the program and its arguments.
        directory: where it runs.
        log: file that both outputs are added to instead of being returned.
        environment: variables on top of this process's own.
        given: text for the standard input.
        timeout: seconds.

    Raises:
        DevError: with the end of what it printed, if it failed.
    """
    arguments = [str(part) for part in command]
    try:
        done = subprocess.run(
            arguments,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=log is None,
            stdout=None if log is None else log.open("ab"),
            stderr=None if log is None else subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as missing:
        raise MissingError(f"{arguments[0]} is missing; `make setup` installs what this needs") from missing
    except subprocess.TimeoutExpired as late:
        raise DevError(f"`{' '.join(arguments)}` did not end within {timeout:g} s") from late
    if done.returncode:
        said = log.read_text(errors="replace") if log else f"{done.stdout}{done.stderr}"
        where = f" (log: {log})" if log else ""
        tail = "\n".join(said.splitlines()[-25:])
        raise DevError(f"`{' '.join(arguments)}` ended with {done.returncode}{where}:\n{tail}")
    return done.stdout or ""


def require_root(what: str) -> None:
    """Refuse early where `what` needs root."""
    if os.geteuid() != 0:
        raise MissingError(f"{what} needs root: run it as root (sudo -E make ...)")


def warn(text: str) -> None:
    """Print to the standard error."""
    print(text, file=sys.stderr, flush=True)
