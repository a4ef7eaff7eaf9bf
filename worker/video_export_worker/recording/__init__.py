"""Recordings of user sessions: read as a stream from every format they are kept in, into an index and chunks of text.

No clock and no network: the caller brings the bytes and says where the chunks go.
"""

from video_export_worker.recording.checks import name_code
from video_export_worker.recording.chunks import (
    ChunkFolder,
    ChunkStore,
    NoChunks,
    ReplaySource,
    chunk_name,
    chunk_number,
)
from video_export_worker.recording.events import Event, EventType, Interaction, Source, source_of
from video_export_worker.recording.index import RecordingIndex, WindowSummary, find_idle
from video_export_worker.recording.index_file import INDEX_NAME, load_index, save_index
from video_export_worker.recording.limits import RecordingLimits
from video_export_worker.recording.motion import Motion
from video_export_worker.recording.mouse import ClickKind, MouseClick, MouseMove
from video_export_worker.recording.parsing import parse_recording
from video_export_worker.recording.recording import Recording, open_recording
from video_export_worker.recording.window import WHOLE, ShownRange

__all__ = [
    "INDEX_NAME",
    "WHOLE",
    "ChunkFolder",
    "ChunkStore",
    "ClickKind",
    "Event",
    "EventType",
    "Interaction",
    "Motion",
    "MouseClick",
    "MouseMove",
    "NoChunks",
    "Recording",
    "RecordingIndex",
    "RecordingLimits",
    "ReplaySource",
    "ShownRange",
    "Source",
    "WindowSummary",
    "chunk_name",
    "chunk_number",
    "find_idle",
    "load_index",
    "name_code",
    "open_recording",
    "parse_recording",
    "save_index",
    "source_of",
]
