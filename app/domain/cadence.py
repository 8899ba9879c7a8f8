"""When a schedule is due: a local rule and a zone become moments, across clock changes and short months.

A local time that a clock change skips is due at the first moment after the gap; one that comes twice, the
first time. A monthly rule that begins on the 31st takes the last day of shorter months.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count, islice, takewhile
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
LOCAL = "%Y-%m-%dT%H:%M"


class Repeat(StrEnum):
    """How often."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"


# After downtime a run still happens if it is no later than this; older ones end as missed, a row each.
LATEST = {
    Repeat.ONCE: timedelta(days=7),
    Repeat.DAILY: timedelta(hours=12),
    Repeat.WEEKLY: timedelta(days=3),
    Repeat.MONTHLY: timedelta(days=7),
    Repeat.QUARTERLY: timedelta(days=7),
}
_MONTHS = {Repeat.MONTHLY: 1, Repeat.QUARTERLY: 3}
_DAYS = {Repeat.DAILY: 1, Repeat.WEEKLY: 7}
# Rest is met this many days early for rules that come in months: 1 February to 1 May is 89 days.
EARLY_DAYS = {Repeat.MONTHLY: 7, Repeat.QUARTERLY: 7}


@dataclass(frozen=True)
class Run:
    """One due moment: the local time that it stands for, and when that is."""

    local: str
    due_at: datetime


@dataclass(frozen=True)
class Cadence:
    """A rule: from a local date and time on, so often, by the clocks of one zone."""

    repeat: Repeat
    starts_at: datetime  # naive: a time on the wall
    zone: ZoneInfo

    def runs(self, after: datetime | None = None) -> Iterator[Run]:
        """The due moments in order, all of them or those later than `after`."""
        for local in self._locals(after):
            due_at = moment_of(local, self.zone)
            if after is None or due_at > after:
                yield Run(local.strftime(LOCAL), due_at)

    def next_run(self, after: datetime) -> Run | None:
        """The first due moment later than `after`, or None when there is none."""
        return next(self.runs(after), None)

    def next_runs(self, after: datetime, number: int) -> list[Run]:
        """Some due moments later than `after`."""
        return list(islice(self.runs(after), number))

    def _locals(self, after: datetime | None) -> Iterator[datetime]:
        if self.repeat is Repeat.ONCE:
            yield self.starts_at
            return
        for step in count(self._steps_before(after)):
            if self.repeat in _DAYS:
                yield self.starts_at + timedelta(days=step * _DAYS[self.repeat])
            else:
                yield add_months(self.starts_at, step * _MONTHS[self.repeat])

    def _steps_before(self, after: datetime | None) -> int:
        """A number of steps that surely does not pass `after`."""
        if after is None:
            return 0
        days = (after.astimezone(self.zone).replace(tzinfo=None) - self.starts_at).days
        length = _DAYS.get(self.repeat) or 31 * _MONTHS[self.repeat]
        return max(0, days // length - 1)


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The UTC moment of a time on the wall, as the module's head says."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    return _end_of_gap(moment, zone)


def _end_of_gap(moment: datetime, zone: ZoneInfo) -> datetime:
    """The clock change just before this moment; gaps are whole minutes and never longer than a day."""
    offset = moment.astimezone(zone).utcoffset()
    low, high = moment - timedelta(days=1), moment
    while high - low > MINUTE:
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high.replace(second=0, microsecond=0)


def add_months(local: datetime, months: int) -> datetime:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def due_runs(cadence: Cadence, first: datetime, now: datetime) -> list[Run]:
    """Every moment that has come due from `first` up to `now`, both included."""
    return list(takewhile(lambda run: run.due_at <= now, cadence.runs(first - MINUTE)))


def late_runs(cadence: Cadence, first: datetime, now: datetime) -> tuple[list[Run], Run | None]:
    """What is due from `first` up to `now`: the runs that were missed, and the one to do now, if any.

    Only the latest is done, and only within LATEST of its time: nobody is asked five times for our absence.
    """
    due = due_runs(cadence, first, now)
    if due and now - due[-1].due_at <= LATEST[cadence.repeat]:
        return due[:-1], due[-1]
    return due, None
