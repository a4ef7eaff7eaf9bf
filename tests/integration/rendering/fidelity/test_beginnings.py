"""What a frame shows after a full snapshot does not depend on what was replayed before it: a replay can begin there."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from tests.integration.rendering.fidelity.gallery import media
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import by_product, by_reference, lay_out, list_differences, look
from tests.snapshots import Node, Page
from video_export_worker.recording import Recording
from video_export_worker.recording.beginnings import choose_beginning
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.settings import ChromiumSettings

CHECKOUT_MS, END_MS, FRAME_MS = 1200, 2400, 40
LATER = range(CHECKOUT_MS // FRAME_MS, END_MS // FRAME_MS + 1)
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf")
CSS = """
body{height:900px} p,div,input{margin:0 0 4px;font:12px DejaVu Sans} .box{width:20px;height:20px;background:crimson}
@keyframes go{to{translate:200px}}
.once{animation:go 2s linear} .kept{animation:go .4s linear forwards} .ever{animation:go 1s linear infinite}
.late{animation:go 1s linear infinite;animation-delay:.3s;animation-play-state:running}
.turn{transition:background .5s} .turn:hover,.menu:hover{background:gold} input:focus{outline:4px solid lime}
.own{font-family:Recorded,serif} iframe{width:120px;height:40px;border:0} img,video{width:32px;height:24px}
"""


class Rich:
    """A page with everything that has a state of its own."""

    def __init__(self) -> None:
        self.page = Page()
        page = self.page
        self.scrolled = page.element(
            "div", page.element("div", style="height:400px;background:linear-gradient(red,blue)")
        )
        self.field = page.element("input", value="typed")
        self.menu = page.element("div", "menu", class_="turn")
        self.frame = page.element("iframe")
        self.host = page.shadow(page.element("x-host"), page.element("p", "in the shadow"))
        self.clip = page.element("video", src=media("clip.webm", "video/webm"), rr_mediaState="played")
        self.style = page.element("style", "p{padding:2px}")
        self.title = page.element("p", "a font that was added", class_="own")
        kinds = ("once", "kept", "ever", "late")
        self.boxes = [page.element("div", class_=f"box {kind}") for kind in kinds]
        self.turning = page.element("div", class_="turn box")
        circle = [
            page.svg("circle", page.svg("animate", attributeName="cx", to="300", dur="1s", **more), cy="8", r="8")
            for more in ({"repeatCount": "indefinite"}, {"fill": "freeze"})
        ]
        self.svgs = [page.svg("svg", each, width="320", height="16") for each in circle]
        self.document = page.document(
            [
                *self.boxes, self.turning, self.menu, self.field, self.scrolled, self.frame, self.host, self.clip,
                page.element("img", src=media("wheel.gif", "image/gif")), *self.svgs, self.title,
            ],
            CSS,
            head=[self.style],
        )  # fmt: skip
        self.scrolled["attributes"]["style"] = "height:40px;overflow:auto"

    def inner(self) -> Node:
        """What the frame holds: it moves as well."""
        page = self.page
        boxes = [page.element("div", class_=f"box {kind}") for kind in ("once", "ever")]
        return page.document([page.element("p", "inner"), *boxes], CSS)

    def begin(self, at: int) -> None:
        """A snapshot as a recorder takes it, and what comes right after it: the frame, the adopted sheets."""
        page = self.page
        page.show(self.document, at)
        page.attach(at + 3, self.frame, self.inner())
        rules = [{"rule": "p{color:teal;transition:color 1s}", "index": 0}]
        sheet = {"source": 15, "styles": [{"styleId": 1, "rules": rules}], "styleIds": [1]}
        page.add(at + 4, 3, {**sheet, "id": self.host["id"]})
        page.add(at + 4, 3, {**sheet, "id": self.document["id"]})


def record(*, is_loaded: bool) -> Recording:
    """A page that is used for a while; then a snapshot of it is taken, or it is loaded anew."""
    rich = Rich()
    page = rich.page
    rich.begin(0)
    font = json.dumps(list(FONT.read_bytes()))
    page.add(50, 3, {"source": 10, "family": "Recorded", "fontSource": font, "buffer": True, "descriptors": {}})
    page.move(300, 5, 5, rich.menu).interact(350, 5, rich.field).scroll(400, rich.scrolled, 120)
    page.scroll(500, rich.document, 30)
    page.add(600, 3, {"source": 8, "id": rich.style["id"], "adds": [{"rule": "p{background:khaki}", "index": 1}]})
    page.add(650, 3, {"source": 5, "id": rich.field["id"], "text": "typed more", "isChecked": False})
    page.add(700, 3, {"source": 14, "ranges": [_range(rich.title, 2, 8)]})
    page.change(1100, rich.turning, style="background:blue")
    page.add(1150, 5, {"tag": "enough for a chunk", "payload": "x" * 70_000})
    if is_loaded:
        page.add(CHECKOUT_MS - 60, 0, {}).add(CHECKOUT_MS - 50, 1, {})
    rich.field["attributes"]["value"] = "typed more"
    rich.turning["attributes"]["style"] = "background:blue"
    rich.scrolled["attributes"]["rr_scrollTop"] = 120
    rich.style["childNodes"][0]["textContent"] = "p{padding:2px} p{background:khaki}"
    rich.clip["attributes"]["rr_mediaCurrentTime"] = 1.2
    rich.begin(CHECKOUT_MS)
    page.events[-4]["data"]["initialOffset"]["top"] = 30
    page.change(1700, rich.turning, style="background:green").move(2000, 5, 5, rich.title)
    return page.end(END_MS).recording()


def _range(node: Node, start: int, end: int) -> dict[str, int]:
    text = node["childNodes"][0]["id"]
    return {"start": text, "startOffset": start, "end": text, "endOffset": end}


async def from_there(recording: Recording, frames: range, chromium: ChromiumSettings) -> list[Picture]:
    """The frames of a segment that begins within the video."""
    timeline = lay_out(recording)
    shown: list[Picture] = []
    rendered = render_frames(recording, timeline, look(recording), frames, chromium=chromium, counts=RenderCounts())
    async for frame in rendered:
        shown += shown[-1:] * (frame.index - frames.start - len(shown))
        shown.append(frame.picture.copy())
    return shown + shown[-1:] * (len(frames) - len(shown))


@pytest.mark.parametrize("is_loaded", [False, True], ids=["a checkout", "a page that is loaded anew"])
async def test_a_segment_that_begins_at_a_snapshot_shows_the_same(is_loaded: bool, chromium: ChromiumSettings) -> None:
    recording = record(is_loaded=is_loaded)
    timeline, options = lay_out(recording), look(recording)
    whole = await by_product(recording, timeline, options, chromium)
    reference = await by_reference(recording, timeline, options, chromium)
    differences = list_differences(whole, reference, timeline)
    assert len(differences) <= 1, "\n".join(differences)  # a clip may be a frame late
    for first in (LATER.start, LATER.start + 17):
        frames = range(first, timeline.frames)
        assert choose_beginning(recording.index, timeline.recording_ms(first)).chunk == 1
        part = await from_there(recording, frames, chromium)
        differences = list_differences(part, whole[first:], timeline)
        assert len(differences) <= 1, f"from frame {first} on\n" + "\n".join(differences)


def is_gold(picture: Picture) -> bool:
    return bool((picture[..., :3] == (0, 215, 255)).all(axis=2).any())


def is_lime(picture: Picture) -> bool:
    return bool((picture[..., :3] == (0, 255, 0)).all(axis=2).any())


async def test_a_checkout_is_not_seen(chromium: ChromiumSettings) -> None:
    """What was hovered, focused and over still is; what is loaded anew begins anew."""
    before, after = CHECKOUT_MS // FRAME_MS - 1, CHECKOUT_MS // FRAME_MS + 3
    recording = record(is_loaded=False)
    shown = await by_product(recording, lay_out(recording), look(recording), chromium)
    assert is_gold(shown[before]), "the menu was not hovered before the checkout"
    assert is_gold(shown[after]), "the menu lost the pointer at the checkout"
    assert is_lime(shown[before]), "the field had no focus before the checkout"
    assert is_lime(shown[after]), "the field lost the focus at the checkout"
    loaded = record(is_loaded=True)
    anew = await by_product(loaded, lay_out(loaded), look(loaded), chromium)
    assert not is_gold(anew[after])
    assert not is_lime(anew[after])
    assert not np.array_equal(shown[after], anew[after])


def record_pages_between_frames() -> Recording:
    """Several snapshots between two frames: a font, the size and the pointer of pages that are passed over."""
    page = Page()
    titles = [page.element("p", f"the page {number}", class_="own turn") for number in range(6)]
    documents = [page.document([title], CSS) for title in titles]
    page.show(documents[0])
    font = json.dumps(list(FONT.read_bytes()))
    page.add(41, 3, {"source": 10, "family": "Recorded", "fontSource": font, "buffer": True, "descriptors": {}})
    for number, document in enumerate(documents[1:4]):
        page.show(document, 45 + 5 * number).move(47 + 5 * number, 5, 5, titles[number + 1])
    page.add(62, 3, {"source": 4, "width": 300, "height": 180})
    page.width, page.height = 300, 180
    page.show(documents[4], 65).change(67, titles[4], class_="own box")
    page.add(121, 0, {}).add(122, 1, {}).show(documents[5], 125).show(documents[5], 130)
    return page.end(400).recording()


async def test_pages_that_no_frame_shows_leave_what_a_page_keeps(chromium: ChromiumSettings) -> None:
    recording = record_pages_between_frames()
    timeline, options = lay_out(recording), look(recording)
    shown = await by_product(recording, timeline, options, chromium)
    reference = await by_reference(recording, timeline, options, chromium)
    assert list_differences(shown, reference, timeline) == []
    assert len({frame.tobytes() for frame in shown}) >= 3


@pytest.mark.parametrize("address", ["http://page.test/", "http://page.test/other"])
async def test_a_recorder_that_notes_no_loads_tells_by_address_and_count(
    address: str, chromium: ChromiumSettings
) -> None:
    """A page of another address whose nodes are counted from 1 begins anew; else what was selected still is."""
    pages = [Page(), Page()]
    bodies = [[page.element("div", class_="box once"), page.element("p", "a text")] for page in pages]
    css = f"{CSS} ::selection{{background:fuchsia}}"
    first, second = (_count(page.document(body, css)) for page, body in zip(pages, bodies, strict=True))
    text = first["childNodes"][1]["childNodes"][1]["childNodes"][1]
    page = Page().show(first).add(100, 3, {"source": 14, "ranges": [_range(text, 0, 6)]})
    page.add(200, 5, {"tag": "enough for a chunk", "payload": "x" * 70_000}).show(second, 400)
    page.events[-2]["data"]["href"] = address
    recording = page.end(800).recording()
    timeline, options = lay_out(recording), look(recording)
    whole = await by_product(recording, timeline, options, chromium)
    reference = await by_reference(recording, timeline, options, chromium)
    assert list_differences(whole, reference, timeline) == []
    is_new = address != "http://page.test/"
    before, shown, later = whole[8], whole[13], whole[17]
    assert is_selected(before), "nothing was selected before"
    assert (is_selected(shown), np.array_equal(shown, later)) == (not is_new, not is_new)
    part = await from_there(recording, range(12, timeline.frames), chromium)
    assert list_differences(part, whole[12:], timeline) == []


def is_selected(picture: Picture) -> bool:
    """Whether something is selected: the page's sheet gives selections a colour of their own."""
    return bool((picture[..., :3] == (255, 0, 255)).all(axis=2).any())


def _count(node: Node) -> Node:
    """A tree whose nodes are counted from 1, as a recorder that begins counts them."""
    numbers = itertools.count(1)

    def count(each: Node) -> Node:
        number = next(numbers)
        children = [count(child) for child in each["childNodes"]] if "childNodes" in each else None
        return {**each, "id": number} if children is None else {**each, "id": number, "childNodes": children}

    return count(node)
