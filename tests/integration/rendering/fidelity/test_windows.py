"""Several windows: each is exact by itself, and the one in which the user is is shown."""

from __future__ import annotations

import numpy as np
import pytest

from tests.integration.rendering.fidelity.gallery import media
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import list_differences
from tests.reference.windows import Session, reference_of_windows
from tests.snapshots import Page
from video_export_worker.contract import Mouse, VideoExportRequest
from video_export_worker.planning.timeline import Timeline, build_timeline
from video_export_worker.planning.windows import find_window, follow_user, show_only, window_at
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.rendering.windows import ShownWindows
from video_export_worker.replay.settings import ChromiumSettings

OPTIONS = RenderOptions(width=320, height=200, mouse=Mouse(trail=True), page=(320, 200))


def busy_window() -> Page:
    """Turns all the time, and changes while another window is shown; a checkout comes while it is hidden."""
    page = Page()
    css = "@keyframes turn{to{transform:rotate(1turn)}} b{position:absolute;left:90px;top:60px;width:60px;height:60px}"
    square = page.element("b", style="background:teal;animation:turn 2s linear infinite")
    note = page.element("p", "first", style="transition:opacity .4s")
    page.show(page.document([square, note], css)).move(100, 30, 30, note).move(400, 200, 90, note)
    page.change(700, note, style="transition:opacity .4s;opacity:.2")
    page.change(1100, square, style="background:crimson;animation:turn 2s linear infinite")
    page.move(1500, 60, 60, note).change(1600, note, style="transition:opacity .4s;opacity:1").move(2600, 90, 90, note)
    return page.end(2800)


def growing_window() -> Page:
    """A smaller window that opens later, is scrolled, and changes its size."""
    page = Page(240, 160)
    lines = [page.element("p", f"line {at}", style="height:40px;margin:0") for at in range(20)]
    box = page.element("div", *lines, style="height:120px;overflow:auto;background:#fed")
    page.show(page.document([box]), 500).move(600, 20, 20, box).scroll(800, box, 130)
    page.append(1700, box, page.element("h1", "appended while it is hidden"))
    page.move(2000, 120, 80, box).scroll(2100, box, 700).add(2300, 3, {"source": 4, "width": 400, "height": 160})
    return page.end(2700)


SESSION = Session({"busy": busy_window().events, "growing": growing_window().events})


async def by_product(
    recording: Recording, timeline: Timeline, frames: range, chromium: ChromiumSettings, only: str | None = None
) -> list[Picture]:
    index = recording.index
    windows = ShownWindows(
        recording.session, show_only(find_window(index, only)) if only else follow_user(index.session)
    )
    shown: list[Picture] = []
    async for frame in render_frames(windows, timeline, OPTIONS, frames, chromium=chromium, counts=RenderCounts()):
        shown += shown[-1:] * (frame.index - frames.start - len(shown))
        shown.append(frame.picture.copy())
    return shown + [shown[-1]] * (len(frames) - len(shown))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return parse_recording([SESSION.as_file()])


@pytest.fixture(scope="module")
def timeline(recording: Recording) -> Timeline:
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    return build_timeline(request, recording.index.session_ms, [], 1e9)


@pytest.fixture(scope="module")
async def whole(recording: Recording, timeline: Timeline, chromium: ChromiumSettings) -> list[Picture]:
    return await by_product(recording, timeline, range(timeline.frames), chromium)


async def test_every_frame_is_that_of_the_windows_own_reference(
    whole: list[Picture], timeline: Timeline, chromium: ChromiumSettings
) -> None:
    reference = [picture async for picture in reference_of_windows(SESSION, timeline, OPTIONS, chromium=chromium)]
    differences = list_differences(whole, reference, timeline)
    assert not differences, "\n".join(differences)
    turns = [SESSION.window_at(timeline.recording_ms(frame)) for frame in range(timeline.frames)]
    assert turns.count("busy") > 20, "the recording is to show both windows"
    assert turns.count("growing") > 20


async def test_segments_give_the_same_frames(
    whole: list[Picture], recording: Recording, timeline: Timeline, chromium: ChromiumSettings
) -> None:
    for first in (20, 45):
        part = await by_product(recording, timeline, range(first, timeline.frames), chromium)
        differences = list_differences(part, whole[first:], timeline)
        assert not differences, f"begun at frame {first}:\n" + "\n".join(differences)


async def test_before_a_window_is_opened_its_own_video_is_plain(
    recording: Recording, timeline: Timeline, chromium: ChromiumSettings
) -> None:
    frames = range(timeline.frames)
    shown = await by_product(recording, timeline, frames, chromium, "growing")
    right = reference_of_windows(SESSION, timeline, OPTIONS, chromium=chromium, only="growing")
    differences = list_differences(shown, [picture async for picture in right], timeline)
    assert not differences, "\n".join(differences)
    opened = next(frame for frame in frames if timeline.recording_ms(frame) >= 500)
    assert all((picture == 255).all() for picture in shown[:opened])
    assert not (shown[opened] == 255).all()
    for part in (range(opened - 2), range(opened - 2, opened + 2)):
        assert not list_differences(
            await by_product(recording, timeline, part, chromium, "growing"), shown[part.start : part.stop], timeline
        )


def animated_window() -> Page:
    """Pictures that Blink moves, of which one comes while another window is shown."""
    page = Page()
    shown = [page.element("img", src=media(f"wheel.{kind}", f"image/{kind}")) for kind in ("png", "webp")]
    box = page.element("div", *shown, style="height:120px")
    page.show(page.document([box])).move(50, 9, 9, box).move(1500, 9, 9, box).move(1900, 12, 9, box)
    late = page.element("img", src=media("wheel.gif", "image/gif"))
    page.append(2010, box, late)
    page.move(2700, 20, 20, box)
    return page.end(3000)


async def test_a_picture_that_moves_is_as_old_as_the_time_says_when_its_window_is_shown_again(
    chromium: ChromiumSettings,
) -> None:
    other = Page()
    text = other.element("p", other.element("img", src=media("wheel.gif", "image/gif")), "another window")
    other.show(other.document([text]), 130).move(500, 5, 5, text).move(1200, 9, 5, text).move(2300, 9, 9, text).end(
        2900
    )
    recording = parse_recording([Session({"moving": animated_window().events, "other": other.events}).as_file()])
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    timeline = build_timeline(request, recording.index.session_ms, [], 1e9)
    frames = range(timeline.frames)
    followed = await by_product(recording, timeline, frames, chromium)
    schedule = follow_user(recording.index.session)
    for name in ("moving", "other"):
        alone = await by_product(recording, timeline, frames, chromium, name)
        number = find_window(recording.index, name).number
        seen = [frame for frame in frames if window_at(schedule, timeline.recording_ms(frame)) == number]
        assert len(seen) > 20
        differences = [
            f"frame {frame} at {timeline.recording_ms(frame):g} ms"
            for frame in seen
            if not np.array_equal(followed[frame], alone[frame])
        ]
        assert not differences, (name, differences)
    for first in (30, 60):
        part = await by_product(recording, timeline, range(first, timeline.frames), chromium)
        assert not list_differences(part, followed[first:], timeline)
