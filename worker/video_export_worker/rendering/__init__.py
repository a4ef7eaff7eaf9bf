"""Rendering: a recording and a timeline go in, the frames that differ come out."""

from video_export_worker.rendering.chromium import ChromiumSettings
from video_export_worker.rendering.frames import Frame, RenderCounts, RenderOptions, render_frames
from video_export_worker.rendering.timeline import Timeline, build_timeline, restore_timeline

__all__ = [
    "ChromiumSettings",
    "Frame",
    "RenderCounts",
    "RenderOptions",
    "Timeline",
    "build_timeline",
    "render_frames",
    "restore_timeline",
]
