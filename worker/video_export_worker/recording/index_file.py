"""The file of an index: numpy's own format, which holds columns with their types, without pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from video_export_worker.recording.index import RecordingIndex, WindowSummary

INDEX_NAME: Final = "index.npz"
_OTHERS: Final = ("start_ms", "warnings", "windows", "most_nodes", "first_chunk", "others")
_COLUMNS: Final[Sequence[str]] = [field.name for field in fields(RecordingIndex) if field.name not in _OTHERS]


def save_index(index: RecordingIndex, path: Path) -> None:
    """Write an index, and those of the session's other windows, to a file. The same index gives the same bytes."""
    indexes = (index, *index.others)
    about = {
        "start_ms": index.start_ms,
        "warnings": index.warnings,
        "windows": [asdict(row) for row in index.windows],
        "first_chunks": [each.first_chunk for each in indexes],
        "most_nodes": [each.most_nodes for each in indexes],
    }
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    columns = {f"{name}.{at}": getattr(each, name) for at, each in enumerate(indexes) for name in _COLUMNS}
    np.savez_compressed(path, about=text, allow_pickle=False, **columns)


def load_index(path: Path) -> RecordingIndex:
    """Read an index from a file."""
    with np.load(path, allow_pickle=False) as stored:
        about: dict[str, Any] = json.loads(stored["about"].tobytes())
        windows = tuple(WindowSummary(**row) for row in about["windows"])
        index, *others = (
            RecordingIndex(
                about["start_ms"],
                tuple(about["warnings"]),
                windows,
                **{name: stored[f"{name}.{at}"] for name in _COLUMNS},
                first_chunk=first_chunk,
                most_nodes=most_nodes,
            )
            for at, (first_chunk, most_nodes) in enumerate(zip(about["first_chunks"], about["most_nodes"], strict=True))
        )
    return replace(index, others=tuple(others))
