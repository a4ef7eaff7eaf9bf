"""What the end of a child means."""

from __future__ import annotations

import signal

import pytest

from video_export_worker.attempts.verdicts import MIB, Cause, Death, judge_exit


@pytest.mark.parametrize(
    ("code", "cause", "detail"),
    [
        (-signal.SIGSEGV, Cause.CRASH, "SIGSEGV"),
        (-signal.SIGABRT, Cause.CRASH, "SIGABRT"),
        (-signal.SIGKILL, Cause.OUTSIDE, "SIGKILL"),
        (-signal.SIGTERM, Cause.OUTSIDE, "SIGTERM"),
        (-(signal.SIGRTMIN + 1), Cause.CRASH, f"signal {signal.SIGRTMIN + 1}"),
        (1, Cause.CRASH, "exit code 1"),
        (0, Cause.CRASH, "exit code 0"),
        (None, Cause.OUTSIDE, "its fork server ended"),
    ],
)
def test_an_end_that_nobody_here_caused(code: int | None, cause: Cause, detail: str) -> None:
    death = judge_exit(code, 100 * MIB, 500 * MIB, 3.25)
    assert (death.cause, death.detail) == (cause, detail)


@pytest.mark.parametrize(
    ("death", "blamed"),
    [
        (Death(Cause.MEMORY, 501, 500, 1), True),
        (Death(Cause.TIME, 1, 500, 600), True),
        (Death(Cause.CRASH, 1, 500, 1), True),
        (Death(Cause.OUTSIDE, 100, 500, 1), False),
        (Death(Cause.OUTSIDE, 450, 500, 1), True),  # the kernel was faster than the watch
    ],
)
def test_a_recording_is_blamed_for_what_it_would_do_again(death: Death, blamed: bool) -> None:
    assert death.is_the_recordings is blamed


def test_a_death_is_told_with_its_numbers() -> None:
    told = str(Death(Cause.MEMORY, 913 * MIB, 900 * MIB, 12.34, done=40, total=250))
    assert told == "it took more memory than it may at 40 of 250 (913 MiB of 900 MiB, 12.3 s)"
    told = str(Death(Cause.CRASH, 90 * MIB, 900 * MIB, 0.1, "SIGSEGV"))
    assert told == "its process crashed (SIGSEGV, 90 MiB of 900 MiB, 0.1 s)"
