"""scaling.schedule: when its minimum holds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.operator.bodies import body, spec_of
from video_export_operator.errors import InvalidSpec
from video_export_operator.resource import parse_resource

OFFICE = {"cron": "0 8 * * 1-5", "timeZone": "Europe/Berlin", "duration": "10h", "minReplicas": 3}
NIGHT = {"cron": "0 22 * * *", "duration": "4h", "minReplicas": 1}


def minimum(now: str, *schedule: dict[str, object]) -> int:
    return spec_of({"schedule": list(schedule)}).scaling.scheduled_minimum(datetime.fromisoformat(now))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-26T06:59:59+00:00", 0),
        ("2026-11-26T07:00:00+00:00", 3),
        ("2026-11-26T16:59:59+00:00", 3),
        ("2026-11-26T17:00:00+00:00", 0),
        ("2026-11-28T10:00:00+00:00", 0),
        ("2026-07-01T06:00:00+00:00", 3),
    ],
    ids=["before", "begins", "lasts", "has ended", "Saturday", "summer time"],
)
def test_it_holds_from_its_time_on_for_its_duration(now: str, expected: int) -> None:
    assert minimum(now, OFFICE) == expected


def test_of_several_the_largest_holds_also_over_midnight() -> None:
    assert minimum("2026-11-27T01:30:00+00:00", OFFICE, NIGHT) == 1
    assert minimum("2026-11-27T22:30:00+00:00", {**OFFICE, "cron": "0 23 * * 5"}, NIGHT) == 3
    assert minimum("2026-11-27T22:30:00+00:00") == 0


def test_the_hour_that_comes_twice_counts_once() -> None:
    """Summer time ends at 01:00 UTC: it is three o'clock and then two again."""
    twice = {"cron": "30 2 25 10 *", "timeZone": "Europe/Berlin", "duration": "5m", "minReplicas": 1}
    held = [minimum(f"2026-10-25T{hour:02}:{minute:02}:00+00:00", twice) for hour in (0, 1) for minute in range(60)]
    assert sum(held) == 5


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**NIGHT, "cron": "every day"}, "spec.scaling.schedule.0.cron: is no cron expression; write five fields"),
        ({**NIGHT, "cron": "61 * * * *"}, "spec.scaling.schedule.0.cron: Bad minute; write five fields as in cron"),
        ({**NIGHT, "timeZone": "Mars/Olympus"}, "spec.scaling.schedule.0.timeZone: must be a name of the time zone"),
        ({**NIGHT, "duration": "5s"}, "spec.scaling.schedule.0.duration"),
        ({"cron": "0 8 * * *", "duration": "1h"}, "spec.scaling.schedule.0.minReplicas: Field required"),
    ],
)
def test_what_is_wrong_is_said(entry: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSpec) as told:
        parse_resource(body({"scaling": {"schedule": [entry]}}))
    assert any(problem.startswith(said) for problem in told.value.problems), told.value.problems


def test_a_time_in_utc_is_meant_without_a_time_zone() -> None:
    assert spec_of({"schedule": [NIGHT]}).scaling.scheduled_minimum(datetime(2026, 11, 26, 22, 0, tzinfo=UTC)) == 1
