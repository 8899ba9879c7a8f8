"""Calendar rules in words: “Every 2 weeks on Tuesday”, “On the last Friday of every month”."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from app.domain.cadence import Repeat
from app.domain.days_off import OffDays
from app.domain.rrules import SURE_DAYS, Rule, Weekday
from app.domain.rule_presets import FIRST_BUSINESS, LAST_BUSINESS, LAST_DAY, PLACES, SAME_DAY
from app.rendering.languages import Language

MONDAY = date(2026, 11, 16)  # any will do
WEEK = tuple(range(5))


def rhythm(language: Language, repeat: Repeat, rule: Rule | None, at: datetime, off_days: OffDays) -> str:
    """How often, without the time of day; `at` is where the rule begins."""
    if rule is None:
        return language.gettext("On %(day)s", day=language.date(at.date()))
    if repeat is Repeat.QUARTERLY and off_days not in (OffDays.NEXT, OffDays.PREVIOUS):
        return language.gettext("Every three months from %(day)s", day=language.date(at.date()))
    said = _said(language, rule.from_beginning(at), rule, at, off_days)
    if said is None:
        return language.gettext("By the rule %(rule)s", rule=str(rule))
    if rule.runs is not None:
        return language.ngettext("%(rhythm)s, once,", "%(rhythm)s, %(num)s times,", rule.runs, rhythm=said)
    if rule.until is not None:
        return language.gettext("%(rhythm)s until %(day)s", rhythm=said, day=language.date(rule.until.date()))
    return said


def _said(language: Language, whole: Rule, rule: Rule, at: datetime, off_days: OffDays) -> str | None:
    number = rule.interval
    if rule.frequency == "DAILY":
        return _daily(language, number, off_days)
    if rule.frequency == "WEEKLY":
        return _weekly(language, number, [day.day for day in whole.weekdays], off_days)
    if rule.frequency == "MONTHLY":
        which = days_of_month(language, whole, off_days)
        return _monthly(language, number, which) if which else None
    if rule.months or number > 1:
        return None
    return language.gettext("Every year on %(day)s", day=language.short_date(at.date()))


def _daily(language: Language, number: int, off_days: OffDays) -> str:
    if number == 1:
        closed = off_days is OffDays.SKIP
        return language.gettext("Every business day") if closed else language.gettext("Every day")
    return language.ngettext("Every %(num)s day", "Every %(num)s days", number)


def _weekly(language: Language, number: int, days: Sequence[int], off_days: OffDays) -> str:
    if number == 1 and len(days) == 1:
        return every_weekday(language, days[0])
    if number == 1 and tuple(days) == WEEK:
        if off_days is OffDays.SKIP:
            return language.gettext("Every business day")
        return language.gettext("From Monday to Friday")
    names = listed(language, [weekday_name(language, day) for day in days])
    return language.ngettext("Every week on %(days)s", "Every %(num)s weeks on %(days)s", number, days=names)


def _monthly(language: Language, number: int, which: str) -> str:
    return language.ngettext(
        "On %(which)s of every month", "On %(which)s of every %(num)s months", number, which=which
    )


def days_of_month(language: Language, whole: Rule, off_days: OffDays) -> str | None:
    """“day 5”, “the last Friday”, “the first business day”; None for what nobody would say in words."""
    if whole.month_days:
        return _month_days(language, whole, off_days)
    if whole.position is not None:
        return None
    said = [placed_day(language, day) for day in whole.weekdays]
    return listed(language, said) if all(said) else None


def _month_days(language: Language, whole: Rule, off_days: OffDays) -> str | None:
    days = whole.month_days
    if days == (1,) and off_days is OffDays.NEXT:
        return language.gettext("the first business day")
    if days == (-1,) and off_days is OffDays.PREVIOUS:
        return language.gettext("the last business day")
    if days == (-1,) or (whole.position == -1 and days == tuple(range(SURE_DAYS, 32))):
        return language.gettext("the last day")
    if whole.position == -1 and days == tuple(range(SURE_DAYS, days[-1] + 1)):
        return language.gettext("day %(day)s or the last", day=days[-1])
    if whole.position is not None or days[0] < 0:
        return None
    return listed(language, [language.gettext("day %(day)s", day=day) for day in days])


def placed_day(language: Language, day: Weekday) -> str:
    """“the last Friday”. Weekends are told apart: in Portuguese they are of another gender."""
    name = weekday_name(language, day.day)
    if day.day in WEEK:
        words = {
            1: language.gettext("the first %(weekday)s", weekday=name),
            2: language.gettext("the second %(weekday)s", weekday=name),
            3: language.gettext("the third %(weekday)s", weekday=name),
            4: language.gettext("the fourth %(weekday)s", weekday=name),
            -1: language.gettext("the last %(weekday)s", weekday=name),
        }
    else:
        words = {
            1: language.gettext("the first %(weekend_day)s", weekend_day=name),
            2: language.gettext("the second %(weekend_day)s", weekend_day=name),
            3: language.gettext("the third %(weekend_day)s", weekend_day=name),
            4: language.gettext("the fourth %(weekend_day)s", weekend_day=name),
            -1: language.gettext("the last %(weekend_day)s", weekend_day=name),
        }
    return words.get(day.place, "")


def weekday_name(language: Language, day: int) -> str:
    """Monday for 0."""
    return language.weekday(MONDAY + timedelta(days=day))


def listed(language: Language, words: Sequence[str]) -> str:
    """“Monday, Tuesday and Friday”."""
    if len(words) < 2:
        return "".join(words)
    return language.gettext("%(some)s and %(last)s", some=", ".join(words[:-1]), last=words[-1])


def every_weekday(language: Language, day: int) -> str:
    """“Every Monday”. Whole sentences: in Portuguese Saturday and Sunday are of another gender."""
    return (
        language.gettext("Every Monday"),
        language.gettext("Every Tuesday"),
        language.gettext("Every Wednesday"),
        language.gettext("Every Thursday"),
        language.gettext("Every Friday"),
        language.gettext("Every Saturday"),
        language.gettext("Every Sunday"),
    )[day]


def choices_of_week(language: Language) -> list[tuple[str, str]]:
    """The weekdays, for a form."""
    return [(str(day), weekday_name(language, day)) for day in range(7)]


def choices_of_month(language: Language) -> list[tuple[str, str]]:
    """The days of a month that a form offers."""
    said = {
        SAME_DAY: language.gettext("the same day as the first run"),
        LAST_DAY: language.gettext("the last day"),
        FIRST_BUSINESS: language.gettext("the first business day"),
        LAST_BUSINESS: language.gettext("the last business day"),
    }
    placed = [Weekday(day, place) for place in PLACES for day in range(7)]
    return [*said.items(), *((str(day), placed_day(language, day)) for day in placed)]
