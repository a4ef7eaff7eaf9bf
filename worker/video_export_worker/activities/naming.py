"""Names of what an export keeps in the storage. A retry, on whatever pod, computes the same ones."""

from __future__ import annotations

import hashlib
import json
from typing import Final
from urllib.parse import quote

from video_export_worker.contract import SegmentInput, VideoFormat
from video_export_worker.storage import join_uri
from video_export_worker.storage.places import EXPORTS, PARTS

# Fields that say where a video goes and when, not how it looks.
NOT_IN_THE_PIXELS: Final = {"recording", "output", "format", "priority", "fairness_key", "strict"}
LONGEST_NAME: Final = 200  # of the 1,024 bytes that a key may have

RESULT_NAME: Final = "result.json"
POSTER_NAME: Final = "poster.png"


def name_export(export_id: str) -> str:
    """One key segment for a workflow id, readable where it can be."""
    name = quote(export_id, safe="").replace("..", "%2E%2E")
    if name in ("", "."):
        name = "%2E"
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:100]}-{hashlib.sha256(export_id.encode()).hexdigest()[:32]}"


def parts_prefix(storage: str, export_id: str) -> str:
    """Where the parts of an export are kept until it is done."""
    return join_uri(storage, PARTS, name_export(export_id))


def output_prefix(storage: str, export_id: str, wanted: str | None) -> str:
    """Where the videos go."""
    return (wanted or join_uri(storage, EXPORTS, name_export(export_id))).rstrip("/")


def segment_prefix(given: SegmentInput, renderer_version: int) -> str:
    """Where a segment's parts are kept, under a hash of everything that decides about their bytes.

    The recording's URI ends in the hash of its content, so it stands for the content.
    """
    inputs = {
        "renderer": renderer_version,
        "recording": given.planned.recording_uri.rpartition("/")[2],
        "formats": sorted(given.request.format),
        "look": given.request.model_dump(mode="json", exclude=NOT_IN_THE_PIXELS),
        "plan": given.planned.plan.model_dump(mode="json", exclude={"segments", "warnings"}),
        "frames": [given.segment.first, given.segment.count],
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return join_uri(given.planned.parts_prefix, f"{given.segment.index:05d}-{digest[:32]}")


def video_name(name: VideoFormat) -> str:
    """File name of a finished video."""
    return f"video.{name}"
