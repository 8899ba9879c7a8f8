"""Moments as people say them: the clock of a follow-up in words, and today, yesterday or a date."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from app.domain.followups import Clock
from app.rendering.languages import Language


def clock_words(language: Language, clock: Clock) -> str:
    """“2 h late”, “in 1 h 50”, “closes in 2 days”: what stands beside the ring."""
    if clock.late:
        return _late(language, clock)
    left = _left(language, clock)
    return left if clock.of == "contact" else language.gettext("closes %(left)s", left=left)


def clock_headline(language: Language, clock: Clock) -> str:
    """“2 h late for the first contact”: the clock in the head of a follow-up."""
    if clock.late and clock.of == "contact":
        return language.gettext("%(late)s for the first contact", late=_late(language, clock))
    if clock.late:
        return language.gettext("%(late)s to be closed", late=_late(language, clock))
    left = _left(language, clock)
    if clock.of == "contact":
        return language.gettext("First contact %(left)s", left=left)
    return language.gettext("To be closed %(left)s", left=left)


def when(language: Language, moment: datetime, zone: str, now: datetime) -> str:
    """“today, 10:12”, “yesterday, 10:12”, “Friday, 27 November, 13:12”; the year when it is another one."""
    local, here = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    return f"{day(language, local.date(), here.date())}, {language.time(local)}"


def day(language: Language, day: date, today: date) -> str:
    """“today”, “yesterday”, “tomorrow”, “Friday, 27 November”, “27 November 2025”."""
    if day == today:
        return language.gettext("today")
    if day == today - timedelta(days=1):
        return language.gettext("yesterday")
    if day == today + timedelta(days=1):
        return language.gettext("tomorrow")
    if day.year != today.year:
        return language.date(day)
    if abs(day - today) < timedelta(days=60):
        return f"{language.weekday(day)}, {language.short_date(day)}"
    return language.short_date(day)


def _late(language: Language, clock: Clock) -> str:
    if clock.unit == "minutes":
        return language.gettext("%(minutes)s min late", minutes=clock.number)
    if clock.unit == "hours":
        return language.gettext("%(hours)s h late", hours=clock.number)
    return language.ngettext("%(num)s day late", "%(num)s days late", clock.number)


def _left(language: Language, clock: Clock) -> str:
    if clock.unit == "minutes":
        return language.gettext("in %(minutes)s min", minutes=clock.number)
    if clock.unit == "hours" and clock.minutes:
        return language.gettext(
            "in %(hours)s h %(minutes)s", hours=clock.number, minutes=f"{clock.minutes:02}"
        )
    if clock.unit == "hours":
        return language.gettext("in %(hours)s h", hours=clock.number)
    return language.ngettext("in %(num)s day", "in %(num)s days", clock.number)
