"""Recordings of user sessions: read from bytes in every format they are kept in, measured, and written in one format.

Pure: no clock and no I/O. The caller brings the bytes.
"""

from video_export_worker.recording.events import Event, EventType, Interaction, Source, source_of
from video_export_worker.recording.parsing import parse_recording, serialise_recording
from video_export_worker.recording.recording import (
    ClickKind,
    MouseClick,
    MouseMove,
    Recording,
    RecordingLimits,
    WindowSummary,
)

__all__ = [
    "ClickKind",
    "Event",
    "EventType",
    "Interaction",
    "MouseClick",
    "MouseMove",
    "Recording",
    "RecordingLimits",
    "Source",
    "WindowSummary",
    "parse_recording",
    "serialise_recording",
    "source_of",
]
