"""When nobody is disturbed: hours and whole days of quiet, by the clocks of the person's own zone."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.cadence import moment_of

CHANNELS = ("sms", "whatsapp", "telegram")  # mail waits in its box by itself
DAY = timedelta(days=1)
AHEAD = 8  # days: further away no quiet begins that comes every week
_WRITTEN = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


@dataclass(frozen=True)
class Quiet:
    """From one time on the wall until another, across midnight where the second comes first; and whole days.

    Without hours it is the days alone; 0 is Monday. Where the clock goes back, a quiet begins with the first
    of two equal times and ends with the second.
    """

    begins: time | None = None
    ends: time | None = None
    days: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if len(self.days) > 6 or (self.begins is not None and self.begins == self.ends):
            raise ValueError("a quiet that never ends")

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet that holds at this moment is over, nights and days together; None outside of it."""
        moment = now
        while ends := self._end(moment, zone):
            moment = ends
        return None if moment == now else moment

    def seconds_left(self, now: datetime, zone: ZoneInfo) -> int:
        """How long a message may still be delivered: no provider may hold it into the quiet."""
        if self._end(now, zone):
            return 0
        today = now.astimezone(zone).date()
        coming = (
            begins
            for number in range(AHEAD)
            for begins, _ in self._spells(today + number * DAY, zone)
            if begins > now
        )
        return int((next(coming, now + AHEAD * DAY) - now).total_seconds())

    def _end(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """Where the night or the day ends that holds this moment: it began today or yesterday."""
        today = moment.astimezone(zone).date()
        for day in (today - DAY, today):
            for begins, ends in self._spells(day, zone):
                if begins <= moment < ends:
                    return ends
        return None

    def _spells(self, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
        """The quiet that begins on this day, in the order of its beginnings."""
        if day.weekday() in self.days:
            yield _between(datetime.combine(day, time(0)), datetime.combine(day + DAY, time(0)), zone)
        if self.begins is not None and self.ends is not None:
            last = day + DAY if self.ends <= self.begins else day
            yield _between(datetime.combine(day, self.begins), datetime.combine(last, self.ends), zone)


def _between(begins: datetime, ends: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return _moments(begins, zone)[0], _moments(ends, zone)[1]


def _moments(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last moment of a time on the wall: two only where the clock goes back."""
    first, again = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == again.utcoffset():
        moment = first.astimezone(UTC)
        return moment, moment
    begins = moment_of(local, zone)
    return begins, max(begins, again.astimezone(UTC))


def read_quiet(begins: str, ends: str, days: Collection[int] = ()) -> Quiet | None:
    """Two times as "21:00" and "09:00", and days of the week; None where all are empty.

    Raises ValueError for anything else.
    """
    if not begins and not ends:
        return Quiet(days=frozenset(days)) if days else None
    if not (_WRITTEN.fullmatch(begins) and _WRITTEN.fullmatch(ends)) or begins == ends:
        raise ValueError("two different times, such as 20:00 and 08:00")
    return Quiet(time.fromisoformat(begins), time.fromisoformat(ends), frozenset(days))


def next_moment(now: datetime, zone: ZoneInfo, quiet: Quiet | None) -> datetime:
    """Now, or when the quiet that somebody wants is over."""
    return (quiet.until(now, zone) if quiet else None) or now.astimezone(UTC)
