"""Which frames Chromium has to step through, and which can only repeat the one before.

A page changes by what the recording does to it (events) and by itself (animations, late scrolls, images that finish
loading). So a frame is stepped if an event falls into it, if something on the page animates, and as long as the step
before had an event or brought damage: what settles late settles in the frames after.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """What a step through a frame showed.

    Attributes:
        at_ms: time of the recording that was stepped to.
        had_event: an event was applied in this step.
        damaged: Chromium painted something.
        animating: something on the page changes by itself.
    """

    at_ms: float
    had_event: bool
    damaged: bool
    animating: bool


class StepPlanner:
    """Decides frame by frame. Holds the events' times only, in milliseconds since the recording's start, ascending."""

    def __init__(self, event_offsets_ms: Sequence[float]) -> None:
        self._offsets = event_offsets_ms

    def has_event(self, after_ms: float, until_ms: float) -> bool:
        """Whether an event lies after the one time and at or before the other."""
        index = bisect.bisect_right(self._offsets, after_ms)
        return index < len(self._offsets) and self._offsets[index] <= until_ms

    def must_step(self, at_ms: float, previous: Step | None) -> bool:
        """Whether the frame that shows `at_ms` may differ from what the `previous` step left."""
        if previous is None or previous.animating or previous.damaged or previous.had_event:
            return True
        return self.has_event(previous.at_ms, at_ms)
