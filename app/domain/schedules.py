"""What a schedule may be: read strictly, as people type it and as scripts send it, everything at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, cast
from zoneinfo import ZoneInfo, available_timezones

from app.domain.audience_reading import read_audience
from app.domain.cadence import LOCAL, Cadence, Repeat, Run, moment_of
from app.domain.channel_choice import channel_problems
from app.domain.days_off import OffDays
from app.domain.rrules import Rule, read_rule
from app.domain.terms import Terms
from app.domain.triggers import Trigger, read_trigger
from app.errors import Invalid, Problem, problem

LONGEST_NAME = 120  # characters: a heading of two lines
FURTHEST = timedelta(days=5 * 366)  # who plans further ahead has mistyped the year
LONGEST_CYCLE = 730  # days between two asks of one person; two years is as good as never
MOST_STEPS = 6  # after the first ask; more is a programme, not a sequence
LONGEST_LATE = 24 * 31  # hours
ZONES = frozenset(available_timezones())
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)


@dataclass(frozen=True)
class Step:
    """One ask of a sequence: this survey, so many days after the one before."""

    survey: str
    after_days: int

    def to_json(self) -> dict[str, Any]:
        """As it is stored and shown to scripts."""
        return {"survey": self.survey, "after_days": self.after_days}


class Changes(TypedDict, total=False):
    """What is given of a schedule; what is absent stays as it is, or is filled in for a new one."""

    name: str | None  # none: the survey's
    survey: str
    audience: dict[str, object] | str  # filters, {} being everybody; or the id of a segment
    repeat: Repeat
    at: datetime | None  # a time on the wall; none: now
    time_zone: str
    channels: list[str]
    rrule: Rule | None  # custom
    off_days: OffDays
    every_days: int | None  # each_person
    trigger: Trigger | None  # event
    steps: list[Step]
    late_hours: int | None  # none: as the rule says
    terms: Terms


def read_changes(raw: Mapping[str, object]) -> Changes:
    """Read what is given, all problems at once. Raises Invalid with a problem for each wrong field."""
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in raw.items():
        try:
            values[name] = _READERS.get(name, _unknown)(name, value)
        except Invalid as error:
            problems.extend(error.problems)
    if problems:
        raise Invalid(problems)
    return cast(Changes, values)


def missing_problems(
    repeat: Repeat, rule: Rule | None, every_days: int | None, trigger: Trigger | None
) -> list[Problem]:
    """What this way of repeating needs and was not given."""
    if repeat is Repeat.CUSTOM and rule is None:
        return [problem("rrule", "Write a rule such as FREQ=MONTHLY;BYDAY=-1FR.")]
    if repeat is Repeat.EACH_PERSON and every_days is None:
        return [problem("every_days", "Say after how many days the same person is asked again.")]
    if repeat is Repeat.EVENT and trigger is None:
        return [problem("trigger", "Say after which event people are asked.")]
    return []


def foreign_problems(repeat: Repeat, given: Mapping[str, object]) -> list[Problem]:
    """What was given and belongs to another way of repeating."""
    belongs = {"rrule": Repeat.CUSTOM, "every_days": Repeat.EACH_PERSON, "trigger": Repeat.EVENT}
    problems = [
        problem(name, "Only when it repeats as “%(repeat)s”.", repeat=owner.value)
        for name, owner in belongs.items()
        if given.get(name) is not None and repeat is not owner
    ]
    if repeat is Repeat.EVENT and given.get("at") is not None:
        problems.append(
            problem(
                "at",
                "Events decide when it asks: leave this empty."
                " To begin on a later day, pause the schedule until then.",
            )
        )
    return problems


def first_run(cadence: Cadence, now: datetime) -> Run | None:
    """The first run of a rule from this minute on: what was typed in minutes is not late by seconds."""
    return cadence.next_run(_just_before(now))


def first_moment(cadence: Cadence, now: datetime) -> Run | None:
    """The same, but a day off counts as well: such a moment has its row. None for what would never run."""
    return None if first_run(cadence, now) is None else next(cadence.moments_after(_just_before(now)))


def _just_before(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0) - timedelta(microseconds=1)


def beginning_problems(at: datetime, zone: ZoneInfo, now: datetime) -> list[Problem]:
    """What is wrong with a beginning that was just chosen: it has passed, or is years away."""
    moment = moment_of(at, zone)
    if moment < now.replace(second=0, microsecond=0):
        return [problem("at", "This time has passed. Choose a later one.")]
    if moment > now + FURTHEST:
        return [problem("at", "This is more than five years away.")]
    return []


def this_minute(zone: ZoneInfo, now: datetime) -> datetime:
    """What the clocks of a zone show now."""
    return now.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)


def written(at: datetime) -> str:
    """A time on the wall as it is stored."""
    return at.strftime(LOCAL)


def _name(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid([problem(name, "This has to be text.")])
    words = " ".join((value or "").split())
    if len(words) > LONGEST_NAME or not words.isprintable():
        raise Invalid([problem(name, "At most %(most)s ordinary characters.", most=LONGEST_NAME)])
    return words or None


def _survey(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid([problem(name, "Choose a survey.")])
    return value


def _audience(name: str, value: object) -> dict[str, object] | str:
    if isinstance(value, str) and value not in ("", "all"):
        return value
    return read_audience(value, name).to_json()


def _repeat(name: str, value: object) -> Repeat:
    try:
        return Repeat(str(value))
    except ValueError as error:
        raise Invalid([problem(name, "Choose how often.")]) from error


def _at(name: str, value: object) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        if not isinstance(value, str) or not _AT.fullmatch(value):
            raise ValueError
        at = datetime.fromisoformat(value)
        if not 1970 <= at.year <= 9000:  # room for every zone and rule
            raise ValueError
    except ValueError as error:
        raise Invalid([problem(name, "Write a date and a time, as 2026-12-01T10:00.")]) from error
    return at


def _time_zone(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in ZONES:
        raise Invalid([problem(name, "Choose a time zone from the list.")])
    return value


def _channels(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Invalid([problem(name, "Choose at least one channel.")])
    if problems := channel_problems(value):
        raise Invalid(problems)
    return list(value)


def _rrule(name: str, value: object) -> Rule | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str):
        raise Invalid([problem(name, "This has to be text.")])
    return read_rule(value, name)


def _off_days(name: str, value: object) -> OffDays:
    try:
        return OffDays(str(value))
    except ValueError as error:
        raise Invalid([problem(name, "Choose what happens on a day off.")]) from error


def _every_days(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value, 1, LONGEST_CYCLE)


def _late_hours(name: str, value: object) -> int | None:
    return None if value is None else _whole(name, value, 0, LONGEST_LATE)


def _trigger(name: str, value: object) -> Trigger | None:
    return None if value is None else read_trigger(value, name)


def _steps(name: str, value: object) -> list[Step]:
    if not isinstance(value, list | tuple) or len(value) > MOST_STEPS:
        raise Invalid([problem(name, "At most %(most)s steps.", most=MOST_STEPS)])
    return [_step(name, each) for each in value]


def _step(name: str, value: object) -> Step:
    if not isinstance(value, Mapping) or set(value) != {"survey", "after_days"}:
        raise Invalid([problem(name, "A step has a survey and a number of days.")])
    return Step(_survey(name, value["survey"]), _whole(name, value["after_days"], 1, LONGEST_CYCLE))


def _whole(name: str, value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Invalid([problem(name, "A whole number, from %(least)s to %(most)s.", least=least, most=most)])
    return value


def _unknown(name: str, _value: object) -> object:
    raise Invalid([problem(name, "There is no such field.")])


_READERS: dict[str, Callable[[str, object], object]] = {
    "name": _name,
    "survey": _survey,
    "audience": _audience,
    "repeat": _repeat,
    "at": _at,
    "time_zone": _time_zone,
    "channels": _channels,
    "rrule": _rrule,
    "off_days": _off_days,
    "every_days": _every_days,
    "trigger": _trigger,
    "steps": _steps,
    "late_hours": _late_hours,
    "terms": lambda _name, value: Terms.from_json(value),
}
