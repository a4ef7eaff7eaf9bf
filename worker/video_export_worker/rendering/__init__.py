"""Rendering: a recording and a timeline go in, the frames that differ come out."""

from video_export_worker.rendering.captures import CaptureDiffers, CaptureMode
from video_export_worker.rendering.chromium import ChromiumSettings
from video_export_worker.rendering.cpus import choose_browsers
from video_export_worker.rendering.cutting import WorkEstimate
from video_export_worker.rendering.frames import Frame, RenderCounts, RenderOptions, render_frames
from video_export_worker.rendering.timeline import Timeline, build_timeline, restore_timeline

__all__ = [
    "CaptureDiffers",
    "CaptureMode",
    "ChromiumSettings",
    "Frame",
    "RenderCounts",
    "RenderOptions",
    "Timeline",
    "WorkEstimate",
    "build_timeline",
    "choose_browsers",
    "render_frames",
    "restore_timeline",
]
