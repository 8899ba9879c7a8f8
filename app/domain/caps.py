"""How often one person may be asked: so many messages that ask in a day, and so many in seven."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK = 7  # days: the day and the six before it
Rule = Callable[[datetime], datetime | None]  # until when it says "not yet"; None: it does not mind


@dataclass(frozen=True)
class Caps:
    """None: as often as the rests allow."""

    daily: int | None = None
    weekly: int | None = None

    @property
    def are_set(self) -> bool:
        """Is there any cap at all?"""
        return self.daily is not None or self.weekly is not None

    def since(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The midnight from which messages weigh."""
        today = now.astimezone(zone).date()
        return midnight(first_of_week(today) if self.weekly is not None else today, zone)

    def until(self, left: Iterable[datetime], now: datetime, zone: ZoneInfo) -> datetime | None:
        """The midnight at which one more may leave, after those that left; None: at once."""
        moments = [min(each, now) for each in left]  # a clock may have gone back
        day = today = now.astimezone(zone).date()
        while self._are_full(moments, day, zone):
            day += timedelta(days=1)
        return None if day == today else midnight(day, zone)

    def _are_full(self, moments: list[datetime], day: date, zone: ZoneInfo) -> bool:
        return any(
            most is not None and sum(each >= midnight(first, zone) for each in moments) >= most
            for most, first in ((self.daily, day), (self.weekly, first_of_week(day)))
        )


NO_CAPS = Caps()


def first_of_week(day: date) -> date:
    """The first of the seven days that end with this one."""
    return day - timedelta(days=WEEK - 1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When this day begins."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def first_allowed(now: datetime, *rules: Rule) -> datetime | None:
    """The first moment at which none of these rules says "not until"; None: now."""
    moment = now
    while later := next((until for rule in rules if (until := rule(moment)) is not None), None):
        moment = later
    return None if moment == now else moment
