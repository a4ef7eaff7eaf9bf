"""Excerpts of texts that may be as long as a recording makes them: the head and the tail are kept."""

from __future__ import annotations

from typing import Final

HEAD: Final = 0.4  # of what is kept; the tail of a stack says more than its head


def excerpt(text: str, limit: int) -> str:
    """The text, or its head and its tail with a note between them of how much is missing.

    Args:
        text: what was said.
        limit: bytes of UTF-8 that the answer has at most; above 100.
    """
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return data.decode()
    note = f" [... {len(data):,} bytes in all ...] "
    kept = limit - len(note)
    head = int(kept * HEAD)
    # What is cut in the middle of a character loses it.
    return data[:head].decode(errors="ignore") + note + data[len(data) - (kept - head) :].decode(errors="ignore")
