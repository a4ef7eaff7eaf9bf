"""What happens long before the first frame is applied some events at a time: the frames are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest

from benchmarks.rendering.sessions import list_events
from tests.snapshots import Page
from video_export_worker.contract import parse_request
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.player import Player
from video_export_worker.replay.settings import ChromiumSettings


def spinning() -> Recording:
    """An animation without an end begins between two other changes."""
    page = Page()
    box = page.element("div", style="width:50px;height:50px;background:teal")
    page.show(page.document([box], "@keyframes turn{to{rotate:1turn}} .a{animation:turn 1s linear infinite}"))
    page.change(300, box, style="width:60px").change(570, box, class_="a").change(840, box, style="height:70px")
    return page.end(9000).recording()


def busy() -> Recording:
    return parse_recording([json.dumps(list(list_events(9))).encode()])


async def digest_last(recording: Recording, chromium: ChromiumSettings) -> list[str]:
    request = parse_request({"recording": "file:///a", "start": 8})
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    options, frames = RenderOptions(*recording.viewport), range(timeline.frames)
    rendered = render_frames(recording, timeline, options, frames, chromium=chromium, counts=RenderCounts())
    return [f"{frame.index} {hashlib.sha256(frame.picture.tobytes()).hexdigest()}" async for frame in rendered]


@pytest.mark.parametrize("made", [busy, spinning])
async def test_joined_events_leave_no_trace(
    made: Callable[[], Recording], chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = made()
    apart = await digest_last(recording, chromium)
    replay, moments = Player.replay, list[float]()

    async def join(self: Player, until_ms: float, most: int, joined_ms: float) -> object:
        moments.append(joined_ms)
        return await replay(self, until_ms, most, joined_ms)

    monkeypatch.setattr(Player, "replay", join)
    monkeypatch.setattr("video_export_worker.rendering.unseen.APART_MS", 3000.0)
    assert await digest_last(recording, chromium) == apart
    assert moments == [5000.0], "nothing was joined"
