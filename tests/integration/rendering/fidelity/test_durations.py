"""A video is as long as what was asked for, to a frame, and ends with the end."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.rendering.fidelity.views import lay_out
from tests.snapshots import Page
from video_export_worker.contract import VideoFormat, parse_request
from video_export_worker.part_runs import Part
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

LENGTH_MS = 2330
LAST_MS = 2320  # when the page turns blue for its last moments


def recorded() -> Page:
    page = Page(160, 100)
    box = page.element("div", style="height:100px;background:red")
    page.show(page.document([box])).change(1000, box, style="height:100px;background:lime")
    return page.change(LAST_MS, box, style="height:100px;background:blue").end(LENGTH_MS)


@pytest.mark.parametrize(
    "asked",
    [
        {"fps": 50, "speed": 1},
        {"fps": 29.97, "speed": 0.7},
        {"fps": 12, "speed": 3.3, "device_scale_factor": 1.5},
        {"fps": 30, "speed": 1, "start": 0.37, "end": 1.91},
    ],
    ids=str,
)
async def test_videos_are_as_long_as_asked(asked: dict[str, Any], tmp_path: Path, chromium: ChromiumSettings) -> None:
    request = parse_request({"recording": "file:///a", "format": ["mp4", "webm", "gif"], **asked})
    source, artefact = tmp_path / "source.json", tmp_path / "artefact"
    source.write_text(json.dumps(recorded().events))
    artefact.mkdir()
    plan = await plan_export([source], request, artefact, limits=RecordingLimits())
    parts: dict[VideoFormat, list[Part]] = {name: [] for name in request.format}
    for segment in plan.segments:
        folder = tmp_path / str(segment.first)
        folder.mkdir()
        done = await render_segment(artefact, request, plan, segment, folder, chromium=chromium)
        for name, made in done.parts.items():
            parts[name] += made
    videos = await assemble(request, plan, parts, tmp_path)
    end = request.end or LENGTH_MS / 1000
    wanted = (end - request.start) / request.speed
    for video in videos:
        with av.open(str(video.path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            length = float(container.duration or 0) / av.time_base
        # The frames of a GIF stand at hundredths of a second.
        slack = 1 / request.fps + (0.011 if video.format is VideoFormat.GIF else 0.002)
        assert abs(length - wanted) <= slack, f"{video.format}: {length:.3f} s instead of {wanted:.3f} s"
        last = frames[-1][50, 80].astype(int)
        expected = (0, 255, 0) if request.end else (0, 0, 255)
        assert np.abs(last - expected).max() < 60, f"{video.format}: the end is cut off, the last frame is {last}"


@given(
    milliseconds=st.integers(1, 600_000),
    fps=st.one_of(st.integers(1, 60), st.sampled_from((12.5, 23.976, 29.97, 59.94))),
    speed=st.floats(0.1, 100),
    part=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_each_frame_shows_its_own_time(milliseconds: int, fps: float, speed: float, part: list[float]) -> None:
    start, end = (round(share * milliseconds / 1000, 3) for share in part)
    ranged = {"start": start, "end": end} if end > start else {}
    recording = Page().recording_of(milliseconds)
    timeline = lay_out(recording, fps=fps, speed=speed, **ranged)
    frames = range(0, timeline.frames, max(1, timeline.frames // 50))
    begin = ranged.get("start", 0) * 1000
    finish = min(ranged.get("end", milliseconds / 1000) * 1000, milliseconds)
    for frame in frames:
        exact = begin + float(Fraction(frame) / timeline.fps) * speed * 1000
        shown = timeline.recording_ms(frame)
        assert shown <= finish + 1e-6
        late = timeline.shows_end and frame == timeline.frames - 1
        assert abs(shown - min(exact, finish)) < 0.001 or late, f"frame {frame} shows {shown} ms instead of {exact} ms"
    assert abs(timeline.frames / timeline.fps - (finish - begin) / speed / 1000) <= 1 / timeline.fps + 1e-6
