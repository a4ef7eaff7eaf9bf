"""Names of what an export keeps in the storage. A retry, on whatever pod, computes the same ones.

parts/<namespace>/<export>/recording/<sha256>                      the index and the chunks
parts/<namespace>/<export>/<digest of the plan>/plan.json
parts/<namespace>/<export>/<digest of the plan>/asset-counts.json
parts/<namespace>/<export>/<digest of the plan>/<first>-<count>/   the parts of a segment, result.json last
exports/<namespace>/<export>/                                      the videos, manifest.json last
"""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import quote

from video_export_worker.contract import PlanReference, Segment, VideoFormat
from video_export_worker.storage import join_uri
from video_export_worker.storage.places import EXPORTS, PARTS

LONGEST_NAME: Final = 200  # of the 1,024 bytes that a key may have

PLAN_NAME: Final = "plan.json"
RESULT_NAME: Final = "result.json"
POSTER_NAME: Final = "poster.png"
MANIFEST_NAME: Final = "manifest.json"
STAGING_PREFIX: Final = ".incoming-"
RECORDING_FOLDER: Final = "recording"


def quote_name(identifier: str) -> str:
    """One key segment for a namespace or a workflow id, readable where it can be."""
    name = quote(identifier, safe="").replace("..", "%2E%2E")
    if name in ("", "."):
        name = "%2E"
    if len(name) <= LONGEST_NAME:
        return name
    # `quote` leaves no exclamation mark, so no identifier that is short enough has such a name.
    return f"{name[:100]}!{hashlib.sha256(identifier.encode()).hexdigest()[:32]}"


def parts_prefix(storage: str, namespace: str, export_id: str) -> str:
    """Where the plan and the parts of an export are kept until it is done."""
    return join_uri(storage, PARTS, quote_name(namespace), quote_name(export_id))


def output_prefix(storage: str, namespace: str, export_id: str) -> str:
    """Where the videos go, unless the request names another place."""
    return join_uri(storage, EXPORTS, quote_name(namespace), quote_name(export_id))


def plan_uri(prefix: str, digest: str) -> str:
    """Where a plan is kept: under a hash of everything that decides about the bytes of its parts."""
    return join_uri(prefix, digest[:32], PLAN_NAME)


def asset_counts_uri(plan: str) -> str:
    """Where it is told what became of the linked assets of a plan's recording."""
    return join_uri(plan.removesuffix(f"/{PLAN_NAME}"), "asset-counts.json")


def recording_prefix(plan: PlanReference) -> str:
    """Where the index and the chunks of a plan's recording are kept."""
    return join_uri(plan.uri.removesuffix(f"/{PLAN_NAME}").rpartition("/")[0], RECORDING_FOLDER)


def segment_prefix(plan: PlanReference, segment: Segment) -> str:
    """Where a segment's parts are kept."""
    return join_uri(plan.uri.removesuffix(f"/{PLAN_NAME}"), f"{segment.first:07d}-{segment.count}")


def video_name(name: VideoFormat, number: int | None = None) -> str:
    """File name of a finished video; `number` counts the windows from 1 where each has a video of its own."""
    return f"video.{name}" if number is None else f"video-{number}.{name}"
