"""How slow this machine is now: processor time counts no waiting, but a shared processor does less in a second."""

from __future__ import annotations

import time
from typing import Final

NOMINAL: Final = 0.08  # seconds of the computation below where the bounds of tests were measured


def slowness() -> float:
    """Return by how much bounds of processor time are to be widened, at least 1."""
    began = time.process_time()
    sum(at * at % 7 for at in range(1_000_000))
    return max(1.0, (time.process_time() - began) / NOMINAL)
