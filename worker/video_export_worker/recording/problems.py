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
        self._skipped: list[str] = []
        self._skipped_count = 0
        self._notes: list[str] = []

    def skip(self, where: str, reason: str) -> None:
        """Report one event, or one line, that is left out.

        Raises:
            RecordingInvalid: if the parsing is strict.
        """
        message = f"{where}: {reason}"
        if self._strict:
            raise RecordingInvalid(f"{message}; repair the recording, or export it without `strict` to skip this")
        self._skipped_count += 1
        if len(self._skipped) < MAX_REPORTED:
            self._skipped.append(f"skipped {message}")

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
        return next((text.removeprefix("skipped ") for text in (*self._skipped, *self._notes)), None)

    @property
    def warnings(self) -> list[str]:
        """Every note, and the skipped events: the first twenty and how many more there were."""
        more = self._skipped_count - len(self._skipped)
        return [*self._notes, *self._skipped, *([f"skipped {more} more broken events"] if more else [])]
