"""Calendar rules as iCalendar's RRULE says them: a strict part of RFC 5545, and the dates that it names.

At most one run a day, and one in every period at least: a rule that is dense or never comes is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import dropwhile

from dateutil import rrule as ical

from app.errors import Invalid, problem

LONGEST = 200  # characters; the longest sensible rule has some hundred
MOST_RUNS = 500  # of COUNT: each is walked through from the beginning
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
SURE_DAYS = 28  # every month has them
SURE_WEEKS = 4  # every weekday comes so often in every month
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2}))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,3}", re.ASCII)
_FREQUENCIES = {"DAILY": ical.DAILY, "WEEKLY": ical.WEEKLY, "MONTHLY": ical.MONTHLY, "YEARLY": ical.YEARLY}
_LONGEST_INTERVAL = {"DAILY": 366, "WEEKLY": 104, "MONTHLY": 24, "YEARLY": 5}
_TAKES: dict[str, set[str]] = {  # besides FREQ, INTERVAL, COUNT, UNTIL and WKST
    "DAILY": set(),
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYMONTH", "BYDAY", "BYMONTHDAY"},
}


@dataclass(frozen=True)
class Weekday:
    """A day of the week, 0 for Monday; `place` 1 is the first of the month, -1 the last, 0 every one."""

    day: int
    place: int = 0

    def __str__(self) -> str:
        return f"{self.place or ''}{WEEKDAYS[self.day]}"


@dataclass(frozen=True)
class Rule:
    """One rule, read. What it leaves open (the weekday, the day of the month) the beginning decides."""

    frequency: str
    interval: int = 1
    weekdays: tuple[Weekday, ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    position: int | None = None
    runs: int | None = None
    until: datetime | None = None  # a time on the wall, included

    def __str__(self) -> str:
        """The rule as it is stored and shown to scripts: each part once, in one order."""
        parts = {
            "FREQ": self.frequency,
            "INTERVAL": self.interval if self.interval > 1 else "",
            "BYMONTH": _listed(self.months),
            "BYMONTHDAY": _listed(self.month_days),
            "BYDAY": _listed(self.weekdays),
            "BYSETPOS": self.position or "",
            "COUNT": self.runs or "",
            "UNTIL": self.until.strftime("%Y%m%dT%H%M%S") if self.until else "",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)

    def from_beginning(self, starts_at: datetime) -> "Rule":
        """The same rule with nothing left open; a day that short months lack is then their last one."""
        if self.frequency == "DAILY" or self.weekdays or self.month_days:
            return self
        if self.frequency == "WEEKLY":
            return replace(self, weekdays=(Weekday(starts_at.weekday()),))
        months = (starts_at.month,) if self.frequency == "YEARLY" else ()
        if starts_at.day <= SURE_DAYS:
            return replace(self, month_days=(starts_at.day,), months=months)
        days = tuple(range(SURE_DAYS, starts_at.day + 1))
        return replace(self, month_days=days, months=months, position=-1)

    def locals(self, starts_at: datetime, after: datetime | None = None) -> Iterator[datetime]:
        """The times on the wall in order, from the beginning on, or those later than `after`."""
        whole = self.from_beginning(starts_at)
        begins = whole._beginning_near(starts_at, after)
        found = ical.rrule(
            _FREQUENCIES[whole.frequency],
            dtstart=begins,
            interval=whole.interval,
            wkst=ical.MO,
            until=whole.until,
            bymonth=whole.months or None,
            bymonthday=whole.month_days or None,
            byweekday=[_ical_day(each) for each in whole.weekdays] or None,
            bysetpos=whole.position,
        )
        from_start = dropwhile(lambda at: at < starts_at, iter(found))
        for number, at in enumerate(from_start):
            if whole.runs is not None and number >= whole.runs:
                return
            if after is None or at > after:
                yield at

    def _beginning_near(self, starts_at: datetime, after: datetime | None) -> datetime:
        """The first day of a period of this rule that surely does not pass `after`.

        COUNT counts from the beginning, so such a rule is walked from there.
        """
        near = starts_at if after is None or self.runs is not None else max(starts_at, after)
        if self.frequency in ("DAILY", "WEEKLY"):
            length = self.interval * (7 if self.frequency == "WEEKLY" else 1)
            steps = max(0, (near - starts_at).days // length - 1)
            return starts_at + timedelta(days=steps * length)
        if self.frequency == "MONTHLY":
            months = (near.year - starts_at.year) * 12 + near.month - starts_at.month
            steps = max(0, months // self.interval - 1) * self.interval
            year, month = divmod(starts_at.year * 12 + starts_at.month - 1 + steps, 12)
            return starts_at.replace(year=year, month=month + 1, day=1)
        steps = max(0, (near.year - starts_at.year) // self.interval - 1) * self.interval
        return starts_at.replace(year=starts_at.year + steps, month=1, day=1)


def read_rule(text: str, field: str = "rrule") -> Rule:
    """The rule that a person or a script has written. Raises Invalid with what is wrong."""
    try:
        return _read(text)
    except Refused as refused:
        raise Invalid([problem(field, str(refused), **refused.params)]) from refused


class Refused(ValueError):
    """One part that cannot be taken; the message is an English sentence for the catalogues."""

    def __init__(self, message: str, /, **params: object) -> None:
        super().__init__(message)
        self.params = params


def _read(text: str) -> Rule:
    if len(text) > LONGEST:
        raise Refused("At most %(most)s ordinary characters.", most=LONGEST)
    parts = _parts(text)
    frequency = parts.pop("FREQ", "")
    if frequency not in _FREQUENCIES:
        raise Refused("Begin with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    for name in parts:
        if name not in _TAKES[frequency] | {"INTERVAL", "COUNT", "UNTIL", "WKST"}:
            raise Refused("A rule with FREQ=%(frequency)s takes no %(part)s.", frequency=frequency, part=name)
    if parts.get("WKST", "MO") != "MO":
        raise _wrong("WKST", parts["WKST"])
    if "COUNT" in parts and "UNTIL" in parts:
        raise Refused("Give COUNT or UNTIL, not both.")
    rule = Rule(
        frequency=frequency,
        interval=_number(parts, "INTERVAL", 1, _LONGEST_INTERVAL[frequency]) or 1,
        weekdays=_weekdays(parts.get("BYDAY"), placed=frequency not in ("DAILY", "WEEKLY")),
        month_days=_numbers(parts.get("BYMONTHDAY"), 31),
        months=_months(parts.get("BYMONTH")),
        position=_position(parts),
        runs=_number(parts, "COUNT", 1, MOST_RUNS),
        until=_until(parts.get("UNTIL")),
    )
    _refuse_what_may_never_come(rule)
    return rule


def _wrong(part: str, value: str) -> Refused:
    return Refused("%(part)s cannot be %(value)s here.", part=part, value=value[:20])


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").removesuffix(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or not name.isascii() or name in found:
            raise Refused("Write a rule such as FREQ=MONTHLY;BYDAY=-1FR.")
        found[name] = value
    return found


def _number(parts: dict[str, str], name: str, least: int, most: int) -> int | None:
    if name not in parts:
        return None
    value = parts[name]
    if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise _wrong(name, value)
    return int(value)


def _position(parts: dict[str, str]) -> int | None:
    position = _number(parts, "BYSETPOS", -31, 31)
    if position == 0 or (position is not None and not {"BYDAY", "BYMONTHDAY"} & set(parts)):
        raise _wrong("BYSETPOS", parts["BYSETPOS"])
    return position


def _weekdays(value: str | None, *, placed: bool) -> tuple[Weekday, ...]:
    found = []
    for each in value.split(",") if value else ():
        match = _DAY.fullmatch(each)
        place = int(match[1] or 0) if match else 0
        if not match or not -5 <= place <= 5 or (match[1] and (not placed or place == 0)):
            raise _wrong("BYDAY", each)
        found.append(Weekday(WEEKDAYS.index(match[2]), place))
    return tuple(sorted(set(found), key=lambda one: (one.place, one.day)))


def _numbers(value: str | None, most: int) -> tuple[int, ...]:
    found = set()
    for each in value.split(",") if value else ():
        if not _NUMBER.fullmatch(each) or not 1 <= abs(int(each)) <= most:
            raise _wrong("BYMONTHDAY", each)
        found.add(int(each))
    return tuple(sorted(found))


def _months(value: str | None) -> tuple[int, ...]:
    found = set()
    for each in value.split(",") if value else ():
        if not _NUMBER.fullmatch(each) or not 1 <= int(each) <= 12:
            raise _wrong("BYMONTH", each)
        found.add(int(each))
    return tuple(sorted(found))


def _until(value: str | None) -> datetime | None:
    if value is None:
        return None
    match = _UNTIL.fullmatch(value)
    try:
        if match is None or not 1970 <= int(match[1]) <= 9000:
            raise ValueError
        day = date(int(match[1]), int(match[2]), int(match[3]))
        at = time(int(match[4]), int(match[5]), int(match[6])) if match[4] else time(23, 59, 59)
    except ValueError as error:
        raise _wrong("UNTIL", value) from error
    return datetime.combine(day, at)


def _refuse_what_may_never_come(rule: Rule) -> None:
    """Every period has at least one run, so that the next one is never far to seek."""
    if rule.weekdays and rule.month_days:
        raise Refused("Give BYDAY or BYMONTHDAY, not both.")
    if rule.frequency == "YEARLY" and bool(rule.weekdays or rule.month_days) != bool(rule.months):
        raise Refused("A yearly rule gives its months with BYMONTH and its days, or neither.")
    days_sure = [each for each in rule.month_days if abs(each) <= SURE_DAYS]
    weeks_sure = [each for each in rule.weekdays if abs(each.place) <= SURE_WEEKS]
    every_month = (days_sure or not rule.month_days) and (weeks_sure or not rule.weekdays)
    fewest = max(sum(each > 0 for each in days_sure), sum(each < 0 for each in days_sure))
    fewest += sum(1 if each.place else SURE_WEEKS for each in weeks_sure)
    if not every_month or abs(rule.position or 0) > fewest:
        raise Refused("Not every month has such a day. For the last one write BYMONTHDAY=-1 or BYDAY=-1FR.")


def _ical_day(weekday: Weekday) -> ical.weekday:
    return ical.weekday(weekday.day, weekday.place or None)


def _listed(values: tuple[object, ...]) -> str:
    return ",".join(map(str, values))
