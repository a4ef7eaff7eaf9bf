"""The contract of an export: what a client sends and gets (strict), and what workers send each other (tolerant).

Only typed values and object URIs travel: never data, never a path of one host.

Units: recording and video times are seconds unless a name ends in `_ms`; sizes are bytes; lengths are CSS pixels
of the output before `device_scale_factor`.
"""

from video_export_worker.contract.messages import (
    ASSEMBLE,
    DEFAULT_TASK_QUEUE,
    DISCARD_PARTS,
    HEARTBEAT_TIMEOUT,
    PLAN_EXPORT,
    RENDER_SEGMENT,
    WORKFLOW_NAME,
    AssembleInput,
    DiscardInput,
    ExportPlan,
    PlanInput,
    PlannedExport,
    PlanReference,
    Segment,
    SegmentInput,
    SegmentResult,
    StoredPlan,
    StoredSegment,
)
from video_export_worker.contract.request import (
    MAX_HEIGHT,
    MAX_WIDTH,
    ColorScheme,
    Mouse,
    Quality,
    SkipInactivity,
    VideoExportRequest,
    VideoFormat,
    ViewportChoice,
    parse_request,
)
from video_export_worker.contract.result import (
    PROGRESS_QUERY,
    Manifest,
    ManifestObject,
    Progress,
    TimeSpan,
    VideoExportResult,
    VideoObject,
)

__all__ = [
    "ASSEMBLE",
    "DEFAULT_TASK_QUEUE",
    "DISCARD_PARTS",
    "HEARTBEAT_TIMEOUT",
    "MAX_HEIGHT",
    "MAX_WIDTH",
    "PLAN_EXPORT",
    "PROGRESS_QUERY",
    "RENDER_SEGMENT",
    "WORKFLOW_NAME",
    "AssembleInput",
    "ColorScheme",
    "DiscardInput",
    "ExportPlan",
    "Manifest",
    "ManifestObject",
    "Mouse",
    "PlanInput",
    "PlanReference",
    "PlannedExport",
    "Progress",
    "Quality",
    "Segment",
    "SegmentInput",
    "SegmentResult",
    "SkipInactivity",
    "StoredPlan",
    "StoredSegment",
    "TimeSpan",
    "VideoExportRequest",
    "VideoExportResult",
    "VideoFormat",
    "VideoObject",
    "ViewportChoice",
    "parse_request",
]
