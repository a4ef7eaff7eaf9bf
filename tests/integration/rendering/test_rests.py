"""A segment that has too little time returns what it has; with the rest, rendered by others, it is the same video."""

from __future__ import annotations

import hashlib
from pathlib import Path

import av
import numpy as np
import pytest

from video_export_worker import pipeline
from video_export_worker.contract import ExportPlan, Segment, VideoExportRequest, VideoFormat, parse_request
from video_export_worker.encoding import FinishedVideo
from video_export_worker.part_runs import Part, RenderedSegment
from video_export_worker.pipeline import assemble, plan_export, render_segment
from video_export_worker.planning import segments
from video_export_worker.recording import RecordingLimits
from video_export_worker.rendering.allotments import TimeBudget
from video_export_worker.replay.settings import ChromiumSettings

RECORDING = Path(__file__).parents[2] / "recordings" / "animations.json.gz"


class FewFrames(TimeBudget):
    """A time that is up after 15 frames, however quick the machine is."""

    def is_spent(self, before: float, elapsed: float, done: int, left: int) -> bool:
        return done >= 15


class Export:
    """An export of one recording on this machine."""

    def __init__(self, folder: Path, request: VideoExportRequest, chromium: ChromiumSettings) -> None:
        self._folder, self._request, self._chromium = folder, request, chromium
        self.rendered: list[tuple[Segment, RenderedSegment]] = []

    async def make(self, budget: TimeBudget | None) -> list[FinishedVideo]:
        """The videos, of as many segments as it takes."""
        artefact = self._folder / "artefact"
        artefact.mkdir(parents=True)
        plan = await plan_export([RECORDING], self._request, artefact, limits=RecordingLimits())
        waiting = [Segment(first=0, count=plan.frames)]
        while waiting:
            segment = waiting.pop(0)
            workdir = self._folder / f"segment-{segment.first}-{segment.count}"
            workdir.mkdir()
            done = await render_segment(
                artefact, self._request, plan, segment, workdir, chromium=self._chromium, budget=budget
            )
            self.rendered.append((segment, done))
            waiting += done.rest
        return await assemble(self._request, plan, self._list_parts(plan), self._folder)

    def _list_parts(self, plan: ExportPlan) -> dict[VideoFormat, list[Part]]:
        numbered = sorted(
            (run.first, run.count, {name: parts[number] for name, parts in done.parts.items()})
            for _, done in self.rendered
            for number, run in enumerate(done.runs)
        )
        ends = [first + count for first, count, _ in numbered]
        assert [first for first, _, _ in numbered] == [0, *ends[:-1]], "every frame once"
        assert ends[-1] == plan.frames
        return {name: [parts[name] for _, _, parts in numbered] for name in self._request.format}


def decode(video: Path, fps: int) -> dict[int, np.ndarray[tuple[int, ...], np.dtype[np.int16]]]:
    """The picture at each frame of the video, repeated ones too."""
    with av.open(str(video)) as container:
        shown = {
            round(float(frame.time or 0) * fps): frame.to_ndarray(format="rgb24").astype(np.int16)
            for frame in container.decode(video=0)
        }
    pictures, last = {}, shown[0]
    for index in range(max(shown) + 1):
        pictures[index] = last = shown.get(index, last)
    return pictures


def _differences(one: Path, other: Path, fps: int) -> dict[int, int]:
    """How many values differ, by the frames that do."""
    here, there = decode(one, fps), decode(other, fps)
    assert here.keys() == there.keys()
    differing = {index: int((here[index] != there[index]).sum()) for index in here}
    return {index: count for index, count in differing.items() if count}


@pytest.mark.parametrize("browsers", [1, 2])
async def test_with_its_rests_it_is_the_same_video(
    browsers: int, tmp_path: Path, chromium: ChromiumSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "WORTH_A_BROWSER", 0.01)
    monkeypatch.setattr(segments, "SEGMENT_WORK", 1e6)  # however slow the machine is, a rest is one segment
    request = parse_request({"recording": "file:///a", "format": ["gif", "mp4"], "start": 1, "end": 3, "fps": 20})
    settings = ChromiumSettings(chromium.executable, browsers=browsers)
    whole, cut = Export(tmp_path / "whole", request, settings), Export(tmp_path / "cut", request, settings)
    expected = await whole.make(None)
    videos = await cut.make(FewFrames(0))
    assert len(whole.rendered) == 1
    assert [segment.count for segment, _ in cut.rendered] == {1: [40, 25, 10], 2: [40, 5, 5]}[browsers]
    gif, mp4 = (Path(video.path) for video in videos)
    warnings = {warning for export in (whole, cut) for _, done in export.rendered for warning in done.warnings}
    assert warnings == set()
    assert _differences(gif, expected[0].path, 20) == {}, "pixels by frame: its parts are lossless"
    assert hashlib.sha256(gif.read_bytes()).digest() == hashlib.sha256(expected[0].path.read_bytes()).digest()
    one, other = decode(expected[1].path, 20), decode(mp4, 20)
    assert one.keys() == other.keys()
    # The encoder begins anew with each part, so it loses something else.
    furthest = max(one, key=lambda index: float(np.abs(one[index] - other[index]).mean()))
    assert np.abs(one[furthest] - other[furthest]).mean() < 2, f"frame {furthest} differs"
