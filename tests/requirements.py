"""What a test needs of the machine, and what happens where it is missing."""

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]


def require(available: object, reason: str) -> None:
    """Skip the test where something it needs is missing; with CI=true that is a failure instead.

    Args:
        available: truthy if the machine has what the test needs.
        reason: what is missing and how to get it.
    """
    if available:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must run everything, but: {reason}", pytrace=False)
    pytest.skip(reason)


def require_player() -> None:
    """Fail where the bundle of the replay page is not made of the present sources: its answers would be other ones."""
    command = ["sh", str(CHECKOUT / "worker/player/build.sh"), "--digest"]
    sources = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    built = CHECKOUT / "worker/video_export_worker/player_dist/.built"
    if not built.exists() or built.read_text().strip() != sources:
        pytest.fail("the replay page is not built from the present sources: run `make player`", pytrace=False)
