"""Durations in the style of Kubernetes: "10s", "2m", "1h30m"."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_DURATION = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$", re.ASCII)


def parse_duration(text: object) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: it is not made of hours, minutes and seconds.
    """
    found = _DURATION.match(text) if isinstance(text, str) and text else None
    if found is None:
        raise ValueError(f"{text!r} is not a duration; write hours, minutes and seconds, for example 10s, 2m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def format_duration(seconds: float) -> str:
    """Return whole seconds in the same style; less than one second is "0s"."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else "", f"{secs}s" if secs else ""]
    return "".join(parts) or "0s"


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds, read from a duration string."""
