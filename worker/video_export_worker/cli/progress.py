"""Progress of an export on standard error: a bar on a terminal, lines of what is new in a log."""

from __future__ import annotations

import sys
import time
from typing import Any, Final

import click

from video_export_worker.contract import Progress

LINE_INTERVAL: Final = 5.0  # seconds between two lines of the same phase that say something new
SAME_LINE_INTERVAL: Final = 60.0  # seconds after which a line is said again, so that a log shows that it goes on

PHASES: Final = {
    "queued": "waiting for a worker",
    "planning": "reading the recording",
    "rendering": "rendering",
    "assembling": "assembling",
    "done": "done",
}


class ExportProgress:
    """Shows `Progress` as it comes.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._phase = ""
        self._line = ""
        self._said = 0.0

    def __enter__(self) -> ExportProgress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(PHASES["queued"], total=None)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Say something beside the progress."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        elif not self._quiet:
            click.echo(text, err=True)

    def update(self, progress: Progress) -> None:
        """Show where the export stands."""
        text = PHASES[progress.phase]
        if self._bar is not None:
            total = progress.frames or None
            self._bar.update(self._task, description=text, completed=progress.frames_done, total=total)
        elif not self._quiet:
            frames = f": {progress.frames_done} of {progress.frames} frames" if progress.frames else ""
            left = f", about {progress.seconds_left:.0f} s left" if progress.seconds_left else ""
            self._tell(progress.phase, f"{text}{frames}{left}")

    def _tell(self, phase: str, line: str) -> None:
        """Print a line unless one of its kind was printed a moment ago."""
        wanted = LINE_INTERVAL if line != self._line else SAME_LINE_INTERVAL
        if phase != self._phase or time.monotonic() - self._said >= wanted:
            self._phase, self._line, self._said = phase, line, time.monotonic()
            click.echo(line, err=True)
