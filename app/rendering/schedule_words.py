"""Schedules in words: the rule as a sentence, its runs by the calendar, and what became of one."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.domain.cadence import LOCAL, Repeat, Run
from app.rendering.languages import Language

SHORTEST_MONTH = 28  # days; a rule on a later day takes the last one of shorter months


def rule_words(language: Language, repeat: Repeat, at: datetime) -> str:
    """“Every Tuesday at 10:00”; `at` is the time on the wall that the rule counts from."""
    return language.gettext(
        "%(rhythm)s %(at)s", rhythm=_rhythm(language, repeat, at.date()), at=_at(language, at)
    )


def headline(
    language: Language,
    rule: str,
    survey: str,
    *,
    pulse: bool = False,
    asked: bool = False,
    audience: str | None = None,
) -> str:
    """What the schedule does, as one sentence; `asked` when it did so, once, and that was all."""
    if audience is not None:
        return language.gettext(
            "%(rule)s: “%(survey)s” for %(audience)s.", rule=rule, survey=survey, audience=audience
        )
    if pulse:
        return language.gettext("%(rule)s, open the pulse “%(survey)s”.", rule=rule, survey=survey)
    if asked:
        return language.gettext("%(rule)s, everybody was asked “%(survey)s”.", rule=rule, survey=survey)
    return language.gettext("%(rule)s, ask everybody “%(survey)s”.", rule=rule, survey=survey)


def run_words(language: Language, run: Run, zone: ZoneInfo) -> str:
    """“Tuesday, 1 December 2026, 10:00”: when a run is due, by the clocks of its zone."""
    return moment_words(language, run.due_at, zone)


def moment_words(language: Language, moment: datetime, zone: ZoneInfo) -> str:
    """The same for any moment."""
    local = moment.astimezone(zone)
    weekday = language.weekday(local.date())
    return f"{weekday[:1].upper()}{weekday[1:]}, {language.date(local.date())}, {language.time(local)}"


def ahead_words(language: Language, runs: Sequence[Run], zone: ZoneInfo, now: datetime) -> list[str]:
    """Beside each run how far away it is: the first from today, the others from the one before."""
    said = []
    before: Run | None = None
    for run in runs:
        day = run.due_at.astimezone(zone).date()
        if before is None:
            words = from_today(language, day, now.astimezone(zone).date())
        else:
            words = _later(language, (day - before.due_at.astimezone(zone).date()).days)
        note = _clock_note(language, before, run, zone)
        said.append(language.gettext("%(later)s; %(note)s", later=words, note=note) if note else words)
        before = run
    return said


def from_today(language: Language, day: date, today: date) -> str:
    """“today”, “tomorrow”, “in 12 days”."""
    days = (day - today).days
    if days <= 0:
        return language.gettext("today")
    if days == 1:
        return language.gettext("tomorrow")
    return language.ngettext("in %(num)s day", "in %(num)s days", days)


def run_sentence(language: Language, state: str, reason: str | None, asked: int) -> str:
    """What became of one run: how many people it asked, or why none."""
    people = language.ngettext("%(num)s person was asked", "%(num)s people were asked", asked)
    if state in {"due", "running"}:
        return language.gettext("Under way. %(people)s so far.", people=people)
    if state == "cancelled":
        return language.gettext("Cancelled. %(people)s before that.", people=people)
    if state == "missed":
        return language.gettext("Missed: nothing ran at that time, and afterwards it was too late.")
    skipped = {
        "paused": language.gettext("Skipped: the schedule was paused."),
        "unpublished": language.gettext("Skipped: the survey was not published."),
        "nobody": language.gettext("Skipped: there was nobody to ask."),
    }
    return skipped.get(reason or "", f"{people}.")


def _rhythm(language: Language, repeat: Repeat, day: date) -> str:
    whole = language.date(day)
    return {
        Repeat.ONCE: language.gettext("On %(day)s", day=whole),
        Repeat.DAILY: language.gettext("Every day"),
        Repeat.WEEKLY: _every_weekday(language, day),
        Repeat.MONTHLY: _every_month(language, day.day),
        Repeat.QUARTERLY: language.gettext("Every three months from %(day)s", day=whole),
    }[repeat]


def _every_month(language: Language, day: int) -> str:
    if day <= SHORTEST_MONTH:
        return language.gettext("On day %(day)s of every month", day=day)
    if day <= 30:
        return language.gettext("On day %(day)s of every month, or its last,", day=day)
    return language.gettext("On the last day of every month")


def _every_weekday(language: Language, day: date) -> str:
    # Whole sentences: in Portuguese Saturday and Sunday are of another gender
    return (
        language.gettext("Every Monday"),
        language.gettext("Every Tuesday"),
        language.gettext("Every Wednesday"),
        language.gettext("Every Thursday"),
        language.gettext("Every Friday"),
        language.gettext("Every Saturday"),
        language.gettext("Every Sunday"),
    )[day.weekday()]


def _at(language: Language, at: datetime) -> str:
    # By the hour: “à 1h00”, but “às 10h00”
    return language.ngettext("at %(time)s", "at %(time)s", at.hour, time=language.time(at))


def _later(language: Language, days: int) -> str:
    if days % 7 == 0:
        return language.ngettext("a week later", "%(num)s weeks later", days // 7)
    return language.ngettext("a day later", "%(num)s days later", days)


def _clock_note(language: Language, before: Run | None, run: Run, zone: ZoneInfo) -> str | None:
    """What a change of the clocks does to this run."""
    local = run.due_at.astimezone(zone)
    wanted = datetime.strptime(run.local, LOCAL)  # noqa: DTZ007 - a time on the wall
    if local.replace(tzinfo=None) != wanted:
        return language.gettext("the clocks skip %(time)s that day", time=language.time(wanted))
    if before is not None and before.due_at.astimezone(zone).utcoffset() != local.utcoffset():
        return language.gettext(
            "the clocks change before it, and it stays at %(time)s", time=language.time(local)
        )
    return None
