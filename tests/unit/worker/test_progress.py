"""What the command line says of an export that goes on, where there is no terminal."""

from __future__ import annotations

import time

import pytest

from video_export_worker.cli.progress import ExportProgress
from video_export_worker.contract import Progress


def test_a_log_has_a_line_for_what_is_new_and_one_a_minute_for_what_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with ExportProgress() as shown:
        for second in range(130):
            now = 1000.0 + second
            shown.update(Progress())
        for frames in range(12):
            now += 1
            shown.update(Progress(phase="rendering", frames=100, frames_done=frames))
    waiting, rendering = "waiting for a worker", "rendering: {} of 100 frames"
    assert capsys.readouterr().err.splitlines() == [waiting] * 3 + [rendering.format(n) for n in (0, 5, 10)]
