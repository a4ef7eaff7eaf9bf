"""The real browser and the real ffmpeg."""

import shutil

import pytest

from tests.requirements import require, require_player
from video_export_worker.replay.settings import ChromiumSettings


@pytest.fixture(scope="session")
def chromium() -> ChromiumSettings:
    """Settings of the installed Chromium headless shell."""
    require(shutil.which("chromium-headless-shell"), "no chromium-headless-shell: run `make setup` as root")
    return ChromiumSettings()


@pytest.fixture(scope="session", autouse=True)
def _ffmpeg() -> None:
    require(shutil.which("ffmpeg") and shutil.which("ffprobe"), "no ffmpeg: run `make setup` as root")


@pytest.fixture(scope="session", autouse=True)
def _player() -> None:
    require_player()
