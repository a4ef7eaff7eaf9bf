"""Frames from the real browser: exact in time, the same every time, and safe against the recording."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.rendering.fidelity.gallery import media
from tests.snapshots import Page
from tests.waiting import wait_for
from video_export_worker.capture import compositor_memory
from video_export_worker.composing.frames import Frame
from video_export_worker.contract import Mouse, VideoExportRequest
from video_export_worker.errors import InvalidRequest, RenderFailed
from video_export_worker.pictures import Picture
from video_export_worker.planning.timeline import build_timeline
from video_export_worker.recording import Recording, parse_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.player import Player
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.replay.steps import StepPlanner

RECORDINGS = Path(__file__).parents[2] / "recordings"
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 128, 0), (0, 0, 255), (255, 255, 255)


async def render(
    recording: Recording, chromium: ChromiumSettings, *, counts: RenderCounts | None = None, **how: Any
) -> list[Frame]:
    """Every frame that differs from the one before."""
    request = VideoExportRequest.model_validate({"recording": "file:///a", **how.pop("request", {})})
    timeline = build_timeline(request, recording.duration_ms, [], 1e9)
    width, height = how.pop("size", recording.viewport)
    on_frame = how.pop("on_frame", lambda frame: None)
    options = RenderOptions(width=width, height=height, **how)
    return [
        frame
        async for frame in render_frames(
            recording,
            timeline,
            options,
            range(timeline.frames),
            chromium=chromium,
            counts=counts or RenderCounts(),
            on_frame=on_frame,
        )
    ]


def colour_at(frame: Frame, x: int, y: int) -> tuple[int, ...]:
    return tuple(frame.picture[y, x, 2::-1].tolist())


def digests(frames: list[Frame]) -> list[tuple[int, str]]:
    return [(frame.index, hashlib.sha256(frame.picture.tobytes()).hexdigest()[:12]) for frame in frames]


def box(page: Page, colour: str = "red", **attributes: str) -> Any:
    return page.element("div", style=f"width:100px;height:80px;background:{colour}", **attributes)


async def test_a_frame_shows_the_state_at_its_own_time(chromium: ChromiumSettings) -> None:
    page = Page()
    square = box(page)
    page.show(page.document([square]))
    page.change(520, square, style="width:100px;height:80px;background:green")
    page.change(990, square, style="width:100px;height:80px;background:blue").end(1200)
    frames = await render(page.recording(), chromium)
    assert [(frame.index, colour_at(frame, 50, 40)) for frame in frames] == [(0, RED), (13, GREEN), (25, BLUE)]


async def test_still_time_costs_no_capture(chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([box(page)])).end(60_000)
    counts = RenderCounts()
    frames = await render(page.recording(), chromium, counts=counts)
    assert len(frames) == 1
    assert counts.captures == 1
    assert counts.steps < 10, "a page on which nothing happens was stepped through"


@pytest.mark.parametrize("name", ["animations", "form", "iframe", "long-list", "shadow-dom"])
async def test_no_frame_that_differs_is_skipped(
    name: str, chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = parse_recording([(RECORDINGS / f"{name}.json.gz").read_bytes()])
    wanted: dict[str, Any] = {"request": {"start": 1, "end": 5}}
    planned = digests(await render(recording, chromium, **wanted))
    monkeypatch.setattr(StepPlanner, "must_step", lambda self, at_ms, previous: True)
    assert planned == digests(await render(recording, chromium, **wanted))


async def test_an_animation_runs_in_the_time_of_the_recording(chromium: ChromiumSettings) -> None:
    page = Page()
    css = "@keyframes slide{to{transform:translateX(200px)}} div{animation:slide 1s linear}"
    page.show(page.document([page.element("div", style="width:20px;height:20px;background:red")], css)).end(1500)
    frames = await render(page.recording(), chromium)
    left = {frame.index: int(np.argmax((frame.picture[10, :, 2::-1] == RED).all(axis=1))) for frame in frames}
    assert len(frames) > 20
    # The animation begins with the first painted frame; at 25 fps it moves 8 pixels a frame.
    assert left[11] - left[1] == pytest.approx(80, abs=1)
    again = await render(page.recording(), chromium)
    assert digests(frames) == digests(again)


async def test_a_canvas_is_painted(chromium: ChromiumSettings) -> None:
    page = Page()
    canvas = page.element("canvas", width="100", height="80")
    page.show(page.document([canvas]))
    commands = [
        {"property": "fillStyle", "args": ["#0000ff"], "setter": True},
        {"property": "fillRect", "args": [0, 0, 100, 80]},
    ]
    page.add(400, 3, {"source": 9, "id": canvas["id"], "type": 0, "commands": commands}).end(800)
    frames = await render(page.recording(), chromium)
    assert [(frame.index, colour_at(frame, 50, 40)) for frame in frames] == [(0, WHITE), (10, BLUE)]


ATTACK = (
    "document.body.style.background='red';"
    "try{top.document.body.innerHTML='<p style=\"background:red;position:fixed;inset:0\">'}catch(e){}"
)


@pytest.mark.parametrize("with_canvas", [False, True], ids=["without scripts", "with the canvas mode"])
async def test_nothing_in_a_recording_is_executed(with_canvas: bool, chromium: ChromiumSettings) -> None:
    page = Page()
    attacks = [
        page.element("script", ATTACK),
        page.element("img", src="http://127.0.0.1:1/x", onerror=ATTACK),
        page.element("img", src="data:image/png;base64,broken", onerror=ATTACK),
        page.element("svg", page.element("script", ATTACK), onload=ATTACK),
        page.element("iframe", srcdoc=f"<script>{ATTACK.replace('document', 'parent.document')}</script>"),
        page.element("iframe", src=f"javascript:{ATTACK}"),
        page.element("details", page.element("p", "x"), open="", ontoggle=ATTACK),
        page.element("input", autofocus="", onfocus=ATTACK),
        page.element("object", data="data:text/html,<script>top.location='http://127.0.0.1:1'</script>"),
    ]
    if with_canvas:
        attacks.append(page.element("canvas", width="1", height="1"))
    refresh = page.element("meta", http_equiv="refresh", content="0; url=data:text/html,<body bgcolor=red>")
    late = page.element("div", onclick=ATTACK, style="display:none")
    hidden = page.element("div", *attacks, style="position:absolute;top:120px;opacity:0")
    document = page.document([box(page, "green"), hidden, late], head=[refresh])
    page.show(document)
    added = {"parentId": hidden["id"], "nextId": None, "node": page.element("script", ATTACK)}
    page.add(200, 3, {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": [added]})
    page.change(300, late, onclick=ATTACK, onanimationstart=ATTACK)
    page.add(400, 3, {"source": 2, "type": 2, "id": late["id"], "x": 1, "y": 1}).end(1500)
    frames = await render(page.recording(), chromium, mouse=Mouse(cursor=False, clicks=False))
    for frame in frames:
        assert colour_at(frame, 50, 40) == GREEN, f"frame {frame.index}: the page was taken over"
        assert colour_at(frame, 250, 100) == WHITE, f"frame {frame.index}: a script of the recording ran"


async def test_masked_elements_are_hidden(chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([box(page, class_="secret"), box(page, "blue")])).end(200)
    frames = await render(page.recording(), chromium, mask_selectors=(".secret",))
    assert colour_at(frames[0], 50, 40) == (0, 0, 0)
    assert colour_at(frames[0], 50, 120) == BLUE


async def test_a_mask_that_is_no_selector_is_refused(chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([box(page)])).end(200)
    with pytest.raises(InvalidRequest, match=r"mask_selectors: 'div\[' is no CSS selector"):
        await render(page.recording(), chromium, mask_selectors=("div[",))


async def test_a_smaller_viewport_keeps_its_scale_and_its_top_left_corner(chromium: ChromiumSettings) -> None:
    page = Page(300, 200)
    square = page.element("div", style="position:fixed;inset:0;background:blue")
    page.show(page.document([square]))
    page.add(400, 3, {"source": 4, "width": 200, "height": 200}).end(800)
    frames = await render(page.recording(), chromium, size=(300, 200), background="#008000")
    assert colour_at(frames[0], 2, 100) == BLUE
    assert colour_at(frames[-1], 2, 100) == BLUE
    assert colour_at(frames[-1], 198, 198) == BLUE
    assert colour_at(frames[-1], 202, 100) == GREEN


async def test_the_pointer_follows_into_a_frame(chromium: ChromiumSettings) -> None:
    page = Page()
    frame = page.element("iframe", style="position:absolute;left:100px;top:50px;border:0;width:150px;height:100px")
    page.show(page.document([frame]))
    inner = page.element("p", "hello")
    document = page.document([inner])
    added = [{"parentId": frame["id"], "nextId": None, "node": document}]
    attached = {"source": 0, "texts": [], "attributes": [], "removes": [], "adds": added, "isAttachIframe": True}
    page.add(10, 3, attached)
    page.move(400, 20, 30, inner).end(800)
    frames = await render(page.recording(), chromium)
    rows, columns = np.nonzero((frames[-1].picture[..., 2::-1] == (24, 24, 27)).all(axis=2))
    assert (columns.min(), rows.min()) == pytest.approx((120, 80), abs=1)


async def test_device_pixels(chromium: ChromiumSettings) -> None:
    page = Page()
    page.show(page.document([box(page)])).end(200)
    frames = await render(page.recording(), chromium, size=(640, 400), device_scale_factor=2.0)
    assert frames[0].picture.shape == (400, 640, 4)
    assert colour_at(frames[0], 199, 159) == RED
    assert colour_at(frames[0], 201, 161) == WHITE


def chromium_processes() -> list[int]:
    """Browser processes (not their helpers) that this test process started, by way of Playwright's driver."""
    found, mine = [], [os.getpid()]
    while mine:
        process = mine.pop()
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for thread in Path(f"/proc/{process}/task").iterdir():
                mine += map(int, (thread / "children").read_text().split())
            command = Path(f"/proc/{process}/cmdline").read_bytes()
            if b"video-export-chromium-" in command and b"\0--type=" not in command:
                found.append(process)
    return found


