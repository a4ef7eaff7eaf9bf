"""An animation does not grow older while it is paused, whether anything else happens meanwhile or not."""

from __future__ import annotations

import hashlib

from tests.snapshots import Page
from video_export_worker.contract import parse_request
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.recording import Recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.settings import ChromiumSettings


def paused(*, is_busy: bool) -> Recording:
    page = Page()
    box = page.element("div", style="width:50px;height:50px;background:teal;animation:go 10s linear infinite")
    page.show(page.document([box], "@keyframes go{to{translate:300px}}"))
    page.change(500, box, style={"animation-play-state": "paused"})
    for at in range(1000, 2500, 100) if is_busy else ():
        page.change(at, box, title=f"at {at}")
    page.change(2500, box, style={"animation-play-state": "running"})
    return page.end(4000).recording()


async def digest_end(recording: Recording, chromium: ChromiumSettings) -> list[str]:
    request = parse_request({"recording": "file:///a", "end": 3, "fps": 10})
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    options, frames = RenderOptions(*recording.viewport), range(timeline.frames)
    rendered = render_frames(recording, timeline, options, frames, chromium=chromium, counts=RenderCounts())
    shown = {frame.index: hashlib.sha256(frame.picture.tobytes()).hexdigest() async for frame in rendered}
    return [shown[index] for index in sorted(shown) if index > 25]


async def test_a_pause_does_not_count(chromium: ChromiumSettings) -> None:
    still = await digest_end(paused(is_busy=False), chromium)
    assert len(still) > 2, "the animation did not go on"
    assert still == await digest_end(paused(is_busy=True), chromium)
