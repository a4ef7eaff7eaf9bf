"""Where an object ends that is followed by one that begins as it does: the events of a recording come in one form.

Once one event was read, `},{"type":3,"data":` shows where the next ones end; msgspec decodes the bytes up to there in
half of the standard library's time. A text that is a whole JSON object is the beginning of no other, so an end at which
it can be decoded is the right one. msgspec takes nothing that the standard decoder refuses, UTF-8 that is broken among
it, and gives the same values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

_SEPARATOR: Final = re.compile(rb"\}[ \t\r\n]*,?[ \t\r\n]*\Z")
_OPENING: Final = re.compile(rb'\{[ \t\r\n]*"[^"\\]{1,64}"[ \t\r\n]*:[ \t\r\n]*')
_LONGEST_SEPARATOR: Final = 64  # bytes
_MOST_OPENINGS: Final = 256  # of objects inside of a value that begin in the same way
_MOST_ENDS: Final = 4  # that turn out to be none
_REACH: Final = 2**16  # bytes in which an end is looked for, or some times the size of an object that was found
_TIMES: Final = 4


class FoundObject(NamedTuple):
    """An object, and its text as UTF-8."""

    value: Any
    encoded: bytes


class ObjectEnds:
    """Finds the ends of objects in bytes, when it has learned their form.

    Args:
        decode: Makes values of objects' texts; a `ValueError` says that it is no JSON.
    """

    def __init__(self, decode: Callable[[bytes], Any] = msgspec.json.decode) -> None:
        self._decode = decode
        self._between = b""  # from the end of an object up to the first value in the next one
        self._head: re.Pattern[bytes] = re.compile(b"")  # what the next one goes on with
        self._reach = _REACH

    @property
    def knows(self) -> bool:
        """Whether the form of an object was learned."""
        return bool(self._between)

    def learn(self, data: bytes, start: int, size: int, value: Any) -> None:
        """Take in an object that was read, and what stands before it: an object and a separator, or something else."""
        separator = _SEPARATOR.search(data[max(start - _LONGEST_SEPARATOR, 0) : start])
        opening = _OPENING.match(data, start)
        if separator is None or opening is None or not isinstance(value, dict):
            return
        self._between = separator[0] + opening[0]
        self._reach = max(_REACH, _TIMES * size)
        names = list(value)
        is_plain = len(names) > 1 and value[names[0]].__class__ is int
        second = re.escape(names[1].encode(errors="replace")) if is_plain else b""
        self._head = re.compile(rb'-?\d+[ \t\r\n]*,[ \t\r\n]*"%b"' % second if is_plain else b"")

    def find(self, data: bytes, start: int) -> FoundObject | None:
        """Read the object that begins at `start`; None if its end is not found this way, whatever the reason."""
        if not self._between or not data.startswith(b"{", start):
            return None
        at, ends = start, 0
        for _ in range(_MOST_OPENINGS):
            at = data.find(self._between, at + 1, start + self._reach)
            if at < 0 or ends == _MOST_ENDS:
                return None
            if self._head.match(data, at + len(self._between)):
                encoded = data[start : at + 1]
                try:
                    return FoundObject(self._decode(encoded), encoded)
                except (ValueError, RecursionError):
                    ends += 1
        return None
