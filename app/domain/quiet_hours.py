"""When a phone may not ring: nobody is asked by text or chat at night, in their own time zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUIET_FROM, QUIET_UNTIL = time(21), time(9)  # field practice; across midnight
CHANNELS = ("sms", "whatsapp", "telegram")  # mail waits in its box by itself


def quiet_until(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet that holds at this moment ends; None while messages may come."""
    local = now.astimezone(zone)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return None
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    return datetime.combine(day, QUIET_UNTIL, zone).astimezone(UTC)


def seconds_left(now: datetime, zone: ZoneInfo) -> int:
    """How long a message may still be delivered today: no provider may hold it into the night."""
    local = now.astimezone(zone)
    ends = datetime.combine(local.date(), QUIET_FROM, zone)
    return max(0, int((ends.astimezone(UTC) - now).total_seconds()))
