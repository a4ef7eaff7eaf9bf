"""How much memory and time an attempt may take, and how many browsers it has: pure arithmetic over measured numbers.

Memory is that of the processes themselves (anonymous and shared pages): pages of files are given back when they are
needed. docs/sizing.md has the table of what was measured; `python -m benchmarks.rendering.attempts` measures again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 2**20
WORKER_BYTES: Final = 220 * MIB  # the worker itself and the fork server
WAITING_BYTES: Final = 180 * MIB  # a child that waits, with its browser and the driver
PLAIN_BYTES: Final = 200 * MIB  # planning, joining
CHILD_BYTES: Final = 120 * MIB  # of a segment's child and its driver, beside the browsers
BROWSER_BYTES: Final = 130 * MIB  # a browser, beside the pictures
PIXEL_BYTES: Final = (
    140  # for each pixel of the video and each browser: pictures on their way to the encoder, and in it
)
NODE_BYTES: Final = 3500  # of a page of 200,000 nodes, each: in Blink, and of its text on the way there
HEADROOM: Final = 1.6  # an attempt may take so many times of what it is expected to: recordings differ
SPARE: Final = 0.05  # of a container's memory: what the kernel counts beside processes
MAX_BROWSERS: Final = 4
# Each ends before Temporal's own time-out of the activity, which would tell nothing of what was wrong.
PLAN_SECONDS: Final = (120.0, 840.0)
PLAN_BYTES_PER_SECOND: Final = MIB
SEGMENT_SECONDS: Final = 420.0
ASSEMBLY_SECONDS: Final = (300.0, 7000.0)
SECONDS_OF_FRAME: Final = 1.0  # a captured one takes 0.05
CPUS_OF_BROWSER: Final = 2  # a browser and the encoder behind it keep two processors busy


@dataclass(frozen=True)
class Capacity:
    """What a worker may use.

    Attributes:
        memory: bytes.
        cpus: processors, which may be a fraction.
        slots: activities at once.
    """

    memory: int
    cpus: float
    slots: int

    @property
    def room(self) -> int:
        """Bytes that attempts and waiting children may take together."""
        return max(MIB, int(self.memory * (1 - SPARE)) - WORKER_BYTES)

    @property
    def share(self) -> int:
        """Bytes of each slot, if all of them run and each has a child that waits behind it."""
        return max(MIB, self.room // self.slots - WAITING_BYTES)


def expect_segment(width: int, height: int, browsers: int, nodes: int = 0) -> int:
    """Bytes that rendering a segment in this size is expected to take, of pages with so many nodes."""
    return CHILD_BYTES + browsers * _expect_browser(width, height, nodes)


def _expect_browser(width: int, height: int, nodes: int) -> int:
    return BROWSER_BYTES + PIXEL_BYTES * width * height + NODE_BYTES * nodes


def grant(capacity: Capacity, expected: int) -> int:
    """Bytes that an attempt may take: its slot's share, or more where it is expected to need more.

    An attempt that is granted more than its share waits until others have left so much.
    """
    return min(capacity.room, max(capacity.share, int(expected * HEADROOM)))


def memory_for(expected: int) -> int:
    """Bytes of a container in which an attempt that is expected to take so many bytes may take what it needs, alone."""
    return int((expected * HEADROOM + WORKER_BYTES) / (1 - SPARE))


def plan_seconds(size: int) -> float:
    """Seconds that planning may take for a recording of `size` bytes: twenty times of what a slow pod needs."""
    return min(PLAN_SECONDS[1], PLAN_SECONDS[0] + size / PLAN_BYTES_PER_SECOND)


def segment_seconds(frames: int) -> float:
    """Seconds that a segment may take: a browser that hangs is started again within them, three times."""
    return SEGMENT_SECONDS + SECONDS_OF_FRAME * frames


def assembly_seconds(frames: int) -> float:
    """Seconds that joining may take; a GIF is encoded then."""
    return min(ASSEMBLY_SECONDS[1], ASSEMBLY_SECONDS[0] + SECONDS_OF_FRAME * frames)


def choose_browsers(capacity: Capacity, width: int, height: int, nodes: int = 0) -> int:
    """Browsers of a segment: as many as its slot has processors and memory for, and at least one."""
    by_cpu = int(capacity.cpus / capacity.slots / CPUS_OF_BROWSER)
    by_memory = (capacity.share - CHILD_BYTES) // _expect_browser(width, height, nodes)
    return max(1, min(MAX_BROWSERS, by_cpu, by_memory))
