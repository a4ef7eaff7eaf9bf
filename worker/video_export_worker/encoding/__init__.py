"""Encoding: frames that differ go in with their exact times, verified videos come out."""

from video_export_worker.encoding.formats import PARTS
from video_export_worker.encoding.parts import write_parts
from video_export_worker.encoding.videos import Expected, FinishedVideo, join_parts, make_poster, verify_video

__all__ = [
    "PARTS",
    "Expected",
    "FinishedVideo",
    "join_parts",
    "make_poster",
    "verify_video",
    "write_parts",
]
