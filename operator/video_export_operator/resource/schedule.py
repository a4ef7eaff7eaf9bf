"""When a schedule holds: cron expressions in a time zone. Pure: now is an argument."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

FIELDS = 5


def is_within(cron: str, time_zone: str, duration: float, now: datetime) -> bool:
    """Return whether a time of a cron expression is at most `duration` seconds ago.

    Args:
        cron: five fields.
        time_zone: in which the expression is meant.
        duration: seconds.
        now: with its time zone.
    """
    earliest = now.astimezone(UTC) - timedelta(seconds=duration)
    begun = next(CronSim(cron, earliest.astimezone(ZoneInfo(time_zone))), None)
    # Compared in UTC: within a time zone an hour may come twice.
    return begun is not None and earliest < begun.astimezone(UTC) <= now


def check_cron(text: str) -> str:
    """Return the text if it is a cron expression.

    Raises:
        ValueError: it is none.
    """
    advice = "write five fields as in cron, for example 0 8 * * 1-5"
    if len(text.split()) != FIELDS:
        raise ValueError(f"is no cron expression; {advice}")
    try:
        CronSim(text, datetime(2026, 1, 1))
    except CronSimError as error:
        raise ValueError(f"{error}; {advice}") from error
    return text


def check_time_zone(text: str) -> str:
    """Return the text if it names a time zone.

    Raises:
        ValueError: it does not.
    """
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a name of the time zone database, for example Europe/Berlin") from error
    return text
