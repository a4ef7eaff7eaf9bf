"""What the death of a child means: pure, from what was seen."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MIB: Final = 2**20
SUSPICIOUS: Final = (
    0.5  # of its limit: a child that the kernel killed below it was hardly the one that filled the memory
)


class Cause(StrEnum):
    """Why a child ended without a result."""

    MEMORY = "memory"
    """It took more than it may, and was ended."""
    TIME = "time"
    """It took longer than it may, and was ended."""
    CRASH = "crash"
    """It ended itself: by a signal of the processor's, or with an exit code."""
    OUTSIDE = "outside"
    """Somebody else ended it: the kernel for want of memory, a person, or its fork server did."""


@dataclass(frozen=True)
class Death:
    """A child ended without a result.

    Attributes:
        cause: why.
        bytes: what its processes took when they were measured last.
        limit: bytes that they may take.
        seconds: that the job ran.
        detail: the signal or the exit code.
        done: how far it was, in the job's own unit; 0 of 0 where it told nothing.
        total: of the same.
    """

    cause: Cause
    bytes: int
    limit: int
    seconds: float
    detail: str = ""
    done: int = 0
    total: int = 0

    @property
    def is_the_recordings(self) -> bool:
        """Whether the same recording would most likely do it again."""
        return self.cause is not Cause.OUTSIDE or self.bytes > SUSPICIOUS * self.limit

    def __str__(self) -> str:
        reached = f" at {self.done} of {self.total}" if self.total else ""
        took = f"{self.bytes / MIB:.0f} MiB of {self.limit / MIB:.0f} MiB, {self.seconds:.1f} s"
        return f"{_SAYS[self.cause]}{reached} ({', '.join(filter(None, [self.detail, took]))})"


_SAYS: Final = {
    Cause.MEMORY: "it took more memory than it may",
    Cause.TIME: "it took longer than it may",
    Cause.CRASH: "its process crashed",
    Cause.OUTSIDE: "its process was killed from outside",
}


def judge_exit(code: int | None, taken: int, limit: int, seconds: float, done: int = 0, total: int = 0) -> Death:
    """Tell what the end of a child means that nobody here has ended.

    Args:
        code: its exit code, or the negative number of the signal; None where nobody could tell.
        taken: bytes measured last.
        limit: bytes.
        seconds: that the job ran.
        done: how far it was.
        total: of the same.
    """
    if code is None:
        return Death(Cause.OUTSIDE, taken, limit, seconds, "its fork server ended", done, total)
    if code < 0:
        cause = Cause.OUTSIDE if -code in (signal.SIGKILL, signal.SIGTERM) else Cause.CRASH
        return Death(cause, taken, limit, seconds, _name_signal(-code), done, total)
    return Death(Cause.CRASH, taken, limit, seconds, f"exit code {code}", done, total)


def _name_signal(number: int) -> str:
    """The name of a signal; most of those for real-time programs have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
