"""Schedules in words: the rule as a sentence, its runs by the calendar, and what became of one."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.domain.cadence import LOCAL, Cadence, Run
from app.domain.triggers import Trigger
from app.rendering.languages import Language
from app.rendering.rule_words import rhythm


def rule_words(language: Language, cadence: Cadence) -> str:
    """“Every Tuesday at 10:00”."""
    at = cadence.starts_at
    words = rhythm(language, cadence.repeat, cadence.rule, at, cadence.off_days)
    return language.gettext("%(rhythm)s %(at)s", rhythm=words, at=_at(language, at))


def each_person_headline(language: Language, every_days: int, survey: str) -> str:
    """What a schedule does that counts from each person's own last ask."""
    return language.ngettext(
        "Every day, ask everybody “%(survey)s”.",
        "Ask each person “%(survey)s” every %(num)s days.",
        every_days,
        survey=survey,
    )


def event_headline(language: Language, trigger: Trigger, survey: str) -> str:
    """What a schedule does that waits for an event."""
    if not trigger.after_hours:
        return language.gettext(
            "As soon as “%(event)s” happens, ask “%(survey)s”.", event=trigger.event, survey=survey
        )
    return language.ngettext(
        "%(num)s hour after “%(event)s”, ask “%(survey)s”.",
        "%(num)s hours after “%(event)s”, ask “%(survey)s”.",
        trigger.after_hours,
        event=trigger.event,
        survey=survey,
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
    day = _day(language, local.date())
    return f"{day[:1].upper()}{day[1:]}, {language.time(local)}"


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


def run_sentence(language: Language, state: str, reason: str | None, asked: int | None) -> str:
    """What became of one run: how many people it asked (None: nobody has counted), or why none."""
    if asked is None and state not in {"missed", "skipped"}:
        return _uncounted(language, state)
    people = language.ngettext("%(num)s person was asked", "%(num)s people were asked", asked or 0)
    if state in {"due", "running"}:
        return language.gettext("Under way. %(people)s so far.", people=people)
    if state == "cancelled":
        return language.gettext("Cancelled. %(people)s before that.", people=people)
    if state == "missed" and reason == "restored":
        return language.gettext("Missed: a backup was restored, and it may have run since that was made.")
    if state == "missed":
        return language.gettext("Missed: nothing ran at that time, and afterwards it was too late.")
    skipped = {
        "paused": language.gettext("Skipped: the schedule was paused."),
        "overlap": language.gettext("Skipped: the run before was still asking."),
        "day_off": language.gettext("Skipped: it was a day off."),
        "blackout": language.gettext("Skipped: nobody is asked on this date."),
        "newer_event": language.gettext("Skipped: something newer happened to the same person."),
        "unpublished": language.gettext("Skipped: the survey was not published."),
        "edited": language.gettext("Skipped: the schedule was changed before it had begun."),
        "nobody": language.gettext("Skipped: there was nobody to ask."),
    }
    return skipped.get(reason or "", f"{people}.")


def _uncounted(language: Language, state: str) -> str:
    over = language.gettext("Cancelled.") if state == "cancelled" else language.gettext("It has run.")
    begins = language.gettext("Under way.") if state in {"due", "running"} else over
    return f"{begins} {language.gettext('To count whom it asked takes too long just now.')}"


def _day(language: Language, day: date) -> str:
    return f"{language.weekday(day)}, {language.date(day)}"


def _at(language: Language, at: datetime) -> str:
    # By the hour: “à 1h00”, but “às 10h00”
    return language.ngettext("at %(time)s", "at %(time)s", at.hour, time=language.time(at))


def _later(language: Language, days: int) -> str:
    if days % 7 == 0:
        return language.ngettext("a week later", "%(num)s weeks later", days // 7)
    return language.ngettext("a day later", "%(num)s days later", days)


def _clock_note(language: Language, before: Run | None, run: Run, zone: ZoneInfo) -> str | None:
    """What a day off or a change of the clocks does to this run."""
    local = run.due_at.astimezone(zone)
    wanted = datetime.strptime(run.local, LOCAL)  # noqa: DTZ007 - a time on the wall
    if run.moved:
        return language.gettext("moved from %(day)s, a day off", day=_day(language, wanted.date()))
    if local.replace(tzinfo=None) != wanted:
        return language.gettext("the clocks skip %(time)s that day", time=language.time(wanted))
    if before is not None and before.due_at.astimezone(zone).utcoffset() != local.utcoffset():
        return language.gettext(
            "the clocks change before it, and it stays at %(time)s", time=language.time(local)
        )
    return None
