"""Days on which a workspace asks nobody, and what then becomes of a run: another day, or none at all."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from app.domain.caps import midnight

FURTHEST_MOVE = 60  # days; whoever is away for longer has no run in that time


class OffDays(StrEnum):
    """What a schedule does when its rule names a day on which the workspace is closed."""

    RUN = "run"  # closed days are days like others
    NEXT = "next"  # the next business day
    PREVIOUS = "previous"  # the business day before
    SKIP = "skip"


@dataclass(frozen=True)
class DaysOff:
    """The days of one workspace: its week (0 is Monday), its holidays, and the dates of silence.

    On a blackout date nothing is asked whatever a schedule says; what holidays and weekends do is its choice.
    """

    business_days: frozenset[int] = frozenset(range(7))
    holidays: frozenset[date] = frozenset()
    blackouts: frozenset[date] = frozenset()

    @classmethod
    def from_settings(cls, days: Iterable[int], holidays: Iterable[str], blackouts: Iterable[str]) -> Self:
        """As a workspace stores them."""
        return cls(
            frozenset(days),
            frozenset(map(date.fromisoformat, holidays)),
            frozenset(map(date.fromisoformat, blackouts)),
        )

    def why_off(self, day: date, policy: OffDays) -> str | None:
        """The reason why a schedule of this policy does not run on this day, or None."""
        if day in self.blackouts:
            return "blackout"
        closed = day.weekday() not in self.business_days or day in self.holidays
        return "day_off" if closed and policy is not OffDays.RUN else None

    def moved(self, local: datetime, policy: OffDays) -> datetime | None:
        """The same hour on the day on which it may run, or None when it does not run at all.

        Out of a blackout a run moves to the next day that is open, unless it was to be skipped: a question
        that comes two days later does no harm, one that never comes leaves a hole in every figure.
        """
        step = timedelta(days=-1 if policy is OffDays.PREVIOUS else 1)
        for number in range(FURTHEST_MOVE + 1):
            if self.why_off((local + number * step).date(), policy) is None:
                return local + number * step
            if policy is OffDays.SKIP:
                return None
        return None

    @property
    def is_empty(self) -> bool:
        """Is every day a day like others?"""
        return len(self.business_days) == 7 and not self.holidays and not self.blackouts


NO_DAYS_OFF = DaysOff()


def dark_until(blackouts: Iterable[str], now: datetime, zone: ZoneInfo) -> datetime | None:
    """The midnight until which nothing that asks may leave, on a date of silence; None on any other."""
    today = now.astimezone(zone).date()
    return midnight(today + timedelta(days=1), zone) if today.isoformat() in blackouts else None
