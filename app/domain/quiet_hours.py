"""When a phone may not ring: hours in which nobody is disturbed, by the clocks of the person's own zone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.cadence import moment_of

CHANNELS = ("sms", "whatsapp", "telegram")  # mail waits in its box by itself
_WRITTEN = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


@dataclass(frozen=True)
class Quiet:
    """From one time on the wall until another, across midnight where the second comes first."""

    begins: time
    ends: time

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet that holds at this moment ends; None while messages may come."""
        for begins, ends in self._nights(now, zone):
            if begins <= now < ends:
                return ends
        return None

    def seconds_left(self, now: datetime, zone: ZoneInfo) -> int:
        """How long a message may still be delivered: no provider may hold it into the night."""
        nights = list(self._nights(now, zone))
        if any(begins <= now < ends for begins, ends in nights):
            return 0
        return int((min(begins for begins, _ in nights if begins > now) - now).total_seconds())

    def _nights(self, now: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The quiet that began yesterday, today's and tomorrow's."""
        today = now.astimezone(zone).date()
        for day in (today + timedelta(days=number) for number in (-1, 0, 1)):
            last = day + timedelta(days=1) if self.ends <= self.begins else day
            begins, ends = datetime.combine(day, self.begins), datetime.combine(last, self.ends)
            yield moment_of(begins, zone), moment_of(ends, zone)


USUAL = Quiet(time(21), time(9))  # field practice


def read_quiet(begins: str, ends: str) -> Quiet | None:
    """Two times as "21:00" and "09:00"; None where both are empty. Raises ValueError for anything else."""
    if not begins and not ends:
        return None
    if not (_WRITTEN.fullmatch(begins) and _WRITTEN.fullmatch(ends)) or begins == ends:
        raise ValueError("two different times, such as 20:00 and 08:00")
    return Quiet(time.fromisoformat(begins), time.fromisoformat(ends))


def quiet_until(now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet that holds for asking at this moment ends; None while messages may come."""
    return USUAL.until(now, zone)


def seconds_left(now: datetime, zone: ZoneInfo) -> int:
    """How long an ask may still be delivered today."""
    return USUAL.seconds_left(now, zone)


def next_moment(now: datetime, zone: ZoneInfo, quiet: Quiet | None) -> datetime:
    """Now, or when the quiet that somebody wants is over."""
    return (quiet.until(now, zone) if quiet else None) or now.astimezone(UTC)
