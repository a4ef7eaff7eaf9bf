"""What is masked is never seen: opaque boxes cover it wherever it goes, and a mask that cannot hold is refused."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from tests.integration.rendering.fidelity.views import lay_out, look
from tests.snapshots import Node, Page
from video_export_worker.composing.frames import Frame
from video_export_worker.composing.masks import draw_masks, place_masks, rows_of_masks
from video_export_worker.contract import Mouse
from video_export_worker.errors import InvalidRequest
from video_export_worker.pictures import Picture
from video_export_worker.planning.timeline import Timeline
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.feeding import ChunkFeed
from video_export_worker.replay.page import Stage
from video_export_worker.replay.player import Player, Scene
from video_export_worker.replay.settings import ChromiumSettings

RED, BLACK, BLUE, WHITE = (255, 0, 0), (0, 0, 0), (0, 0, 255), (255, 255, 255)


async def render(page: Page, masks: tuple[str, ...], chromium: ChromiumSettings) -> tuple[list[Frame], RenderCounts]:
    recording = page.recording()
    timeline: Timeline = lay_out(recording)
    options = look(recording, mouse=Mouse(cursor=False, clicks=False), mask_selectors=masks)
    counts = RenderCounts()
    rendered = render_frames(recording, timeline, options, range(timeline.frames), chromium=chromium, counts=counts)
    return [frame async for frame in rendered], counts


def colour_at(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    return tuple(picture[y, x, 2::-1].tolist())


def count_red(picture: Picture) -> int:
    """Pixels that are more red than anything else, as what is masked is in these tests."""
    blue, green, red = (picture[..., channel].astype(int) for channel in range(3))
    return int(((red > 100) & (red > 2 * green) & (red > 2 * blue)).sum())


def place(left: int, top: int, width: int = 60, height: int = 40) -> str:
    return f"position:absolute;left:{left}px;top:{top}px;width:{width}px;height:{height}px;"


def red(left: int, top: int, more: str = "") -> str:
    return f"{place(left, top)}color:red;background:red;{more}"


CSS = (
    "@keyframes seen{from,to{opacity:1;visibility:visible}} @keyframes moved{to{transform:translateX(300px)}}"
    ".generated::after{content:'secret';position:absolute;left:300px;top:150px;width:80px;height:30px;background:red}"
)


def unruly_page() -> tuple[Page, dict[str, Node]]:
    """Masked elements, all red, each of which does something that shows through an ordinary mask; and a blue square."""
    page = Page(640, 400)

    def secret(style: str, *children: Node | str, more: str = "") -> Node:
        return page.element("div", *children, style=style, class_=f"secret {more}")

    shown = {
        "plain": secret(red(10, 10)),
        "stubborn": secret(red(100, 10, "opacity:1 !important;visibility:visible !important")),
        "late": page.element("div", style=red(190, 10, "transition:all 5s !important")),
        "animated": secret(red(280, 10, "animation:seen 1s infinite")),
        "wide text": secret(
            f"{place(10, 60, 20, 20)}white-space:nowrap;color:red;text-shadow:0 14px red", "secret " * 6
        ),
        "generated": secret("position:absolute;left:10px;top:110px", "x", more="generated"),
        "holder": secret("", page.element("b", "x", style=red(200, 100, "opacity:1 !important"))),
        "moving": secret(red(10, 160, "animation:moved 1s linear infinite")),
        "turned": secret(red(400, 100, "transform:rotate(30deg) scale(1.5)")),
        "contents": secret("display:contents;color:red", page.element("i", style=red(500, 10)), "red"),
        "square": page.element("div", style=f"{place(10, 340)}background:blue"),
        "host": page.shadow(page.element("x-host", style="position:absolute;left:10px;top:220px"), secret(red(0, 0))),
        "scrolling": page.element(
            "div", secret("height:500px;background:red"), style=f"{place(100, 220, 60, 50)}overflow:auto"
        ),
        "frame": page.element("iframe", style=f"{place(200, 220, 150, 100)}border:5px solid blue"),
    }
    page.show(page.document([*shown.values()], CSS))
    return page.attach(20, shown["frame"], page.document([secret(red(50, 30))])), shown


async def test_nothing_that_is_masked_is_seen(chromium: ChromiumSettings) -> None:
    page, shown = unruly_page()
    page.change(200, shown["late"], class_="secret")
    page.change(300, shown["plain"], style=red(10, 10, "transition:all 9s;opacity:1 !important;left:30px"))
    page.append(400, shown["holder"], page.element("u", style=red(560, 300)))
    page.scroll(500, shown["scrolling"], 200)
    frames, counts = await render(page.end(900), (".secret", "#nothing"), chromium)
    by_index = {frame.index: frame.picture for frame in frames}
    masked_from = 5  # the late one is masked in the frame at 200 ms
    left = {index: count_red(picture) for index, picture in by_index.items() if index >= masked_from}
    assert set(left.values()) == {0}, f"red pixels by frame: {left}"
    assert len(left) > 10, "the moving one moves on"
    last = frames[-1].picture
    assert colour_at(last, 40, 360) == BLUE, "what is not masked is seen"
    assert colour_at(last, 130, 20) == BLACK
    assert colour_at(last, 220, 30) == BLACK
    assert colour_at(last, 590, 320) == BLACK, "what is added later is masked too"
    assert colour_at(last, 280, 275) == BLACK, "in a frame"
    assert colour_at(last, 203, 222) == BLUE, "beside it"
    assert colour_at(last, 130, 240) == BLACK
    assert colour_at(last, 130, 290) == WHITE, "what scrolls away is not covered where it is not"
    assert counts.masked == {".secret": 13, "#nothing": 0}


async def test_what_an_element_shows_outside_of_its_own_box_is_masked_too(chromium: ChromiumSettings) -> None:
    """The background of a body is that of the whole page, and a list box shows the text of what is chosen in it."""
    page = Page(320, 200)

    def choice(top: int, *names: str) -> Node:
        options = [page.element("option", "one"), page.element("option", "two", selected="selected")]
        for option, name in zip(options, names, strict=True):
            option["attributes"]["class"] = name
        return page.element("select", *options, style=f"{place(200, top, 80, 20)}background:red;color:red")

    frame = page.element("iframe", style=f"{place(0, 0, 150, 100)}border:5px solid blue")
    page.show(page.document([frame, choice(0, "", "secret"), choice(40, "secret", "")]))
    inner = page.document([page.element("p", "x")], "body{background:red;height:20px}")
    inner["childNodes"][1]["childNodes"][1]["attributes"]["class"] = "secret"
    frames, counts = await render(page.attach(20, frame, inner).end(200), (".secret",), chromium)
    last = frames[-1].picture
    assert {colour_at(last, x, y) for x in (7, 150) for y in (7, 100)} == {BLACK}
    assert (colour_at(last, 2, 2), colour_at(last, 210, 10), colour_at(last, 204, 44)) == (BLUE, BLACK, RED)
    assert counts.masked == {".secret": 3}


REFUSED = (
    "[data-x=secret",
    ".secret:not(.a",
    ".other/*",
    '[title="a',
    ".secret::before",
    ".secret::first-line",
    ".a{} .b",
    ".a{color:red}",
    ".a}",
    "a) , (b",
    "@media all",
    ":host",
    ".a &",
    "",
    " ",
    ",",
    ".a,",
    "div[",
)
TAKEN = (
    ".secret",
    "#a > .b ~ [data-x='y z']",
    "a, b",
    ":is(.a, .b):not(.c)",
    "x-host",
    "input[type=password]",
    "\\31 23",
    "*",
)


async def test_a_selector_is_taken_as_the_browser_reads_it_or_refused(chromium: ChromiumSettings) -> None:
    recorded = Page()
    recording = recorded.show(recorded.document([recorded.element("p", "x")])).end(100).recording()
    beginning = choose_beginning(recording.index, 0)

    def masked_by(*selectors: str) -> Scene:
        return Scene(320, 200, 1, "#ffffff", recording.start_ms, (320, 200), selectors)

    async with open_page(chromium, Stage(320, 200)) as page:
        player = Player(page)
        taken = []
        for selector in REFUSED:
            with contextlib.suppress(InvalidRequest):
                await player.open(masked_by(".before", selector, ".after"))
                taken.append(selector)
        assert taken == []
        with pytest.raises(InvalidRequest, match=r"mask_selectors: 'a:' is no CSS selector of elements"):
            await player.open(masked_by("a:"))
        await player.open(masked_by(*TAKEN))
        await player.open_window(beginning, canvas=False, canvas_recorded=False)
        await ChunkFeed(recording, player, beginning).begin()
        await player.load()
        masked = (await player.seek(0)).masked
        assert len(masked.counts) == len(TAKEN)
        assert masked.counts[-1] > 0


def test_places_of_masks_are_whole_pixels_and_larger_rather_than_smaller() -> None:
    boxes = place_masks([(10.2, 5.5, 3.1, 2.0), (-50, -50, 10, 10), (310, 190, 100, 100)], (2, 1, 0.5), 2.0, (320, 200))
    assert boxes == ((13, 6, 19, 11), (313, 191, 320, 200))
    picture = np.full((200, 320, 4), 255, np.uint8)
    drawn = draw_masks(picture, boxes)
    assert picture.min() == 255, "what was captured stays as it is"
    assert (
        np.flatnonzero((drawn[..., 0] == 0).any(axis=1)).tolist() == np.flatnonzero(rows_of_masks(boxes, 200)).tolist()
    )
    assert draw_masks(picture, ()) is picture
