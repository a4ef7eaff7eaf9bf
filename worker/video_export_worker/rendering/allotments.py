"""How long a run of frames is rendered, before it hands on what is left of it.

A run costs what it replays before its first frame, and its frames. Who takes over what is left replays all of that
again, and a little more. So a run ends when its time is up, but

- not before its frames have taken as long as what came before them: at least half of all work is frames then, however
  often a video is handed on, and each run renders something;
- not where finishing takes no longer than beginning anew would.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

WORTH: Final = 2.0  # a run is at least so many times as long as what it does before its first frame


@dataclass(frozen=True)
class TimeBudget:
    """The time that a run has.

    Attributes:
        seconds: from its beginning.
    """

    seconds: float

    def is_spent(self, before: float, elapsed: float, done: int, left: int) -> bool:
        """Whether a run ends here.

        Args:
            before: seconds from the run's beginning to its first frame.
            elapsed: seconds from the run's beginning until now.
            done: frames that are rendered.
            left: frames that are not.
        """
        limit = max(self.seconds, WORTH * before)
        if not done or elapsed < limit:
            return False
        expected = (elapsed - before) / done * left
        return expected > before or elapsed >= limit + before


class Allotment:
    """The frames that a run is given, and those of them that it has time for.

    Attributes:
        frames: that it is given.
        stop: the frame before which it ends.
    """

    def __init__(
        self, frames: range, budget: TimeBudget | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.frames = frames
        self.stop = frames.stop
        self._budget = budget
        self._clock = clock
        self._began = clock()
        self._before: float | None = None

    def admits(self, frame: int) -> bool:
        """Whether this frame is rendered, which is the next one. Once it is not, `stop` is this frame."""
        if self._budget is None or frame >= self.stop:
            return frame < self.stop
        elapsed = self._clock() - self._began
        if self._before is None:
            self._before = elapsed
        if self._budget.is_spent(self._before, elapsed, frame - self.frames.start, self.frames.stop - frame):
            self.stop = frame
        return frame < self.stop

    @property
    def rendered(self) -> range:
        """The frames before `stop`."""
        return range(self.frames.start, self.stop)

    @property
    def rest(self) -> range:
        """The frames from `stop` on."""
        return range(self.stop, self.frames.stop)

    @property
    def seconds(self) -> float:
        """Seconds since the first frame."""
        return self._clock() - self._began - (self._before or 0.0)
