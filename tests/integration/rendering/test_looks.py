"""What a page is told that the user prefers, what was never painted, and what was not recorded: by their pixels."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.rendering.test_pipeline import video_export
from tests.integration.rendering.test_rendering import GREEN, WHITE, box, colour_at, render
from tests.snapshots import Page
from video_export_worker.contract import ColorScheme, Mouse
from video_export_worker.replay.settings import ChromiumSettings

BOX = (0xE3, 0xE6, 0xEA)
EDGE = (0xC3, 0xC9, 0xD0)
DARK_CANVAS = (0x12, 0x12, 0x12)  # Chromium's background of a page whose `color-scheme` is dark
TEAL, KHAKI = (0, 128, 128), (240, 230, 140)
DOT = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize("scheme", ColorScheme)
async def test_a_page_is_told_which_colours_the_user_prefers(scheme: ColorScheme, chromium: ChromiumSettings) -> None:
    """By media queries, `light-dark()`, `picture`, the canvas's own background; in frames and after a checkout, too."""
    page = Page()
    is_dark = scheme is ColorScheme.DARK
    css = """
      :root{color-scheme:light dark} div{position:absolute;left:0;width:40px;height:40px;background:khaki}
      @media (prefers-color-scheme: dark){.query{background:teal}} .function{background:light-dark(khaki,teal)}
      iframe{position:absolute;left:100px;top:0;width:60px;height:60px;border:0}
    """
    frame = page.element("iframe")
    parts = [
        page.element("div", class_="query"),
        page.element("div", class_="function", style="top:50px"),
        frame,
    ]
    document = page.document(parts, css)
    inside = page.document(
        [page.element("b", style="display:block;height:60px", class_="inner")],
        "@media (prefers-color-scheme: dark){.inner{background:teal}} .inner{height:60px}",
    )
    page.show(document).attach(0, frame, inside).show(document, 400).attach(400, frame, inside).end(700)
    frames = await render(page.recording(), chromium, color_scheme=scheme, mouse=Mouse(cursor=False))
    expected = TEAL if is_dark else KHAKI
    for frame_ in (frames[0], frames[-1]):
        assert (colour_at(frame_, 20, 20), colour_at(frame_, 20, 70)) == (expected, expected)
        assert colour_at(frame_, 130, 30) == (TEAL if is_dark else WHITE)
        assert colour_at(frame_, 300, 190) == (DARK_CANVAS if is_dark else WHITE)


def write(page: Page, folder: Path) -> Path:
    path = folder / "recording.json"
    path.write_text(json.dumps(page.events))
    return path


@pytest.mark.parametrize("strict", [False, True], ids=["told", "refused where strict"])
def test_a_video_that_shows_nothing(strict: bool, tmp_path: Path, chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([page.element("p", "unseen", style="opacity:0")], "body{background:navy}"))
    page.move(100, 50, 50, page.element("i")).end(600)
    target = tmp_path / "video.mp4"
    arguments = [write(page, tmp_path), "-o", target, "--json", *(["--strict"] if strict else [])]
    environment = {"VIDEO_EXPORT_CHROMIUM": chromium.find_executable(), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = video_export("render", *arguments, **environment)
    told = "nothing is to be seen: every frame of the page is #000080"
    assert done.returncode == int(strict), done.stderr
    assert target.exists() is not strict
    if strict:
        failure = json.loads(done.stderr or done.stdout)
        assert "NothingVisible" in json.dumps(failure)
        assert told in json.dumps(failure)
    else:
        report: dict[str, Any] = json.loads(done.stdout)
        assert [warning for warning in report["warnings"] if told in warning]


async def test_a_canvas_without_pictures_is_a_box_where_nothing_was_recorded_of_any(chromium: ChromiumSettings) -> None:
    page = Page()
    place = "position:absolute;width:140px;height:60px"
    empty = page.element("canvas", style=f"{place};left:0;top:0")
    pictured = page.element("canvas", style=f"{place};left:160px;top:0;background:green", rr_dataURL=DOT)
    text = page.element("h1", "recorded", style="margin:0;position:absolute;left:0;top:80px")
    over = page.element("canvas", style=f"{place};left:0;top:80px")
    small = page.element("canvas", style="position:absolute;left:160px;top:80px;width:10px;height:60px")
    page.show(page.document([empty, pictured, text, over, small]))
    page.change(300, over, style=f"{place};left:160px;top:120px").end(600)
    frames = await render(page.recording(), chromium, mouse=Mouse(cursor=False))
    first, last = frames[0], frames[-1]
    assert (colour_at(first, 70, 10), colour_at(first, 0, 30)) == (BOX, EDGE)
    label = first.picture[22:38, 10:130, :3]
    assert (label != label[0, 0]).any(), "it says what is missing"
    assert colour_at(first, 230, 10) == GREEN
    assert colour_at(first, 130, 130) == WHITE, "nothing lies over what was recorded"
    assert colour_at(first, 165, 110) == WHITE, "too small for content"
    assert colour_at(last, 230, 130) == BOX, "it lies over nothing any more"


async def test_a_canvas_is_empty_where_others_were_recorded(chromium: ChromiumSettings) -> None:
    page = Page()
    empty, drawn = (page.element("canvas", width="100", height="60", style="display:block") for _ in range(2))
    page.show(page.document([box(page, "khaki"), empty, drawn]))
    fill = [
        {"property": "fillStyle", "args": ["teal"], "setter": True},
        {"property": "fillRect", "args": [0, 0, 100, 60]},
    ]
    page.add(200, 3, {"source": 9, "id": drawn["id"], "type": 0, "commands": fill}).end(500)
    frames = await render(page.recording(), chromium, mouse=Mouse(cursor=False))
    assert np.all(frames[-1].picture[85:135, :95, :3] == 255)
    assert colour_at(frames[-1], 50, 170) == TEAL


def png(red: int, green: int, blue: int, width: int, height: int) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes((red, green, blue)) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(row * height))
        + chunk(b"IEND", b"")
    )


async def test_pictures_that_products_take_of_canvases_are_drawn(chromium: ChromiumSettings) -> None:
    """Several times a second, as bitmaps of blobs (rrweb with `sampling.canvas`, PostHog, Sentry); two in a moment."""
    page = Page()
    first, second = (page.element("canvas", width="100", height="60", style="display:block") for _ in range(2))
    page.show(page.document([first, second]))

    def take(at: int, canvas: dict[str, Any], picture: bytes) -> None:
        buffer = {"rr_type": "ArrayBuffer", "base64": base64.b64encode(picture).decode()}
        bitmap = {"rr_type": "ImageBitmap", "args": [{"rr_type": "Blob", "data": [buffer], "type": "image/png"}]}
        commands = [
            {"property": "clearRect", "args": [0, 0, 100, 60]},
            {"property": "drawImage", "args": [bitmap, 0, 0, 100, 60]},
        ]
        page.add(at, 3, {"source": 9, "id": canvas["id"], "type": 0, "commands": commands})

    for number, at in enumerate(range(100, 900, 40)):
        take(at, first, png(10 * number, 128, 0, 200, 120))
        take(at, second, png(0, 0, 10 * number, 200, 120))
    frames = await render(page.end(1000).recording(), chromium, mouse=Mouse(cursor=False))
    shown = {frame.index: (colour_at(frame, 50, 30), colour_at(frame, 50, 90)) for frame in frames}
    assert shown[0] == (WHITE, WHITE)
    for number in range(20):
        assert shown[3 + number] == ((10 * number, 128, 0), (0, 0, 10 * number))
