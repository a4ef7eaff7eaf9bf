"""The worker's own metrics: names, what each counts, and its labels. The SDK serves them beside its own on one port."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """A metric's name. It is API: dashboards and alerts use it."""

    EXPORTS = "video_export_exports"
    FAILURES = "video_export_failures"
    FRAMES_CAPTURED = "video_export_frames_captured"
    FRAMES_REPEATED = "video_export_frames_repeated"
    VIDEO_SECONDS = "video_export_video_seconds"
    PHASE_DURATION = "video_export_phase_duration"
    BROWSER_RESTARTS = "video_export_browser_restarts"
    PARTS_REUSED = "video_export_parts_reused"
    ASSETS = "video_export_assets"
    CHROMIUM_SANDBOX = "video_export_chromium_sandbox"


DESCRIPTIONS: dict[Metric, str] = {
    Metric.EXPORTS: "Exports that ended, by outcome (completed, failed, cancelled).",
    Metric.FAILURES: "Failed attempts of an activity, by phase and error code.",
    Metric.FRAMES_CAPTURED: "Frames that Chromium captured.",
    Metric.FRAMES_REPEATED: "Frames that show the picture before them and cost nothing.",
    Metric.VIDEO_SECONDS: "Seconds of finished video, by format.",
    Metric.PHASE_DURATION: "Seconds an attempt took, by phase (planning, rendering, assembling, discarding).",
    Metric.BROWSER_RESTARTS: "Times Chromium was started again in the middle of a segment.",
    Metric.PARTS_REUSED: "Segments whose parts an earlier attempt had left in the storage.",
    Metric.ASSETS: "Linked images, fonts and style sheets, by outcome (fetched, cached, or why they are missing).",
    Metric.CHROMIUM_SANDBOX: "1 where Chromium's own sandbox is on, 0 where the container is the only one.",
}

BUCKETS: dict[str, tuple[float, ...]] = {
    Metric.PHASE_DURATION: (0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 300, 600, 1800),
}
"""Upper bounds in seconds. A segment is cut to take up to 60 s; planning a very large recording takes minutes."""
