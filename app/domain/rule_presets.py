"""Rules as people choose them in a form: every so many days, weeks or months, on these days. Both ways."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.cadence import Repeat
from app.domain.days_off import OffDays
from app.domain.rrules import WEEKDAYS, Rule, Weekday

SAME_DAY, LAST_DAY, FIRST_BUSINESS, LAST_BUSINESS = "", "last_day", "first_business", "last_business"
PLACES = (1, 2, 3, 4, -1)
DAYS_OF_MONTH = (
    SAME_DAY, LAST_DAY, FIRST_BUSINESS, LAST_BUSINESS,
    *(f"{place}{day}" for place in PLACES for day in WEEKDAYS),
)  # fmt: skip
MONTHLY = {Repeat.MONTHLY: 1, Repeat.QUARTERLY: 3}
# What a form takes: a month's as many as a rule may (domain.rrules), longer days and weeks are written as one
MOST_EVERY = {Repeat.DAILY: 60, Repeat.WEEKLY: 60, Repeat.MONTHLY: 24, Repeat.QUARTERLY: 8}
_REPEATS = {"DAILY": Repeat.DAILY, "WEEKLY": Repeat.WEEKLY, "MONTHLY": Repeat.MONTHLY}
_MOVES = {FIRST_BUSINESS: (1, OffDays.NEXT), LAST_BUSINESS: (-1, OffDays.PREVIOUS)}


@dataclass(frozen=True)
class Preset:
    """What stands in the form; `weekdays` are of a weekly rule, `on` is the day of a monthly one."""

    repeat: Repeat
    every: int = 1
    weekdays: tuple[int, ...] = ()
    on: str = SAME_DAY
    off_days: OffDays = OffDays.RUN

    def rule(self) -> Rule | None:
        """The rule that it stands for; None when the simple way of repeating says it all."""
        if self.repeat is Repeat.DAILY and self.every > 1:
            return Rule("DAILY", self.every)
        if self.repeat is Repeat.WEEKLY and (self.every > 1 or self.weekdays):
            return Rule("WEEKLY", self.every, weekdays=tuple(map(Weekday, sorted(self.weekdays))))
        if self.repeat in MONTHLY and (self.every > 1 or self.on):
            return self._monthly(self.every * MONTHLY[self.repeat])
        return None

    def _monthly(self, interval: int) -> Rule:
        if self.on in _MOVES:
            return Rule("MONTHLY", interval, month_days=(_MOVES[self.on][0],))
        if self.on == LAST_DAY:
            return Rule("MONTHLY", interval, month_days=(-1,))
        if self.on == SAME_DAY:
            return Rule("MONTHLY", interval)
        day = Weekday(WEEKDAYS.index(self.on[-2:]), int(self.on[:-2]))
        return Rule("MONTHLY", interval, weekdays=(day,))

    @property
    def moves(self) -> OffDays:
        """What happens on a day off: a business day of the month is one by moving."""
        return _MOVES[self.on][1] if self.repeat in MONTHLY and self.on in _MOVES else self.off_days


def preset_of(repeat: Repeat, rule: Rule | None, off_days: OffDays) -> Preset | None:
    """The form of a stored rule; None when it can only be told as it is written."""
    if repeat is not Repeat.CUSTOM:
        return Preset(repeat, off_days=off_days)
    if rule is None or rule.runs is not None or rule.until is not None:
        return None
    found = _REPEATS.get(rule.frequency)
    if found is None or rule.interval > MOST_EVERY[found]:
        return None
    if found is not Repeat.MONTHLY:  # a daily rule has no weekdays
        days = tuple(day.day for day in rule.weekdays)
        return Preset(found, rule.interval, days, off_days=off_days)
    on = _day_of_month(rule, off_days)
    return None if on is None else Preset(found, rule.interval, on=on, off_days=off_days)


def _day_of_month(rule: Rule, off_days: OffDays) -> str | None:
    for on, (day, moves) in _MOVES.items():
        if rule.month_days == (day,) and off_days is moves:
            return on
    days = rule.weekdays
    found = {(): SAME_DAY, (-1,): LAST_DAY}.get(rule.month_days) if not days else _placed(days)
    return found if rule.position is None and found in DAYS_OF_MONTH else None


def _placed(days: Sequence[Weekday]) -> str | None:
    return str(days[0]) if len(days) == 1 else None
