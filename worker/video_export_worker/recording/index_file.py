"""The file of an index: numpy's own format, which holds columns with their types, without pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from video_export_worker.recording.index import RecordingIndex, WindowSummary

INDEX_NAME: Final = "index.npz"
_OTHERS: Final = ("start_ms", "warnings", "windows")
_COLUMNS: Final[Sequence[str]] = [field.name for field in fields(RecordingIndex) if field.name not in _OTHERS]


def save_index(index: RecordingIndex, path: Path) -> None:
    """Write an index to a file. The same index gives the same bytes."""
    about = {"start_ms": index.start_ms, "warnings": index.warnings, "windows": [asdict(row) for row in index.windows]}
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez_compressed(path, about=text, allow_pickle=False, **{name: getattr(index, name) for name in _COLUMNS})


def load_index(path: Path) -> RecordingIndex:
    """Read an index from a file."""
    with np.load(path, allow_pickle=False) as stored:
        about: dict[str, Any] = json.loads(stored["about"].tobytes())
        columns = {name: stored[name] for name in _COLUMNS}
    windows = tuple(WindowSummary(**row) for row in about["windows"])
    return RecordingIndex(about["start_ms"], tuple(about["warnings"]), windows, **columns)
