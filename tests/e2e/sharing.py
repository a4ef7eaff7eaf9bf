"""One cluster for all processes of a test run: the first starts it, the last ends it, and a test may be alone."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Sharing:
    """What the processes of a run have in common.

    Args:
        folder: seen by all of them, and new in each run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def joined(self, start: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
        """Start what is shared if nobody has, and stop it if nobody else is left."""
        users = self._folder / "users"
        with self._held("joining"):
            present = int(users.read_text()) if users.exists() else 0
            if not present:
                start()
            users.write_text(str(present + 1))
        try:
            yield
        finally:
            with self._held("joining"):
                present = int(users.read_text()) - 1
                users.write_text(str(present))
                if not present:
                    stop()

    def once(self, name: str, do: Callable[[], object]) -> None:
        """Do what one process has to do for all."""
        done = self._folder / f"{name}.done"
        with self._held(name):
            if not done.exists():
                do()
                done.touch()

    @contextmanager
    def turn(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn: beside others, or alone.

        Who waits holds the gate, so that those who would come beside others cannot overtake somebody who wants to be
        alone.
        """
        with (self._folder / "turn.lock").open("w") as turn:
            with self._held("gate"):
                fcntl.flock(turn, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        """Hold a lock; it is open as long as its file."""
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
