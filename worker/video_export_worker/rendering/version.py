"""Which renderer this is: parts that two of them made are never joined into one video."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

import av

from video_export_worker.errors import RenderFailed
from video_export_worker.replay.settings import ChromiumSettings

# Changes when the same inputs give other pixels or another stream.
RENDERER_VERSION: Final = 8
PLAYER: Final = Path(__file__).parents[1] / "player_dist" / "player.js"


def name_renderer(chromium: ChromiumSettings) -> str:
    """Name the renderer by its version and by what it is made of: encoders, the player, and Chromium by its size."""
    try:
        return _name(chromium.find_executable())
    except RenderFailed:
        return f"{RENDERER_VERSION}-without-chromium"  # an attempt to render says what is missing


@lru_cache
def _name(executable: str) -> str:
    browser = Path(executable).stat().st_size
    parts = (sorted(av.library_versions.items()), hashlib.sha256(PLAYER.read_bytes()).hexdigest(), browser)
    return f"{RENDERER_VERSION}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
