"""However a video is cut, and however its frames are captured, they are the same frames."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from video_export_worker.capture.captures import CaptureDiffers, MemoryCapture
from video_export_worker.contract import VideoExportRequest
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.planning.work_estimate import estimate_work
from video_export_worker.recording import parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.settings import CaptureMode, ChromiumSettings

RECORDINGS = Path(__file__).parents[2] / "recordings"


async def digest_frames(name: str, pieces: int, chromium: ChromiumSettings, end: float = 6) -> list[str]:
    """A digest of every frame of the video's first seconds, repeated ones too."""
    recording = parse_recording([(RECORDINGS / f"{name}.json.gz").read_bytes()])
    request = VideoExportRequest.model_validate({"recording": "file:///a", "start": 1, "end": end})
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    width, height = recording.viewport
    found: list[str] = []
    for piece in estimate_work(recording.index, timeline).cut(range(timeline.frames), pieces):
        shown = "nothing"
        rendered = render_frames(
            recording, timeline, RenderOptions(width, height), piece, chromium=chromium, counts=RenderCounts()
        )
        async for frame in rendered:
            found += [shown] * (frame.index - len(found))
            shown = hashlib.sha256(frame.picture.tobytes()).hexdigest()
        found += [shown] * (piece.stop - len(found))
    return found


def differing(one: list[str], other: list[str]) -> list[int]:
    return [index for index, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]


@pytest.mark.parametrize("name", ["animations", "form", "long-list", "shadow-dom"])
async def test_cuts_and_the_way_of_capturing_leave_no_trace(name: str, chromium: ChromiumSettings) -> None:
    whole = await digest_frames(name, 1, chromium)
    assert differing(whole, await digest_frames(name, 4, chromium)) == [], "four segments"
    screenshots = dataclasses.replace(chromium, capture=CaptureMode.SCREENSHOT)
    assert differing(whole, await digest_frames(name, 1, screenshots)) == [], "screenshots"


async def test_a_bitmap_that_is_not_what_a_screenshot_shows_is_noticed(
    chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a new Chromium drew somewhere else after a while."""
    read = MemoryCapture.take

    async def stale(self: MemoryCapture) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        first = self._read()
        self._read = lambda: first
        return await read(self)

    monkeypatch.setattr(MemoryCapture, "take", stale)
    with pytest.raises(CaptureDiffers, match=r"picture \d+ read from memory is not what a screenshot shows"):
        await digest_frames("animations", 1, chromium, end=3)
