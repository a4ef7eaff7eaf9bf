"""What happened in a run of the demo, as values: the size over time, the videos. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Look:
    """The resource at one moment.

    Attributes:
        at: seconds since the first export was submitted.
        wanted: pods that the Deployment has to have.
        ready: pods that are ready.
        busy: pods that work.
        backlog: tasks that wait in the queue.
        running: exports that are not done.
    """

    at: float
    wanted: int
    ready: int
    busy: int
    backlog: int
    running: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """All but the time: what is news when it changes."""
        return (self.wanted, self.ready, self.busy, self.backlog, self.running)


@dataclass(frozen=True)
class Video:
    """A video of the demo: what it shows, where it is, and what ffprobe says of it."""

    title: str
    path: Path
    described: str
    seconds: float


@dataclass
class Story:
    """What was seen of a run.

    Attributes:
        looks: one for each change, in the order of time.
        done: titles of exports with the second at which each was done.
    """

    looks: list[Look] = field(default_factory=list)
    done: list[tuple[str, float]] = field(default_factory=list)

    def add(self, look: Look) -> bool:
        """Take a look; return whether it is news."""
        if self.looks and self.looks[-1].sizes == look.sizes:
            return False
        self.looks.append(look)
        return True

    def until(self, at: float) -> Story:
        """Return what was known at a second of the run."""
        return Story([look for look in self.looks if look.at <= at], [each for each in self.done if each[1] <= at])

    @property
    def busiest(self) -> float:
        """The last second at which as many pods were busy as ever."""
        most = max((look.busy for look in self.looks), default=0)
        return max((look.at for look in self.looks if look.busy == most), default=0.0)

    @property
    def most_pods(self) -> int:
        """The most pods that were ready at once."""
        return max((look.ready for look in self.looks), default=0)

    @property
    def shrank_while_busy(self) -> list[str]:
        """Every smaller size that came while an export still ran."""
        pairs = zip(self.looks, self.looks[1:], strict=False)
        return [f"from {a.wanted} to {b.wanted}" for a, b in pairs if b.wanted < a.wanted and b.running]


def describe(look: Look) -> str:
    """Return a look as a line."""
    exports = f"{look.running} export{'' if look.running == 1 else 's'} to go"
    return f"{exports}, {look.backlog} tasks wait; {look.wanted} pods wanted, {look.ready} ready, {look.busy} busy"
