"""Events in pieces: recorders that send logs of OpenTelemetry cut long events (Splunk, HyperDX, Elastic).

Each record has a piece of the event's JSON as its body, and says which by `rr-web.event`, `rr-web.chunk` (from 1 on)
and `rr-web.total-chunks`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from video_export_worker.recording.limits import Meters
from video_export_worker.recording.problems import BrokenEvent

EVENT: Final = "rr-web.event"
CHUNK: Final = "rr-web.chunk"
TOTAL: Final = "rr-web.total-chunks"
BODIES: Final = ("body", "Body", "message")
MOST_PIECES: Final = 1000
MOST_WAITING: Final = 2  # largest events that may wait for their last pieces, all together


class Piece(NamedTuple):
    """A piece of an event's text."""

    event: str
    number: int
    total: int
    text: str


def read_piece(record: Mapping[str, Any]) -> Piece | None:
    """Read a record of a log that holds a piece of an event; None if it is none, or holds all of it."""
    labels = next((found for found in map(_read_labels, (record, *record.values())) if TOTAL in found), None)
    if labels is None:
        return None
    number, total = _read_number(labels.get(CHUNK)), _read_number(labels[TOTAL])
    text = next((text for name in BODIES if (text := _read_text(record.get(name))) is not None), None)
    if number is None or total is None or text is None or not 1 < total <= MOST_PIECES:
        return None
    return Piece(str(_plain(labels.get(EVENT))), number, total, text)


class Pieces:
    """Puts the pieces of a file's events together, in whatever order they come.

    Args:
        meters: Bound an event, and with it what waits for its last piece: of too many, the first are given up.

    Attributes:
        waiting_bytes: Characters of all pieces that wait.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._waiting: dict[str, dict[int, str]] = {}
        self._given_up = 0
        self.waiting_bytes = 0

    def add(self, piece: Piece) -> str | None:
        """Take a piece; the event's text if that is the last of its pieces.

        Raises:
            BrokenEvent: there is no such piece.
            RecordingTooLarge: the event is larger than one may be.
        """
        if not 1 <= piece.number <= piece.total:
            raise BrokenEvent(f"piece {piece.number} of an event of {piece.total}")
        known = self._waiting.setdefault(piece.event, {})
        self.waiting_bytes += len(piece.text) - len(known.get(piece.number, ""))
        known[piece.number] = piece.text
        if len(known) < piece.total:
            self._meters.check_event("".join(known.values()) if len(known) % 16 == 0 else piece.text)
            self._make_room(piece.event)
            return None
        self._drop(piece.event)
        return "".join(known[number] for number in sorted(known))

    @property
    def incomplete(self) -> int:
        """How many events lack a piece."""
        return len(self._waiting) + self._given_up

    def _make_room(self, event: str) -> None:
        """Give up what waits longest, but this event: its next piece may be the next record."""
        most = MOST_WAITING * self._meters.limits.event_bytes
        while self.waiting_bytes > most and (others := [each for each in self._first_waiting() if each != event]):
            self._drop(others[0])
            self._given_up += 1

    def _first_waiting(self) -> Iterator[str]:
        return itertools.islice(self._waiting, 2)

    def _drop(self, event: str) -> None:
        self.waiting_bytes -= sum(map(len, self._waiting.pop(event).values()))


def _read_labels(value: Any) -> Mapping[str, Any]:
    if isinstance(value, list):
        pairs = [each for each in value if isinstance(each, dict) and isinstance(each.get("key"), str)]
        return {pair["key"]: pair.get("value") for pair in pairs}
    return value if isinstance(value, dict) else {}


def _plain(value: Any) -> Any:
    """A value of OpenTelemetry's JSON names its type: `{"intValue": "2"}`."""
    return next(iter(value.values())) if isinstance(value, dict) and len(value) == 1 else value


def _read_number(value: Any) -> int | None:
    try:
        return int(float(_plain(value)))
    except (TypeError, ValueError, OverflowError):
        return None


def _read_text(value: Any) -> str | None:
    value = _plain(value)
    return value if isinstance(value, str) else None
