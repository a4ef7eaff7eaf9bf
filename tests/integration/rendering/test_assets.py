"""Linked images, fonts and style sheets, from hosts on loopback to pixels."""

from __future__ import annotations

import asyncio
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
