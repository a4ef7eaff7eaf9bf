"""What would act by itself is taken out of a recording, and what rrweb cannot build does not end the replay."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.rendering.fidelity.views import by_product, lay_out, look
from tests.snapshots import Node, Page
from video_export_worker.contract import Mouse
from video_export_worker.recording.beginnings import Beginning
from video_export_worker.replay.browser import open_page
from video_export_worker.replay.page import Stage
from video_export_worker.replay.player import Player, Scene
from video_export_worker.replay.settings import ChromiumSettings

GREEN, RED = (0, 128, 0), (255, 0, 0)
RED_PAGE = "<body style='background:red'>"
FRAME = "position:absolute;left:0;top:100px;border:0;width:150px;height:100px"


def with_attributes(node: Node, **attributes: Any) -> Node:
    """The node with attributes whose names are kept as they are."""
    node["attributes"] |= attributes
    return node


def acting_page(*, with_canvas: bool) -> Page:
    """A green square above a frame whose page was not recorded; everything else tries to show something else."""
    page = Page()
    square = page.element("div", style="width:100px;height:80px;background:green")
    frame = page.element("iframe", style=FRAME)
    capitals = with_attributes(page.element("iframe", style=FRAME), SRCDOC=RED_PAGE)
    refresh = {"content": f"0;url=data:text/html,{RED_PAGE}"}
    late, later = with_attributes(page.element("meta"), **refresh), with_attributes(page.element("p"), **refresh)
    heads = [
        with_attributes(page.element("META"), **refresh, **{"http-equiv": "refresh"}),
        with_attributes(page.element("meta"), **refresh, **{"HTTP-EQUIV": "refresh"}),
        with_attributes(page.element("meta"), **refresh, **{"http-equiv": " Refresh"}),
        late,
        later,
    ]
    below = page.element("div", style="position:absolute;top:2000px;height:3000px")
    focused = with_attributes(page.element("input", style="position:absolute;top:4000px"), AutoFocus="")
    canvas = [page.element("canvas", width="1", height="1")] if with_canvas else []
    page.show(page.document([square, frame, capitals, below, focused, *canvas], head=heads))
    page.change(200, late, http_equiv="refresh")
    page.change(200, later, **{"HTTP-EQUIV": "refresh"})
    page.change(200, frame, srcdoc=RED_PAGE)
    page.change(220, frame, SrcDoc=RED_PAGE)
    page.change(240, focused, autofocus="")
    return page.end(1500)


def unbuildable_page() -> Page:
    """A green square among nodes that no document can hold."""
    page = Page()
    names = ("constructor", "__proto__", "a b", "<script>", "", "SCRIPT", "1", "x" * 70_000)
    nodes: list[Any] = [page.element(name, "x", style="display:none") for name in names]
    nodes += [{**page.svg(name), "attributes": None} for name in ("", "a b", "a:b:c", "constructor", "SCRIPT")]
    nodes += [
        {**page.element(name), "isCustom": True} for name in ("div", "font-face", "Up-Per", "x y-z", "annotation-xml")
    ]
    hidden = {"style": "display:none"}
    nodes += [{**page.element(name, **hidden), "isShadowHost": True} for name in ("input", "img", "table", "font-face")]
    nodes += [page.element("div", rr_mediaState="played", rr_mediaVolume=0.5)]
    nodes += [page.element("video", rr_mediaVolume=7, rr_mediaPlaybackRate=99, rr_mediaCurrentTime=-1, **hidden)]
    nodes += [{**page.text(""), "attributes": 7, "childNodes": [{**page.element("p"), "attributes": True}, 3]}]
    nodes += [page.svg(name, **hidden) for name in ("video", "iframe", "canvas", "img")]
    nodes += [{"type": kind, "id": 10_000 + kind, "textContent": None} for kind in (1, 4, 5, 6, 99)]
    nodes += [{"type": 2, "id": 20_000, "tagName": None}, {"type": 3, "id": 20_001}, None, 7, [], "text"]
    nodes += [page.document([]), {**page.element("p"), "childNodes": {"length": 1}}]
    square = page.element("div", style="position:absolute;top:0;width:100px;height:80px;background:green")
    document = page.document([*nodes, square])
    document["childNodes"] += [
        page.text("beside the root"),
        page.element("html"),
        {"type": 1, "id": 30_000, "name": "<>"},
    ]
    page.show({**document, "compatMode": "BackCompat"})
    adds = [{"parentId": square["id"], "nextId": None, "node": node} for node in nodes]
    page.add(100, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": adds})
    broken: tuple[Any, ...] = (None, {}, [None, 7, {}], "text")
    for key in ("adds", "attributes", "removes", "texts"):
        for value in broken:
            page.add(200, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [], key: value})
    return page.end(600)


@pytest.mark.parametrize("with_canvas", [False, True], ids=["without scripts", "with the canvas mode"])
async def test_nothing_acts_by_itself(with_canvas: bool, chromium: ChromiumSettings) -> None:
    recording = acting_page(with_canvas=with_canvas).recording()
    shown = await by_product(recording, lay_out(recording), look(recording, mouse=Mouse(cursor=False)), chromium)
    assert {tuple(frame[40, 50, 2::-1].tolist()) for frame in shown} == {GREEN}, "the page was taken over"
    inside = {tuple(frame[150, 50, 2::-1].tolist()) for frame in shown}
    assert len(inside) == 1, f"what is in the frame changes: {inside}"
    assert inside != {RED}, "a frame shows what was not recorded, instead of a box that says so"


async def test_what_cannot_be_built_ends_no_replay(chromium: ChromiumSettings) -> None:
    recording = unbuildable_page().recording()
    shown = await by_product(recording, lay_out(recording), look(recording, mouse=Mouse(cursor=False)), chromium)
    assert tuple(shown[-1][40, 50, 2::-1].tolist()) == GREEN


# A search that begins again at each of these takes minutes: its time grows with the square of the length.
REPEATED = (
    "data:image/svg+xml,",
    "data:image/svg+xml",
    "data:image/svg+xml;base64,",
    "data:image/svg+xml;base64",
    "data:image/svg+xml,<svg",
    "data:image/gif",
    "data:image/gif;base64,",
    "data:image/png",
    "%3C%2Fsvg",
)


async def test_a_text_is_searched_in_a_time_in_proportion_to_its_length(chromium: ChromiumSettings) -> None:
    async with open_page(chromium, Stage(320, 240)) as page:
        player = Player(page)
        await player.open(Scene(320, 240, 1, "#ffffff", start_ms=0, page=(320, 240)))
        await player.open_window(Beginning(0, 0, 0, (320, 240), (), ()), canvas=False, canvas_recorded=False)
        for piece in REPEATED:
            text = piece * (1_500_000 // len(piece))
            chunk = json.dumps([{"type": 5, "timestamp": 1, "data": {"tag": "text", "payload": text}}])
            began = time.monotonic()
            await player.append(chunk, 0)
            taken = time.monotonic() - began
            assert taken < 10, f"{piece!r} again and again took {taken:.1f} s"
