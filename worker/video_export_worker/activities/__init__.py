"""The activities of an export: fetch, delegate to the pipeline, store."""

from video_export_worker.activities.exports import ExportActivities

__all__ = ["ExportActivities"]
