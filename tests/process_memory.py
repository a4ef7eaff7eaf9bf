"""What another process holds: its environment, and the memory that it can write. Needs the rights to trace it."""

from __future__ import annotations

import contextlib
from pathlib import Path

LARGEST = 256 * 2**20  # bytes of a region; what is larger is reserved address space


def read_environment(process: int) -> bytes:
    """The environment with which the process began; nothing if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/environ").read_bytes()
    return b""


def count_in_memory(process: int, needle: bytes) -> int:
    """How often the memory of the process holds these bytes; 0 if it has ended."""
    found = 0
    with contextlib.suppress(OSError), open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            addresses, rights = line.split()[:2]
            start, end = (int(address, 16) for address in addresses.split("-"))
            if rights.startswith("rw") and end - start <= LARGEST:
                with contextlib.suppress(OSError, ValueError):  # nothing is behind it
                    memory.seek(start)
                    found += memory.read(end - start).count(needle)
    return found
