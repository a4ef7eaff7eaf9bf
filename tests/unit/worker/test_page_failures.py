"""Which failures of a page are worth another browser."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from tests.snapshots import Page
from video_export_worker.contract import VideoExportRequest
from video_export_worker.errors import RecordingInvalid, RenderFailed
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.rendering import frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.page import PageFailed
from video_export_worker.replay.settings import ChromiumSettings


async def render(failures: Iterator[Exception], monkeypatch: pytest.MonkeyPatch) -> RenderCounts:
    """Render with browsers that fail one after the other."""

    class FailingRun:
        handed_over = None

        def __init__(self, *_: Any) -> None:
            pass

        async def run(self, *_: Any) -> AsyncGenerator[Any]:
            for failure in failures:
                raise failure
            return
            yield

    monkeypatch.setattr(frames, "BrowserRun", FailingRun)
    monkeypatch.setattr(ChromiumSettings, "find_executable", lambda _: "chromium")
    recording, counts = Page().recording_of(1000), RenderCounts()
    request = VideoExportRequest.model_validate({"recording": "file:///a", "format": ["mp4"]})
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    options = RenderOptions(width=320, height=200)
    rendered = frames.render_frames(
        recording, timeline, options, range(timeline.frames), chromium=ChromiumSettings(), counts=counts
    )
    async for _ in rendered:
        pass
    return counts


async def test_a_page_that_fails_in_the_same_way_twice_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([PageFailed(f"seek: TypeError: x is null\n  at line {line}") for line in range(9)])
    with pytest.raises(
        RecordingInvalid, match="fails in the same way twice: frame 0, seek: TypeError: x is null"
    ) as refused:
        await render(failures, monkeypatch)
    assert len(list(failures)) == 7, "it was tried more than twice"
    assert not refused.value.retryable


async def test_a_page_that_fails_once_gets_another_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = await render(iter([PageFailed("seek: TypeError: x is null"), PageFailed("load: y is null")]), monkeypatch)
    assert counts.restarts == 2


async def test_a_browser_that_dies_is_replaced_as_often_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([RenderFailed("frame: Chromium did not answer within 20 s") for _ in range(9)])
    with pytest.raises(RenderFailed, match="after 3 restarts"):
        await render(failures, monkeypatch)
    assert len(list(failures)) == 9 - 1 - frames.MAX_RESTARTS
