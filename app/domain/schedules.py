"""What a schedule may be: read strictly, as people type it and as scripts send it, everything at once."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict, cast
from zoneinfo import ZoneInfo, available_timezones

from app.domain.audience_reading import read_audience
from app.domain.cadence import LOCAL, Cadence, Repeat, Run, moment_of
from app.domain.channel_choice import channel_problems
from app.errors import Invalid, Problem, problem

LONGEST_NAME = 120  # characters: a heading of two lines
FURTHEST = timedelta(days=5 * 366)  # who plans further ahead has mistyped the year
ZONES = frozenset(available_timezones())
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)


class Changes(TypedDict, total=False):
    """What is given of a schedule; what is absent stays as it is, or is filled in for a new one."""

    name: str | None  # none: the survey's
    survey: str
    audience: dict[str, object] | str  # filters, {} being everybody; or the id of a segment
    repeat: Repeat
    at: datetime | None  # a time on the wall; none: now
    time_zone: str
    channels: list[str]


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


def first_run(cadence: Cadence, now: datetime) -> Run | None:
    """The first moment of a rule from this minute on: what was typed in minutes is not late by seconds."""
    return cadence.next_run(now.replace(second=0, microsecond=0) - timedelta(microseconds=1))


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
}