async def test_a_killed_browser_is_replaced_and_no_frame_is_lost(chromium: ChromiumSettings) -> None:
    recording = parse_recording([(RECORDINGS / "animations.json.gz").read_bytes()])
    wanted: dict[str, Any] = {"request": {"end": 3}}
    undisturbed = digests(await render(recording, chromium, **wanted))
    before = set(chromium_processes())
    counts = RenderCounts()

    def kill(frame: int) -> None:
        if frame == 40 and counts.restarts == 0:
            for process in set(chromium_processes()) - before:
                with contextlib.suppress(ProcessLookupError):  # a child of the browser, seen before it was renamed
                    os.kill(process, signal.SIGKILL)

    assert digests(await render(recording, chromium, counts=counts, on_frame=kill, **wanted)) == undisturbed
    assert counts.restarts == 1
    await wait_for(lambda: set(chromium_processes()) <= before, "every browser has ended")


async def test_a_blank_frame_is_not_shown(chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Chromium had forgotten its picture once."""
    recording = parse_recording([(RECORDINGS / "animations.json.gz").read_bytes()])
    wanted: dict[str, Any] = {"request": {"end": 2}}
    undisturbed = digests(await render(recording, chromium, **wanted))
    opaque, taken = compositor_memory.make_opaque, 0

    def forget(picture: Picture) -> Picture:
        nonlocal taken
        taken += 1
        return opaque(np.zeros_like(picture) if taken == 20 else picture)

    monkeypatch.setattr(compositor_memory, "make_opaque", forget)
    counts = RenderCounts()
    assert digests(await render(recording, chromium, counts=counts, **wanted)) == undisturbed
    assert counts.restarts == 1


async def test_an_error_that_nobody_foresaw_is_raised(
    chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def paint(*_: object, **__: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Player, "paint", paint)
    page = Page()
    page.show(page.document([box(page)])).end(200)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(60):
            await render(page.recording(), chromium)


async def test_a_missing_browser_says_how_to_get_one() -> None:
    page = Page()
    page.show(page.document([box(page)])).end(200)
    with pytest.raises(
        RenderFailed, match=r"no Chromium headless shell at /nowhere; install Debian's .* VIDEO_EXPORT_CHROMIUM$"
    ):
        await render(page.recording(), ChromiumSettings(executable="/nowhere"))


@pytest.mark.parametrize("fps", [25, 30])
async def test_a_picture_that_moves_may_leave_the_page_at_any_time(fps: int, chromium: ChromiumSettings) -> None:
    """A frame in which it is due and leaves would never end; spinners of ten pictures a second come and go."""
    page = Page()
    body = page.element("div")
    page.show(page.document([body]))
    gone = 0
    for number, at in enumerate(range(100, 2500, 160)):
        kind = ("gif", "png", "webp")[number % 3]
        spinner = page.element("img", src=media(f"wheel.{kind}", f"image/{kind}"))
        page.append(at, body, spinner)
        gone = at + 110 + 10 * number
        if number % 2:
            page.change(gone, spinner, style=("display:none", "visibility:hidden")[number // 2 % 2])
        else:
            page.remove(gone, body, spinner)
    page.events.sort(key=lambda event: event["timestamp"])
    counts = RenderCounts()
    frames = await render(page.end(gone + 200).recording(), chromium, counts=counts, request={"fps": fps})
    assert counts.restarts == 0
    assert (frames[-1].picture[..., :3] == 255).all(), "all of them are gone"
