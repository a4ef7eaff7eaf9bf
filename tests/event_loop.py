"""How long one callback holds an event loop: in processor time, which other work on the machine does not change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock


@dataclass
class Held:
    """The callback that held the loop longest.

    Attributes:
        seconds: of the thread's processor time.
        callback: what it was.
    """

    seconds: float = 0.0
    callback: str = ""


@contextmanager
def longest_callback() -> Iterator[Held]:
    """Measure every callback of every event loop in the block."""
    held = Held()
    run = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        seconds = time.thread_time() - began
        if seconds > held.seconds:
            held.seconds, held.callback = seconds, repr(handle)

    with mock.patch.object(asyncio.Handle, "_run", measured):
        yield held
