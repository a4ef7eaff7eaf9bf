"""Linked images, fonts and style sheets, from hosts on loopback to pixels."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.asset_hosts import AssetHosts, Names, serving_assets
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import lay_out, look
from tests.snapshots import Page
from video_export_worker.assets.found import read_links
from video_export_worker.assets.gathering import AssetGatherer
from video_export_worker.assets.recorded import write_payload
from video_export_worker.contract import AssetMode, AssetTable, Mouse, VideoExportRequest
from video_export_worker.pipeline import plan_export
from video_export_worker.recording import RecordingLimits, open_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.answers import TABLE_NAME, open_answers
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.storage import Storage

RED, GREEN, BLUE = (255, 0, 0), (0, 128, 0), (0, 0, 255)


@pytest.fixture
def hosts() -> Iterator[AssetHosts]:
    with serving_assets() as serving:
        yield serving


def svg(colour: str, width: int = 20, height: int = 20) -> bytes:
    box = f'width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}><rect {box} fill="{colour}"/></svg>'.encode()


async def export(
    page: Page,
    folder: Path,
    hosts: AssetHosts,
    chromium: ChromiumSettings,
    *,
    mode: AssetMode = AssetMode.FETCH,
    pieces: int = 1,
    **settings: Any,
) -> tuple[list[Picture], AssetTable, RenderCounts]:
    """Plan, gather and render; every frame."""
    source, artefact = folder / "recording.json", folder / "artefact"
    await asyncio.to_thread(shutil.rmtree, artefact, ignore_errors=True)
    artefact.mkdir()
    source.write_text(json.dumps(page.events))
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    await plan_export([source], request, artefact, limits=RecordingLimits())
    root = f"file://{folder}/storage"
    gatherer = AssetGatherer(hosts.settings(**settings), Storage(root), root, resolver=Names())
    table = AssetTable()
    if (found := read_links(artefact)) is not None:
        table = await gatherer.gather(found, artefact, mode)
        await gatherer.bring(table, artefact)
        (artefact / TABLE_NAME).write_text(table.model_dump_json())
    recording, counts = open_recording(artefact), RenderCounts()
    timeline, options = lay_out(recording), look(recording, mouse=Mouse(cursor=False))
    step = -(-timeline.frames // pieces)
    shown: list[Picture] = []
    for first in range(0, timeline.frames, step):
        frames = range(first, min(first + step, timeline.frames))
        rendered = render_frames(
            recording, timeline, options, frames, chromium=chromium, counts=counts, assets=open_answers(artefact)
        )
        async for frame in rendered:
            shown += shown[-1:] * (frame.index - len(shown))
            shown.append(frame.picture.copy())
        shown += shown[-1:] * (frames.stop - len(shown))
    return shown, table, counts


def colour(picture: Picture, x: int, y: int) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in picture[y, x, 2::-1])
    return red, green, blue


def digests(frames: list[Picture]) -> list[str]:
    return [hashlib.sha256(np.ascontiguousarray(frame).tobytes()).hexdigest() for frame in frames]


async def test_everything_that_is_linked_is_there_from_the_first_frame_on(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    picture = hosts.put("/red.svg", svg("red"), headers={"Content-Type": "image/svg+xml"})
    hosts.put("/deep/blue.svg", svg("blue"))
    hosts.put("/deep/more.css", b".b{background:url(blue.svg)}")
    sheet = hosts.put(
        "/app.css",
        b"@import 'deep/more.css'; .a{background:green}",
        headers={"Content-Type": "text/css; charset=utf-8"},
    )
    page = Page()
    box = "position:absolute;width:20px;height:20px;left:0"
    page.show(
        page.document(
            [
                page.element("img", src=picture, style=f"{box};top:0"),
                page.element("div", class_="a", style=f"{box};top:30px"),
                page.element("div", class_="b", style=f"{box};top:60px"),
                page.element("div", style=f"{box};top:90px;background:url('{picture}')"),
                page.element("input", type="image", src=picture, style=f"{box};top:120px"),
                page.svg("svg", page.svg("image", href=picture, width="20", height="20"), style=f"{box};top:150px"),
            ],
            head=[page.element("link", rel="stylesheet", href=sheet)],
        )
    ).end(400)
    frames, table, counts = await export(page, tmp_path, hosts, chromium)
    expected = {0: RED, 30: GREEN, 60: BLUE, 90: RED, 120: RED, 150: RED}
    assert {top: colour(frames[0], 10, top + 10) for top in expected} == expected, table
    assert (table.counts.found, table.counts.fetched, table.counts.missing) == (4, 4, [])
    assert counts.warnings == []
    assert len(set(digests(frames))) == 1, "something came late"
    again, table, _ = await export(page, tmp_path, hosts, chromium)
    assert (table.counts.fetched, table.counts.cached) == (0, 4)
    assert digests(again) == digests(frames)
    assert max(hosts.asked.values()) == 1, "the store was not used"


FONT = Path(__file__).parent / "fidelity" / "media" / "blocks.woff2"


def a_page_with_everything(hosts: AssetHosts, *, inline: bool = False) -> Page:
    """Linked pictures, styles and a web font, at once and in changes; or the same as data URLs."""
    font = FONT.read_bytes()

    def at(name: str, body: bytes, kind: str) -> str:
        url = hosts.put(name, body, headers={"Content-Type": kind})
        return f"data:{kind};base64,{base64.b64encode(body).decode()}" if inline else url

    red, blue = at("/red.svg", svg("red"), "image/svg+xml"), at("/blue.svg", svg("blue"), "image/svg+xml")
    face = at("/font.woff2", font, "font/woff2")
    rules = ".late{background:green}"
    sheet = at("/late.css", rules.encode(), "text/css")
    page = Page()
    box = "position:absolute;width:20px;height:20px;left:0"
    image, late = page.element("img", src=red, style=f"{box};top:0"), page.element("div", style=f"{box};top:60px")
    css = f"@font-face{{font-family:f;src:url('{face}')}}.b{{background:url('{blue}')}}"
    text = page.element("div", "AB", style="position:absolute;left:60px;top:0;font:40px f")
    hidden = page.element("div", class_="none", style=f"{box};top:30px")
    page.show(page.document([image, late, text, hidden], css))
    page.change(200, image, src=blue)
    page.change(300, hidden, class_="b")
    linked = page.element("link", rel="stylesheet", href=sheet)
    page.append(400, late, page.element("style", rules) if inline else linked)
    page.change(500, late, class_="late")
    return page.end(800)


async def test_what_is_linked_looks_as_what_is_in_the_recording_in_any_segment(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    page = a_page_with_everything(hosts)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole, table, counts = await export(page, tmp_path / "a", hosts, chromium)
    assert (table.counts.missing, counts.warnings) == ([], [])
    inline, _, _ = await export(a_page_with_everything(hosts, inline=True), tmp_path / "b", hosts, chromium)
    assert [n for n, (a, b) in enumerate(zip(digests(whole), digests(inline), strict=True)) if a != b] == []
    assert colour(whole[-1], 10, 10) == BLUE
    assert colour(whole[-1], 10, 70) == GREEN
    cut, _, _ = await export(page, tmp_path / "a", hosts, chromium, pieces=4)
    assert digests(cut) == digests(whole)


async def test_what_is_missing_is_a_quiet_box_and_moves_nothing(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    page = Page()
    box = "position:absolute;width:40px;height:30px;left:0"
    gone = hosts.url("/gone.png")
    page.show(
        page.document(
            [
                page.element("img", src=gone, alt="An image that is gone", style=f"{box};top:0"),
                page.element("img", src="blob:http://page.test/1", style=f"{box};top:40px"),
                page.element("div", style=f"{box};top:80px;background:red url('{hosts.url('/gone-too.png')}')"),
                page.element("img", src=gone, width="40", height="30", style="position:absolute;top:120px;left:0"),
                page.element("img", src="ftp://page.test/x.png", style=f"{box};top:160px"),
            ]
        )
    ).end(200)
    for mode in AssetMode:
        frames, table, counts = await export(page, tmp_path, hosts, chromium, mode=mode)
        shown = {top: colour(frames[0], 20, top + 15) for top in (0, 40, 80, 120)}
        quiet = shown[0]
        assert quiet not in (RED, (255, 255, 255)), shown
        assert shown == {0: quiet, 40: quiet, 80: RED, 120: quiet}
        for top in (0, 40, 120):
            inside = frames[0][top : top + 30, 0:40]
            assert (inside == inside[0, 0]).all(), "a broken-image icon, or a text"
        assert table.counts.missed == 2
        assert counts.warnings == []


async def test_a_recording_that_holds_its_assets_asks_nobody(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    """Asset events come after what shows them, and elements name them by `rr_captured_` attributes."""
    page = Page()
    url, sheet = hosts.url("/red.svg"), hosts.url("/a.css")
    box = "position:absolute;width:20px;height:20px;left:0"
    link = page.element("link", rel="stylesheet", rr_captured_href=sheet)
    image = page.element("img", rr_captured_src=url, style=f"{box};top:0")
    page.show(page.document([image, page.element("div", class_="a", style=f"{box};top:30px")], head=[link]))
    page.add(100, 7, {"url": url, "payload": write_payload("image/svg+xml", svg("red"))})
    page.add(110, 7, {"url": sheet, "payload": {"rr_type": "CssText", "cssText": ".a{background:green}"}})
    page.add(120, 7, {"url": url + "2", "failed": {"status": 404}})
    frames, table, _ = await export(page.end(200), tmp_path, hosts, chromium)
    assert (colour(frames[0], 10, 10), colour(frames[0], 10, 40)) == (RED, GREEN)
    assert (table.counts.found, table.counts.cached, table.counts.missing) == (2, 2, [])
    assert not hosts.asked


async def test_an_svg_with_a_script_is_a_picture(hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings) -> None:
    body = svg("green").replace(
        b"</svg>",
        b"<script>document.documentElement.remove();fetch('/x')</script><animate/>"
        b"<image href='/more.png' width='20' height='20'/></svg>",
    )
    page = Page()
    url = hosts.put("/evil.svg", body)
    page.show(page.document([page.element("img", src=url, style="position:absolute;left:0;top:0")]))
    frames, _, _ = await export(page.end(200), tmp_path, hosts, chromium)
    assert colour(frames[0], 10, 10) == GREEN
    assert list(hosts.asked) == ["/evil.svg"]


async def test_a_linked_clip_shows_what_one_in_the_recording_shows(
    hosts: AssetHosts, tmp_path: Path, chromium: ChromiumSettings
) -> None:
    body = (FONT.parent / "clip.webm").read_bytes()
    shown = []
    for name, url in {
        "linked": hosts.put("/clip.webm", body),
        "inline": f"data:video/webm;base64,{base64.b64encode(body).decode()}",
    }.items():
        page = Page()
        clip = page.element("video", src=url, style="position:absolute;left:0;top:0;width:200px;height:150px")
        page.show(page.document([clip])).end(300)
        (tmp_path / name).mkdir()
        frames, table, counts = await export(page, tmp_path / name, hosts, chromium)
        assert (table.counts.missing, counts.warnings) == ([], [])
        shown.append(digests(frames)[-1])
    assert shown[0] == shown[1]
