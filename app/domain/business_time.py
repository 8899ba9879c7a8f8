"""Business hours: when a desk is open, and how much of an interval it was open for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

NOTHING = timedelta(0)
WHOLE_WEEK = frozenset(range(7))


@dataclass(frozen=True)
class BusinessCalendar:
    """The open hours of one desk: every day of `days` from `opens` to `closes`, local time, less `holidays`.

    `days` are weekdays as `date.weekday()` counts them, 0 for Monday; `opens` and `closes` are of one day.
    Raises ValueError for a calendar that is never open and ZoneInfoNotFoundError for an unknown zone.
    """

    zone: str = "UTC"
    days: frozenset[int] = frozenset(range(5))
    opens: time = time(9)
    closes: time = time(18)
    holidays: frozenset[date] = frozenset()
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.days or not self.days <= WHOLE_WEEK:
            raise ValueError("days are weekdays from 0, Monday, to 6, and at least one")
        if self.opens >= self.closes:
            raise ValueError("a day opens before it closes")
        object.__setattr__(self, "_zone", ZoneInfo(self.zone))

    @classmethod
    def from_settings(
        cls, zone: str, days: Iterable[int], opens_at: str, closes_at: str, holidays: Iterable[str]
    ) -> Self:
        """The calendar in a workspace's settings: "09:00" for times, ISO dates for holidays."""
        return cls(
            zone=zone,
            days=frozenset(days),
            opens=time.fromisoformat(opens_at),
            closes=time.fromisoformat(closes_at),
            holidays=frozenset(date.fromisoformat(holiday) for holiday in holidays),
        )

    @property
    def day_length(self) -> timedelta:
        """How long an ordinary day is open."""
        midnight = date(2000, 1, 1)
        return datetime.combine(midnight, self.closes) - datetime.combine(midnight, self.opens)

    def add_hours(self, start: datetime, hours: float) -> datetime:
        """The UTC moment at which the desk has been open for `hours` since `start`; see `add`."""
        return self.add(start, timedelta(hours=hours))

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The UTC moment at which the desk has been open for `amount` since `start`.

        Always within business hours, their two ends included; with nothing to add, the first such moment from
        `start` on. Raises ValueError for a naive start or a negative amount.
        """
        _must_be_aware(start)
        if amount < NOTHING:
            raise ValueError("business time is added forwards")
        left = amount
        for opens, closes in self._open_from(start):
            begin = max(opens, start)
            if begin > closes:
                continue
            if left <= closes - begin:
                return (begin + left).astimezone(UTC)
            left -= closes - begin
        raise AssertionError("a calendar with open days goes on for ever")

    def business_between(self, start: datetime, end: datetime) -> timedelta:
        """How long the desk was open between two moments; negative when `end` is the earlier one."""
        _must_be_aware(start)
        _must_be_aware(end)
        if end < start:
            return -self.business_between(end, start)
        total = NOTHING
        for opens, closes in self._open_from(start):
            if opens >= end:
                return total
            total += max(NOTHING, min(closes, end) - max(opens, start))
        raise AssertionError("a calendar with open days goes on for ever")

    def is_open(self, moment: datetime) -> bool:
        """Is this moment within business hours, their two ends included?"""
        return self.add(moment, NOTHING) == moment

    def local(self, moment: datetime) -> datetime:
        """The same moment on the desk's own wall clock."""
        return moment.astimezone(self._zone)

    def _open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open intervals, in UTC, from the local day of `start` on."""
        day = start.astimezone(self._zone).date()
        while True:
            if day.weekday() in self.days and day not in self.holidays:
                # A change of the clocks makes a wall time exist twice or not at all. Of the two readings the
                # day opens at the later and closes at the earlier, so that both are inside business hours.
                opens, closes = max(self._readings(day, self.opens)), min(self._readings(day, self.closes))
                if opens < closes:
                    yield opens, closes
            day += timedelta(days=1)

    def _readings(self, day: date, at: time) -> tuple[datetime, datetime]:
        wall = datetime.combine(day, at, self._zone)
        return wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)


def _must_be_aware(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("a naive time has no business hours")
