"""How every call to Temporal is made."""

from datetime import timedelta
from typing import Any

TIMEOUT = 3.0
"""Seconds for everything that is asked at once. The client's own retries would take 9 s to say that nobody listens."""


def call_options() -> dict[str, Any]:
    """Return the options of every call: no retry by the client, and an end."""
    return {"retry": False, "timeout": timedelta(seconds=TIMEOUT)}
