"""A fault of one event costs that event, at most: the rest is shown, and a warning says what was left out."""

from __future__ import annotations

import json
import random
import re
import time

import numpy as np
import pytest

from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import lay_out, look
from tests.snapshots import Page
from video_export_worker.contract import Mouse
from video_export_worker.errors import RecordingInvalid
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.settings import ChromiumSettings

GREEN, RED, WHITE = (0, 128, 0), (255, 0, 0), (255, 255, 255)
BOX = "position:absolute;left:0;width:60px;height:40px;background:{};top:{}px"


def by_lines(page: Page) -> Recording:
    """The recording with an event in each line, so that lines have numbers."""
    return parse_recording(["\n".join(map(json.dumps, page.events)).encode()])


async def show(
    recording: Recording, chromium: ChromiumSettings, *, strict: bool = False, fps: float = 5
) -> tuple[list[Picture], list[str]]:
    """The frames that differ, the last one at last, and the warnings."""
    timeline, counts = lay_out(recording, fps=fps), RenderCounts()
    options = look(recording, mouse=Mouse(cursor=False, clicks=False), strict=strict)
    rendered = render_frames(recording, timeline, options, range(timeline.frames), chromium=chromium, counts=counts)
    shown = [frame.picture.copy() async for frame in rendered]
    return shown, counts.warnings


def colour(picture: Picture, x: int, y: int) -> tuple[int, ...]:
    return tuple(picture[y, x, 2::-1].tolist())


def faulty_page() -> tuple[Page, dict[int, str]]:
    """A red box that becomes green at last, and faults before; for each line with one, what the warning says."""
    page = Page()
    box = page.element("div", style=BOX.format("red", 0))
    words = page.text("words")
    plain = page.element("div", words, style="position:absolute;top:100px")
    document = page.document([box, plain])
    body = document["childNodes"][1]["childNodes"][1]
    page.show(document)
    told: dict[int, str] = {}

    def tell(message: str) -> None:
        told[len(page.events)] = message

    inner = page.document([page.element("p", "inner")])
    page.attach(100, plain, inner)
    tell("mutation: left out one of its `adds`: a document was put into div")
    page.add(200, 3, {"source": 7, "type": 0, "id": plain["id"]})
    tell("media interaction: node .* is no audio or video but div")
    sibling = page.element("div", style=BOX.format("green", 50))
    orphan = {"parentId": 9999, "nextId": None, "node": page.element("p")}
    placed = {"parentId": body["id"], "nextId": 8888, "node": sibling}
    page.add(300, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [orphan, placed]})
    tell("mutation: left out 1 of 2 `adds`: node 9999, the parent, is not in the page")
    into_text = {"parentId": words["id"], "nextId": None, "node": page.element("b")}
    page.add(400, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [into_text]})
    tell(r"mutation: left out one of its `adds` \(node \d+\): HierarchyRequestError")
    page.add(500, 3, {"source": 13, "id": document["id"], "index": [7, 7], "set": {"property": 1}})
    wrong_parent = {"id": plain["id"], "parentId": 7777}
    page.add(600, 3, {"source": 0, "texts": [], "attributes": [], "removes": [wrong_parent], "adds": []})
    page.change(900, box, style=BOX.format("green", 0))
    return page.end(1200), told


async def test_what_a_page_cannot_take_is_left_out_and_told_with_its_line(chromium: ChromiumSettings) -> None:
    page, told = faulty_page()
    shown, warnings = await show(by_lines(page), chromium)
    assert colour(shown[-1], 30, 20) == GREEN, "what came after the faults is not shown"
    assert colour(shown[-1], 30, 70) == GREEN, "the sibling of what cannot be added is not shown"
    assert colour(shown[-1], 5, 110) == WHITE, "what was removed is still there"
    assert len(warnings) == len(told), warnings
    for (line, message), warning in zip(told.items(), warnings, strict=True):
        assert warning.startswith(f"not applied: the recording, line {line} (byte "), warning
        assert re.search(message, warning), warning


async def test_a_strict_export_ends_at_the_first_of_them(chromium: ChromiumSettings) -> None:
    page, _ = faulty_page()
    with pytest.raises(RecordingInvalid, match=r"line 3 \(byte .*only an iframe holds one; repair the recording"):
        await show(by_lines(page), chromium, strict=True)


MANY = 10_000


