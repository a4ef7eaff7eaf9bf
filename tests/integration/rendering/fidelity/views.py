"""The same frames from the product and from the reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.integration.rendering.fidelity.goldens import Picture
from tests.reference.browser import reference_frames
from video_export_worker.contract import Mouse, VideoExportRequest
from video_export_worker.planning.timeline import Timeline, build_timeline
from video_export_worker.recording import Recording
from video_export_worker.rendering.frames import render_frames
from video_export_worker.rendering.options import RenderCounts, RenderOptions
from video_export_worker.replay.settings import ChromiumSettings


def lay_out(recording: Recording, **request: Any) -> Timeline:
    return build_timeline(
        VideoExportRequest.model_validate({"recording": "file:///a", **request}), recording.duration_ms, [], 1e9
    )


def look(recording: Recording, **how: Any) -> RenderOptions:
    """Options for a video in the size of the recording's page."""
    width, height = how.pop("size", recording.viewport)
    return RenderOptions(width=width, height=height, **{"mouse": Mouse(trail=True), **how})


async def by_product(
    recording: Recording, timeline: Timeline, options: RenderOptions, chromium: ChromiumSettings
) -> list[Picture]:
    """Every frame; one that repeats the one before is the same object."""
    shown: list[Picture] = []
    counts = RenderCounts()
    rendered = render_frames(recording, timeline, options, range(timeline.frames), chromium=chromium, counts=counts)
    async for frame in rendered:
        shown += shown[-1:] * (frame.index - len(shown))
        # The picture may be one buffer that the renderer writes into again.
        shown.append(frame.picture.copy())
    return shown + [shown[-1]] * (timeline.frames - len(shown))


async def by_reference(
    recording: Recording, timeline: Timeline, options: RenderOptions, chromium: ChromiumSettings
) -> list[Picture]:
    pages = reference_frames(recording, timeline, options, range(timeline.frames), chromium=chromium)
    return [picture async for _, picture in pages]


def list_differences(product: list[Picture], reference: list[Picture], timeline: Timeline) -> list[str]:
    """Frames that are not the same, with where and by how much."""
    found = []
    for index, (ours, theirs) in enumerate(zip(product, reference, strict=True)):
        if ours is theirs or np.array_equal(ours, theirs):
            continue
        rows, columns = np.nonzero((ours != theirs).any(axis=2))
        most = np.abs(ours.astype(int) - theirs).max()
        found.append(
            f"frame {index} at {timeline.recording_ms(index):g} ms: {len(rows)} pixels, "
            f"x {columns.min()}-{columns.max()}, y {rows.min()}-{rows.max()}, by up to {most} of 255"
        )
    return found
