"""What a test needs of the machine, and what happens where it is missing."""

import os

import pytest


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