def many_adds(order: random.Random | None) -> Page:
    """A mosaic of nodes that are added in one mutation, each before the next; some lie in others."""
    page = Page()
    wall = page.element("div")
    page.show(page.document([wall], css="i{float:left;width:2px;height:2px}b{display:block;height:1px}"))
    adds = []
    tiles = [page.element("i", style=f"background:rgb({at % 256},{at // 256 * 6},90)") for at in range(MANY // 2)]
    for tile, after in zip(tiles, [*tiles[1:], None], strict=True):
        adds.append({"parentId": wall["id"], "nextId": after and after["id"], "node": tile})
        half = page.element("b", style="background:gold")
        adds.append({"parentId": tile["id"], "nextId": None, "node": half})
    if order:
        order.shuffle(adds)
    else:
        adds.reverse()
    return page.add(100, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": adds}).end(300)


async def test_nodes_may_be_listed_in_any_order(chromium: ChromiumSettings) -> None:
    orders = [None, random.Random(1)]
    pictures = [(await show(by_lines(many_adds(order)), chromium))[0][-1] for order in orders]
    assert (pictures[0][:60, :, 0] != 255).any(axis=1).sum() >= 60, "the mosaic is not there"
    for picture in pictures[1:]:
        assert np.array_equal(picture, pictures[0]), "the order of a list decides what is shown"


async def test_adopted_styles_reach_roots_that_come_later_or_again(chromium: ChromiumSettings) -> None:
    page = Page()
    late, moved = (page.element("x-card", style=BOX.format("red", top)) for top in (0, 50))
    first = page.element("div", class_="b")
    moved = page.shadow(moved, first)
    document = page.document([late, moved])
    body = document["childNodes"][1]["childNodes"][1]
    page.show(document)
    rules = [{"rule": ".b{background:green;height:100%}", "index": 0}]
    page.add(100, 3, {"source": 15, "id": late["id"], "styleIds": [1], "styles": [{"styleId": 1, "rules": rules}]})
    page.add(110, 3, {"source": 15, "id": moved["id"], "styleIds": [1, 2], "styles": []})
    card = {**page.element("div", class_="b"), "isShadow": True}
    page.append(300, late, card)
    page.remove(500, body, moved)
    page.append(600, body, moved)
    page.add(700, 3, {"source": 8, "styleId": 1, "adds": [{"rule": ".b{border-left:10px solid blue}", "index": 1}]})
    shown, warnings = await show(page.end(1000).recording(), chromium)
    assert warnings == []
    for y, name in ((20, "a root that came after its styles"), (70, "a host that was moved")):
        assert colour(shown[-1], 30, y) == GREEN, name
        assert colour(shown[-1], 5, y) == (0, 0, 255), f"{name}: a rule that was added later"


async def test_clips_that_cannot_be_had_are_not_waited_for(chromium: ChromiumSettings) -> None:
    page = Page()
    gone = "blob:http://page.test/0b1f"
    broken = "data:video/mp4;base64,AAAA"
    clips = [
        page.element("video", src=gone),
        page.element("video", page.element("source", src=gone), page.element("source", src=broken)),
        page.element("video", page.element("source", src="http://127.0.0.1:1/a.mp4")),
        page.element("audio", src=broken),
        page.element("video"),
    ]
    box = page.element("div", style=BOX.format("red", 0))
    page.show(page.document([box, *clips]))
    for at in range(30):
        page.change(100 + at * 100, box, style=BOX.format("green" if at % 2 else "red", 0))
    began = time.monotonic()
    shown, warnings = await show(page.end(3500).recording(), chromium)
    assert colour(shown[-1], 30, 20) == GREEN
    assert warnings == []
    assert time.monotonic() - began < 100, "time-outs were waited for: 5 s for each of thirty frames"


async def test_a_frame_that_a_checkout_forgets_keeps_what_it_holds(chromium: ChromiumSettings) -> None:
    page = Page()
    frame = page.element("iframe", style="border:0;width:200px;height:100px")
    document = page.document([frame])
    page.show(document)
    word = page.element("div", style="height:80px;background:red")
    shadowed = page.shadow(page.element("x-card"), page.element("div", style="height:20px;background:blue"))
    page.attach(40, frame, page.document([word, shadowed]))
    page.change(400, word, style="height:80px;background:green").show(document, at=1000)
    page.change(1400, word, style="height:60px;background:gold").end(2000)
    recording = page.recording()
    shown, warnings = await show(recording, chromium)
    assert warnings == []
    assert {colour(picture, 20, 20) for picture in shown[2:-1]} == {GREEN}, "the frame is not as it was"
    assert colour(shown[-1], 20, 20) == (255, 215, 0), "what changed in it after the checkout is not seen"
    assert colour(shown[-1], 20, 70) == (0, 0, 255), "its shadow tree is gone"
    beginning = choose_beginning(recording.index, 1900)
    assert beginning.at_ms == 0, "a replay that begins at the checkout would not know the frame"
