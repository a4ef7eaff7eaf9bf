"""Where things lie: the checkout, the cache of what is built once, the state of what runs."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def cache_directory() -> Path:
    """What is built or downloaded once, outside the checkout: `VIDEO_EXPORT_CACHE` or the user's cache."""
    chosen = os.environ.get("VIDEO_EXPORT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(chosen) if chosen else Path(base) / "video-export"


def state_directory() -> Path:
    """Process ids, logs, certificates and data of a running cluster: `VIDEO_EXPORT_STATE` or a folder of the cache."""
    chosen = os.environ.get("VIDEO_EXPORT_STATE")
    return Path(chosen) if chosen else cache_directory() / "run"
