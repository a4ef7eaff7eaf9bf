"""Times as protobuf has them."""

from typing import Any


def to_seconds(timestamp: Any) -> float:
    """Return a protobuf timestamp as seconds since 1970."""
    return float(timestamp.seconds) + float(timestamp.nanos) * 1e-9
