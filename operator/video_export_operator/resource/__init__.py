"""VideoExportWorker as typed values."""

from video_export_operator.resource.durations import format_duration, parse_duration
from video_export_operator.resource.identity import Key
from video_export_operator.resource.spec import Mode, Scaling, Spec, Temporal
from video_export_operator.resource.worker import VideoExportWorker, parse_resource

__all__ = [
    "Key",
    "Mode",
    "Scaling",
    "Spec",
    "Temporal",
    "VideoExportWorker",
    "format_duration",
    "parse_duration",
    "parse_resource",
]
