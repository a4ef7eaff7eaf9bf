"""What is wrong with a recording: collected as warnings, or refused at once."""

from __future__ import annotations

from typing import Final

from video_export_worker.errors import RecordingInvalid

MAX_REPORTED: Final = 20  # a file with a million broken lines gets twenty warnings and a count


class BrokenEvent(Exception):
    """One event cannot be used; the rest of the recording can."""


class Problems:
    """Collects what was wrong, or refuses the first of it.

    Args:
        strict: Refuse instead of collecting.
    """

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._reported: list[str] = []
        self._reported_count = 0
        self._notes: list[str] = []

    def skip(self, where: str, reason: str) -> None:
        """Report one event, or one line, that is left out.

        Raises:
            RecordingInvalid: if the parsing is strict.
        """
        self._report("skipped", f"{where}: {reason}")

    def mend(self, where: str, reason: str) -> None:
        """Report what is left out of an event that is used otherwise.

        Raises:
            RecordingInvalid: if the parsing is strict.
        """
        self._report("mended", f"{where}: {reason}")

    def _report(self, done: str, message: str) -> None:
        if self._strict:
            raise RecordingInvalid(f"{message}; repair the recording, or export it without `strict` to skip this")
        self._reported_count += 1
        if len(self._reported) < MAX_REPORTED:
            self._reported.append(f"{done} {message}")

    def damage(self, where: str, reason: str) -> None:
        """Report damage behind which events may be missing.

        Raises:
            RecordingInvalid: if the parsing is strict.
        """
        if self._strict:
            raise RecordingInvalid(f"{where}: {reason}; upload it again, or export it without `strict`")
        self._notes.append(f"{where}: {reason}")

    def note(self, message: str) -> None:
        """Report what a viewer should know and what is nobody's mistake: never refused."""
        self._notes.append(message)

    @property
    def first(self) -> str | None:
        """The first problem, for a recording that holds nothing else."""
        return next((text.removeprefix("skipped ") for text in (*self._reported, *self._notes)), None)

    @property
    def warnings(self) -> list[str]:
        """Every note, and the broken events: the first twenty and how many more there were."""
        more = self._reported_count - len(self._reported)
        return [*self._notes, *self._reported, *([f"{more} more events were broken"] if more else [])]
