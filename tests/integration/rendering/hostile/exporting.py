"""A whole export on this machine, for recordings that are given as bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from video_export_worker import pipeline
from video_export_worker.contract import VideoExportRequest, VideoFormat
from video_export_worker.part_runs import Part
from video_export_worker.recording import RecordingLimits
from video_export_worker.replay.settings import ChromiumSettings

LIMITS = RecordingLimits()


async def export(
    recording: bytes, workdir: Path, chromium: ChromiumSettings, limits: RecordingLimits = LIMITS, **request: Any
) -> int:
    """Plan, render and assemble an MP4; frames of the verified video.

    Raises:
        VideoExportError: as an export does.
    """
    artefact, parts, videos = (workdir / name for name in ("artefact", "parts", "videos"))
    for folder in (artefact, parts, videos):
        folder.mkdir(parents=True)
    path = workdir / "recording"
    path.write_bytes(recording)
    asked = VideoExportRequest.model_validate({"recording": path.as_uri(), "format": ["mp4"], **request})
    plan = await pipeline.plan_export([path], asked, artefact, limits=limits)
    rendered: list[Part] = []
    for segment in plan.segments:
        folder = parts / str(segment.first)
        folder.mkdir()
        done = await pipeline.render_segment(artefact, asked, plan, segment, folder, chromium=chromium)
        rendered += done.parts[VideoFormat.MP4]
    [video] = await pipeline.assemble(asked, plan, {VideoFormat.MP4: rendered}, videos)
    return video.frames
