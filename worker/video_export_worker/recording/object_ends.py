"""Where an object ends that is followed by one that begins as it does: the events of a recording come in one form.

Once one event was read, `},{"type":3,"data":` shows where the next ones end; msgspec decodes the text up to there in
half of the standard library's time. A text that is a whole JSON object is the beginning of no other, so an end at which
it can be decoded is the right one. msgspec takes nothing that the standard decoder refuses, and gives the same values.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec

_SEPARATOR: Final = re.compile(r"\}[ \t\r\n]*,?[ \t\r\n]*\Z")
_OPENING: Final = re.compile(r'\{[ \t\r\n]*"[^"\\]{1,64}"[ \t\r\n]*:[ \t\r\n]*')
_LONGEST_SEPARATOR: Final = 64  # characters
_MOST_OPENINGS: Final = 256  # of objects inside of a value that begin in the same way
_MOST_ENDS: Final = 4  # that turn out to be none


class FoundObject(NamedTuple):
    """An object, its text as UTF-8, and where it ends in the text that was searched."""

    value: dict[str, Any]
    encoded: bytes
    end: int


class ObjectEnds:
    """Finds the ends of objects in a text, when it has learned their form."""

    def __init__(self) -> None:
        self._between = ""  # from the end of an object up to the first value in the next one
        self._head: re.Pattern[str] = re.compile("")  # what the next one goes on with

    def learn(self, text: str, start: int, value: Any) -> None:
        """Take in an object that was read, and what stands before it: an object and a separator, or something else."""
        separator = _SEPARATOR.search(text[max(start - _LONGEST_SEPARATOR, 0) : start])
        opening = _OPENING.match(text, start)
        if separator is None or opening is None or not isinstance(value, dict):
            return
        self._between = separator[0] + opening[0]
        names = list(value)
        is_plain = len(names) > 1 and value[names[0]].__class__ is int
        self._head = re.compile(rf'-?\d+[ \t\r\n]*,[ \t\r\n]*"{re.escape(names[1])}"' if is_plain else "")

    def find(self, text: str, start: int) -> FoundObject | None:
        """Read the object that begins at `start`; None if its end is not found this way, whatever the reason."""
        if not self._between or not text.startswith("{", start):
            return None
        at, ends = start, 0
        for _ in range(_MOST_OPENINGS):
            at = text.find(self._between, at + 1)
            if at < 0 or ends == _MOST_ENDS:
                return None
            if self._head.match(text, at + len(self._between)):
                encoded = text[start : at + 1].encode()
                try:
                    return FoundObject(msgspec.json.decode(encoded), encoded, at + 1)
                except (ValueError, RecursionError):
                    ends += 1
        return None
