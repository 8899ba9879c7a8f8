"""When a schedule is due: a rule and a zone become moments, across clock changes, short months and days off.

A local time that a clock change skips is due at the first moment after the gap; one that comes twice, the
first time. A monthly rule that begins on the 31st takes the last day of shorter months.
"""

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import groupby, islice, takewhile
from zoneinfo import ZoneInfo

from app.domain.days_off import FURTHEST_MOVE, NO_DAYS_OFF, DaysOff, OffDays
from app.domain.rrules import Rule

MINUTE = timedelta(minutes=1)
LOCAL = "%Y-%m-%dT%H:%M"
MOVED_BY_A_CLOCK = timedelta(hours=12)  # more than clock changes move a moment, and less than a day
LONGEST_GAP = timedelta(days=6 * 366)  # longer than any rule's; further on there are only days off


class Repeat(StrEnum):
    """How often."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    CUSTOM = "custom"  # a rule of its own
    EACH_PERSON = "each_person"  # a look every day at whose turn it is
    EVENT = "event"  # never by the clock


CALENDAR = (Repeat.ONCE, Repeat.DAILY, Repeat.WEEKLY, Repeat.MONTHLY, Repeat.QUARTERLY, Repeat.CUSTOM)
_RULES = {
    Repeat.DAILY: Rule("DAILY"),
    Repeat.WEEKLY: Rule("WEEKLY"),
    Repeat.MONTHLY: Rule("MONTHLY"),
    Repeat.QUARTERLY: Rule("MONTHLY", interval=3),
    Repeat.EACH_PERSON: Rule("DAILY"),
}
# After downtime a run still happens if it is no later than this; older ones end as missed, a row each.
LATEST = {
    "DAILY": timedelta(hours=12),
    "WEEKLY": timedelta(days=3),
    "MONTHLY": timedelta(days=7),
    "YEARLY": timedelta(days=7),
}
LATEST_ONCE = timedelta(days=7)
# Rest is met this many days early for rules that come in months: 1 February to 1 May is 89 days.
EARLY_DAYS = {"MONTHLY": 7, "YEARLY": 7}


@dataclass(frozen=True)
class Run:
    """One due moment: the local time that the rule names, and when that is."""

    local: str
    due_at: datetime
    off: str | None = None  # why it does not take place: day_off, blackout
    moved: bool = False  # it takes place on another day than the rule says


@dataclass(frozen=True)
class Cadence:
    """A rule: from a local date and time on, so often, by the clocks of one zone and a workspace's days."""

    repeat: Repeat
    starts_at: datetime  # naive: a time on the wall
    zone: ZoneInfo
    own_rule: Rule | None = None  # of CUSTOM
    off_days: OffDays = OffDays.RUN
    days_off: DaysOff = NO_DAYS_OFF

    @property
    def rule(self) -> Rule | None:
        """The calendar rule underneath; none for what comes once or never by the clock."""
        return self.own_rule or _RULES.get(self.repeat)

    @property
    def latest(self) -> timedelta:
        """How late a run may be, unless its schedule says otherwise."""
        return LATEST[self.rule.frequency] if self.rule else LATEST_ONCE

    @property
    def early_days(self) -> int:
        """How many days early rest counts as met."""
        return EARLY_DAYS.get(self.rule.frequency, 0) if self.rule else 0

    def runs(self, after: datetime | None = None) -> Iterator[Run]:
        """The due moments in order, all of them or those later than `after`; days off are left out."""
        last = moment_of(self.starts_at, self.zone)
        last = last if after is None else max(last, after)
        for run in self.moments_after(after):
            if run.due_at > last + LONGEST_GAP:
                return
            if run.off is None:
                last = max(last, run.due_at)
                yield run

    def moments_after(self, after: datetime | None) -> Iterator[Run]:
        """The same with those that days off undo."""
        seek = None
        if after is not None:  # a run that moved may be named by a much earlier or later day
            far = 2 if self.days_off.is_empty else FURTHEST_MOVE + 2
            seek = after.astimezone(self.zone).replace(tzinfo=None) - timedelta(days=far)
        return (run for run in self.moments(seek) if after is None or run.due_at > after)

    def next_run(self, after: datetime) -> Run | None:
        """The first due moment later than `after`, or None when there is none."""
        return next(self.runs(after), None)

    def next_runs(self, after: datetime, number: int) -> list[Run]:
        """Some due moments later than `after`."""
        return list(islice(self.runs(after), number))

    def runs_in(self, after: datetime, days: int) -> int:
        """How many runs take place in so many days from the next one on; at least one."""
        coming = self.runs(after)
        if (first := next(coming, None)) is None:
            return 1
        end = first.due_at + timedelta(days=days) - MOVED_BY_A_CLOCK
        return 1 + sum(1 for _ in takewhile(lambda run: run.due_at < end, coming))

    def moments(self, planned_to: datetime | None = None) -> Iterator[Run]:
        """Every moment that the rule names later than this time on the wall; also those that days off undo.

        Of several that fall together (Saturday, Sunday and Monday, all on Monday) only one takes place.
        """
        named = (self._placed(local) for local in self._locals(planned_to))
        for _, together in groupby(named, key=lambda run: run.due_at):
            yield from _one_of(list(together))

    def step_after(self, before: datetime, days: int) -> datetime:
        """The time on the wall so many days after the step before, moved out of days off as runs are."""
        return self.step_on(before + timedelta(days=days), before)

    def step_on(self, local: datetime, before: datetime) -> datetime:
        """The same of a step that is named for this time, which days off may move.

        It is never left out, which would end the sequence for all of them, and never moved back to the day of
        the step before: then it comes on the next business day.
        """
        policy = OffDays.NEXT if self.off_days is OffDays.SKIP else self.off_days
        moved = self.days_off.moved(local, policy)
        if moved is None or moved <= before:
            moved = self.days_off.moved(local, OffDays.NEXT)
        return moved or local

    def _placed(self, local: datetime) -> Run:
        written = local.strftime(LOCAL)
        if self.days_off.is_empty:
            return Run(written, moment_of(local, self.zone))
        why = self.days_off.why_off(local.date(), self.off_days)
        moved = self.days_off.moved(local, self.off_days)
        if moved is None:
            return Run(written, moment_of(local, self.zone), off=why)
        return Run(written, moment_of(moved, self.zone), moved=moved != local)

    def _locals(self, after: datetime | None) -> Iterator[datetime]:
        if self.rule is not None:
            yield from self.rule.locals(self.starts_at, after)
        elif self.repeat is Repeat.ONCE and (after is None or self.starts_at > after):
            yield self.starts_at


def _one_of(together: Sequence[Run]) -> Iterator[Run]:
    chosen = next((run for run in together if not run.off and not run.moved), None)
    chosen = chosen or next((run for run in together if not run.off), None)
    for run in together:
        yield run if run.off or run is chosen else replace(run, off="day_off")


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


def due_runs(cadence: Cadence, planned_to: datetime, now: datetime) -> list[Run]:
    """Every moment after `planned_to`, a time on the wall, that has come due up to `now`, included."""
    return list(takewhile(lambda run: run.due_at <= now, cadence.moments(planned_to)))


def late_runs(due: Sequence[Run], now: datetime, latest: timedelta) -> tuple[list[Run], Run | None]:
    """Of what is due, the runs that were missed, and the one to do now, if any; days off are neither.

    Only the latest is done, and only within `latest` of its time: nobody is asked five times for our absence.
    """
    takes_place = [run for run in due if run.off is None]
    if takes_place and now - takes_place[-1].due_at <= latest:
        return takes_place[:-1], takes_place[-1]
    return takes_place, None
