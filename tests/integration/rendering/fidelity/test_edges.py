"""What a gallery cannot show: what must not be seen, what must not cost, and how far off the inexact may be."""

from __future__ import annotations

import json

import numpy as np

from tests.integration.rendering.fidelity.gallery import media, svg_picture
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import by_product, lay_out, look
from tests.snapshots import Page
from video_export_worker.contract import Mouse
from video_export_worker.recording import parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.settings import ChromiumSettings

HIDDEN = Mouse(cursor=False, clicks=False)


def is_red(picture: Picture) -> bool:
    blue, green, red = (picture[..., channel].astype(int) for channel in range(3))
    return bool(((red > 200) & (green < 60) & (blue < 60)).any())


async def test_masks_hold_in_shadow_trees_frames_and_replaced_documents(chromium: ChromiumSettings) -> None:
    page = Page()
    css = "p{background:red!important;visibility:visible!important;opacity:1!important}"
    host = page.shadow(page.element("x-host"), page.element("style", css), page.element("p", "secret", class_="secret"))
    frame = page.element("iframe")
    document = page.document([host, frame, page.element("p", "secret", class_="secret")], css)
    page.show(document)
    page.attach(80, frame, page.document([page.element("p", "secret", class_="secret")], css))
    page.remove(200, document, document["childNodes"][1])
    second = page.document([page.element("p", "secret", class_="secret")], css)["childNodes"][1]
    page.append(200, document, second).end(400)
    recording = page.recording()
    options = look(recording, mouse=HIDDEN, mask_selectors=(".secret",))
    for index, picture in enumerate(await by_product(recording, lay_out(recording), options, chromium)):
        assert not is_red(picture), f"what is masked is seen in frame {index}"


async def test_the_window_that_was_used_most_is_shown(chromium: ChromiumSettings) -> None:
    lines = []
    for window, colour, changes in (("a", "red", 1), ("b", "lime", 6)):
        page = Page()
        box = page.element("div", style=f"height:200px;background:{colour}")
        page.show(page.document([box]))
        for change in range(changes):
            page.move(100 + 50 * change, 5, 5, box)
        lines += [json.dumps([window, event]) for event in page.events]
    recording = parse_recording(["\n".join(lines).encode()])
    shown = await by_product(recording, lay_out(recording), look(recording, mouse=HIDDEN), chromium)
    assert [window.kept for window in recording.windows] == [True, True]
    assert all(tuple(picture[100, 100, :3]) == (0, 255, 0) for picture in shown)


async def test_what_stands_still_costs_nothing_and_is_not_waited_for(chromium: ChromiumSettings) -> None:
    """A picture of one frame, a lazy one out of sight, one that is not in the recording, an SVG that would move."""
    page = Page()
    still_gif = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
    spinner = svg_picture(
        "<rect width='9' height='9'><animate attributeName='x' to='30' dur='1s' repeatCount='9'/></rect>"
    )
    lazy = page.element("img", src="http://127.0.0.1:1/a.png", loading="lazy", style="position:absolute;top:9000px")
    page.show(page.document([page.element("img", src=still_gif), page.element("img", src=spinner), lazy])).end(20_000)
    recording, counts = page.recording(), RenderCounts()
    timeline = lay_out(recording)
    options = look(recording, mouse=HIDDEN)
    frames = [
        frame.index
        async for frame in render_frames(
            recording, timeline, options, range(timeline.frames), chromium=chromium, counts=counts
        )
    ]
    assert frames == [0]
    assert counts.steps < 10
    assert counts.warnings == []


async def test_at_a_high_speed_what_is_over_is_over(chromium: ChromiumSettings) -> None:
    """A transition of 300 ms that began 500 ms before the frame."""
    page = Page()
    box = page.element("div", style="height:200px;background:red;transition:background .3s")
    page.show(page.document([box])).change(300, box, style={"background": "lime"}).end(2000)
    recording = page.recording()
    timeline = lay_out(recording, speed=20)
    shown = await by_product(recording, timeline, look(recording, mouse=HIDDEN), chromium)
    assert timeline.recording_ms(1) == 800
    assert tuple(shown[1][100, 100, :3]) == (0, 255, 0)


async def test_a_marquee_is_where_it_should_be_to_a_few_pixels(chromium: ChromiumSettings) -> None:
    """Blink moves it, by the time of frames: 6 pixels in 85 ms, from the right edge to the left."""
    page = Page()
    text = page.element("marquee", "■■■", style="width:320px;font-size:40px")
    page.show(page.document([text])).end(2000)
    recording = page.recording()
    runs = [await by_product(recording, lay_out(recording), look(recording, mouse=HIDDEN), chromium) for _ in range(2)]
    lefts = [[_left_edge(picture) for picture in shown] for shown in runs]
    for one, other in zip(*lefts, strict=True):
        assert abs(one - other) <= 2, "two runs show the marquee at different places"
    speed = (lefts[0][10] - lefts[0][40]) / (30 * 40)
    assert abs(speed - 6 / 85) < 0.2 * 6 / 85, f"it moves {speed:.3f} pixels a millisecond"


def _left_edge(picture: Picture) -> int:
    columns = np.nonzero((picture[..., :3] < 100).all(axis=2).any(axis=0))[0]
    return int(columns[0]) if len(columns) else picture.shape[1]


async def test_an_animated_picture_in_a_style_is_stepped_through(chromium: ChromiumSettings) -> None:
    page = Page()
    box = page.element("div", style=f"height:200px;background:url({media('wheel.gif', 'image/gif')})")
    page.show(page.document([box])).end(600)
    recording = page.recording()
    shown = await by_product(recording, lay_out(recording), look(recording, mouse=HIDDEN), chromium)
    colours = [["blue", "green", "red"][int(np.argmax(picture[5, 5, :3]))] for picture in shown]
    assert colours[:15] == ["red"] * 5 + ["green"] * 5 + ["blue"] * 5, "a colour stands for 200 ms"
