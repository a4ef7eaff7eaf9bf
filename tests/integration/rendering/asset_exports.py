"""Exports of pages that link to assets of hosts on loopback: planned, gathered and rendered."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tests.asset_hosts import AssetHosts, Names
from tests.integration.rendering.fidelity.goldens import Picture
from tests.integration.rendering.fidelity.views import lay_out, look
from tests.snapshots import Page
from video_export_worker.assets.found import ASSETS_FOLDER, read_links
from video_export_worker.assets.gathering import AssetGatherer
from video_export_worker.contract import AssetMode, AssetTable, Mouse, Segment, VideoExportRequest
from video_export_worker.pipeline import choose_chunks, plan_export
from video_export_worker.recording import RecordingLimits, open_recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts
from video_export_worker.replay.answers import StoredAnswers
from video_export_worker.replay.settings import ChromiumSettings
from video_export_worker.storage import Storage


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
    device_scale_factor: float = 1.0,
    brought: list[set[str]] | None = None,
    **settings: Any,
) -> tuple[list[Picture], AssetTable, RenderCounts]:
    """Plan, gather and render; every frame. `brought` gets the assets that each piece is given."""
    brought = [] if brought is None else brought
    source, artefact = folder / "recording.json", folder / "artefact"
    await asyncio.to_thread(shutil.rmtree, artefact, ignore_errors=True)
    artefact.mkdir()
    source.write_text(json.dumps(page.events))
    request = VideoExportRequest.model_validate({"recording": "file:///a"})
    plan = await plan_export([source], request, artefact, limits=RecordingLimits())
    root = f"file://{folder}/storage"
    gatherer = AssetGatherer(hosts.settings(**settings), Storage(root), root, resolver=Names())
    table = AssetTable()
    if (found := read_links(artefact)) is not None:
        table = await gatherer.gather(found, artefact, mode)
        await gatherer.bring(table, artefact)
    recording, counts = open_recording(artefact), RenderCounts()
    width, height = (round(side * device_scale_factor) for side in recording.viewport)
    timeline, options = (
        lay_out(recording),
        look(recording, mouse=Mouse(cursor=False), size=(width, height), device_scale_factor=device_scale_factor),
    )
    step = -(-timeline.frames // pieces)
    shown: list[Picture] = []
    for first in range(0, timeline.frames, step):
        frames = range(first, min(first + step, timeline.frames))
        chunks = choose_chunks(recording.index, plan, Segment(first=first, count=len(frames)))
        answers = StoredAnswers(table.of_chunks(chunks), artefact / ASSETS_FOLDER)
        brought.append(set(answers.table.files))
        rendered = render_frames(recording, timeline, options, frames, chromium=chromium, counts=counts, assets=answers)
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
