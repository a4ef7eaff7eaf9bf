"""Events as rows of databases and logs write them: numbers as text, times as dates, `data` as JSON text, other names.

Seen in public projects that keep rrweb's events in columns (ClickHouse, PostgreSQL, MongoDB) and give them out as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from video_export_worker.recording.events import EventType
from video_export_worker.recording.json_stream import BrokenValue, decode_json
from video_export_worker.recording.limits import Meters

KINDS: Final = ("type", "event_type", "eventType")
DATA: Final = ("data", "event_data", "eventData")
KEPT: Final = ("window_id", "windowId", "$window_id", "cv")
TIMES: Final = ("timestamp", "event_timestamp", "eventTimestamp", "time")
# MongoDB's extended JSON.
_NUMBERS: Final = ("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal")
_NAMES: Final = {kind.name.replace("_", "").lower(): int(kind) for kind in EventType}
_LOADING: Final = (EventType.DOM_CONTENT_LOADED, EventType.LOAD, "0", "1")
_LONGEST_NUMBER: Final = 32
_UNITS: Final = ((1000, 1e9), (1e-3, 1e15), (1e-6, 1e18))


def is_row(row: Mapping[str, Any]) -> bool:
    """Tell whether an object has what makes it an event that is written as a row."""
    return (
        (any(isinstance(row.get(name), str | dict) for name in DATA) or _needs_no_data(row))
        and _find(row, KINDS, _read_kind) is not None
        and _find(row, TIMES, _read_time) is not None
    )


def read_row(row: Mapping[str, Any], meters: Meters) -> dict[str, Any] | None:
    """Read an event out of a row; None if the row is none.

    Raises:
        RecordingTooLarge: its data is larger than an event may be.
    """
    if not is_row(row):
        return None
    kind, at = _find(row, KINDS, _read_kind), _find(row, TIMES, _read_time)
    data: Any = next((row[name] for name in DATA if isinstance(row.get(name), str | dict)), {})
    if isinstance(data, str):
        data = _read_data(data, meters)
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("type"), int) and "timestamp" in data and "data" in data:
        return data  # the column holds the whole event
    kept = {key: row[key] for key in KEPT if key in row}
    return {**kept, "type": kind, "data": data, "timestamp": at}


def needs_reading(event: Mapping[str, Any]) -> bool:
    """Tell whether what looks like an event is written as rows are. Fields that PostHog compresses are not meant."""
    is_text = isinstance(event.get("data"), str) and "cv" not in event
    at = event.get("timestamp")
    return is_text or isinstance(at, str | dict) or (isinstance(at, int | float) and _unit_of(at) != 1)


def _needs_no_data(row: Mapping[str, Any]) -> bool:
    """Tell whether an object may be an event of loading: those have empty data, which serialisers leave out."""
    return row.get("data") is None and "timestamp" in row and row.get("type") in _LOADING


def _find(row: Mapping[str, Any], names: tuple[str, ...], read: Any) -> Any:
    return next((value for name in names if (value := read(row.get(name))) is not None), None)


def _read_kind(value: Any) -> int | None:
    if isinstance(value, str) and (named := _NAMES.get(value.replace("_", "").replace("-", "").lower())) is not None:
        return named
    number = _read_number(value)
    return int(number) if number is not None and number == int(number) and 0 <= number < 100 else None


def _read_time(value: Any) -> float | None:
    """Milliseconds since 1970."""
    if isinstance(value, dict) and "$date" in value:
        value = value["$date"]
    number = _read_number(value)
    if number is not None:
        at = number * _unit_of(number)
        return int(at) if at == int(at) else at
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER + 8:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _unit_of(number: float) -> float:
    """Milliseconds of the unit that a time since 1970 is written in: seconds, milliseconds, microseconds, nanoseconds.

    For each the years from 2001 to 2286 count, and nothing else: a recording may count from its own beginning.
    """
    return next((unit for unit, first in _UNITS if first <= number < 10 * first), 1)


def _read_number(value: Any) -> float | None:
    if isinstance(value, dict) and len(value) == 1:
        value = next((value[name] for name in _NUMBERS if name in value), None)
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e300 else None


def _read_data(text: str, meters: Meters) -> Any:
    meters.check_event(text)
    try:
        data = decode_json(text)
        return decode_json(data) if isinstance(data, str) else data
    except BrokenValue:
        return None
