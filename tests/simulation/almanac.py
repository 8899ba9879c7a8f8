"""When each schedule is due, worked out with dateutil: the oracle's own calendar, not the product's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from dateutil import rrule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """As the rule names it on the wall, when that is, and why nothing happens, if nothing does."""

    local: str
    due_at: datetime
    off: str | None = None


@dataclass(frozen=True)
class Calendar:
    """The days of the workspace."""

    holidays: frozenset[date]
    blackouts: frozenset[date]

    def is_closed(self, day: date, runs_on_days_off: bool) -> str | None:
        if day in self.blackouts:
            return "blackout"
        closed = day.weekday() > 4 or day in self.holidays
        return "day_off" if closed and not runs_on_days_off else None


def due_moments(
    rule: str, begins: datetime, zone: str, off_days: str, calendar: Calendar, until: datetime
) -> list[Moment]:
    """Every moment of this iCalendar rule up to `until`, from a beginning on the wall of this zone."""
    named = takewhile_due(rule, begins, ZoneInfo(zone), until)
    placed = [_placed(local, off_days, calendar, ZoneInfo(zone)) for local in named]
    told = []
    for _, together in groupby(placed, key=lambda each: each[0].due_at):
        told += _one_of(list(together))
    return [each for each in told if each.due_at <= until]


def takewhile_due(rule: str, begins: datetime, zone: ZoneInfo, until: datetime) -> Iterator[datetime]:
    """The times on the wall that the rule names, some weeks further than `until`, for what is moved."""
    last = until.astimezone(zone).replace(tzinfo=None) + 70 * DAY
    if rule == "once":
        yield begins
        return
    for local in rrule.rrulestr(rule, dtstart=begins):
        if local > last:
            return
        yield local


def _placed(local: datetime, off_days: str, calendar: Calendar, zone: ZoneInfo) -> tuple[Moment, bool]:
    """The moment, and whether it was moved there from another day."""
    written = local.strftime("%Y-%m-%dT%H:%M")
    why = calendar.is_closed(local.date(), off_days == "run")
    if why is None:
        return Moment(written, on_the_clock(local, zone)), False
    if off_days == "skip":
        return Moment(written, on_the_clock(local, zone), why), False
    step = -DAY if off_days == "previous" else DAY
    moved = local
    while calendar.is_closed(moved.date(), off_days == "run") is not None:
        moved += step
    return Moment(written, on_the_clock(moved, zone)), True


def _one_of(together: list[tuple[Moment, bool]]) -> list[Moment]:
    """Of several at the same time one takes place: the one that was meant for then, else the first."""
    going = [pair for pair in together if pair[0].off is None]
    chosen = next((pair for pair in going if not pair[1]), going[0] if going else None)
    return [
        pair[0] if pair[0].off or pair is chosen else Moment(pair[0].local, pair[0].due_at, "day_off")
        for pair in together
    ]


def on_the_clock(local: datetime, zone: ZoneInfo) -> datetime:
    """The first time that the clocks of this zone show this, or the first moment after their gap."""
    while True:
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            return moment
        local += MINUTE
