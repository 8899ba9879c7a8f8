"""What a workspace's settings may be: read strictly, one problem per field, everything at once."""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from app.domain.addresses import BadAddress, read_email
from app.domain.contacts import LAWFUL_BASES
from app.domain.followups import LONGEST_CAUSE
from app.errors import Invalid, Problem, problem

LONGEST_NAME = 120
LONGEST_POSTAL = 300
MOST_HOLIDAYS = 400  # some ten years of them
MOST_CAUSES = 40  # more than anybody reads before choosing one
LONGEST_REST = 730  # days; two years is as good as never
METRICS = ("nps", "enps", "csat", "ces")
LOCALES = ("pt-BR", "en", "es")


@cache
def time_zones() -> frozenset[str]:
    """Every IANA zone by its name; found on first use, as that reads a folder."""
    return frozenset(available_timezones())


class Refused(ValueError):
    """One value that cannot be taken; the message is an English sentence for the catalogues."""

    def __init__(self, message: str, /, **params: object) -> None:
        self.message = message
        self.params = params
        super().__init__(message % params if params else message)


def checked(changes: Mapping[str, object]) -> dict[str, object]:
    """The changes as they are stored. Raises Invalid for unknown names and values that cannot be taken."""
    problems: list[Problem] = []
    clean: dict[str, object] = {}
    for name, value in changes.items():
        try:
            clean[name] = _READERS[name](value)
        except KeyError:
            problems.append(problem(name, "There is no such setting."))
        except (Refused, BadAddress) as error:
            problems.append(Problem(name, error.message, error.params))
    if problems:
        raise Invalid(problems)
    return clean


PLAIN = (
    "name", "sender_name", "reply_to", "postal_address", "time_zone", "locale", "opens_at", "closes_at",
    "lawful_basis",
)  # fmt: skip
RESTS = {f"rest_{metric}": metric for metric in METRICS}
DATES = ("holidays", "blackout_dates")
FORM_FIELDS = (*PLAIN, "business_days", *DATES, "rest_days", *RESTS, "root_causes")


def from_form(fields: Mapping[str, Any]) -> dict[str, object]:
    """What a form's fields say: numbers as text, lists one entry per line, `business_days` a list of texts.

    Fields of other names are not looked at. Raises Invalid with everything that is wrong, by field.
    """
    problems: list[Problem] = []
    found: dict[str, object] = {name: fields[name] for name in PLAIN if name in fields}
    if "business_days" in fields:
        found["business_days"] = [int(day) for day in fields["business_days"] if re.fullmatch("[0-6]", day)]
    if "root_causes" in fields:
        found["root_causes"] = read_lines(fields["root_causes"])
    for name in {*DATES, "rest_days", *RESTS} & set(fields):
        try:
            found[name] = read_days(fields[name]) if name in DATES else _rest_typed(fields[name])
        except Refused as error:
            problems.append(Problem(name, error.message, error.params))
    rests = {metric: found.pop(name) for name, metric in RESTS.items() if name in found}
    try:
        clean = checked(found | ({"rest_days_by_metric": rests} if rests else {}))
    except Invalid as error:
        raise Invalid([*error.problems, *problems]) from error
    if problems:
        raise Invalid(problems)
    return clean


def to_form(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings as the fields of a form, the way `from_form` reads them."""
    rests = {name: values["rest_days_by_metric"].get(metric, "") for name, metric in RESTS.items()}
    lists = {name: "\n".join(values[name]) for name in (*DATES, "root_causes")}
    days = [str(day) for day in values["business_days"]]
    return {**values, **rests, **lists, "business_days": days}


def _rest_typed(text: str) -> int:
    return _rest(int(text) if re.fullmatch("[0-9]{1,4}", text.strip()) else None)


def hours_problems(opens_at: str, closes_at: str) -> list[Problem]:
    """A day opens before it closes; both are `HH:MM` as `checked` leaves them."""
    if opens_at >= closes_at:
        return [problem("closes_at", "A day closes after it opens.")]
    return []


def read_days(text: str) -> list[str]:
    """Dates typed one per line, as 2026-12-25 or 25/12/2026, as ISO dates in order and once each.

    Raises Refused, naming the first line that is no date.
    """
    found = set()
    for line in text.replace(",", "\n").splitlines():
        if typed := line.strip():
            found.add(_read_day(typed))
    return sorted(found)


def read_lines(text: str) -> list[str]:
    """Entries typed one per line, without empty ones, in the order given and once each."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def _read_day(typed: str) -> str:
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", typed, re.ASCII)
    local = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})", typed, re.ASCII)
    parts = iso.groups() if iso else local.groups()[::-1] if local else None
    try:
        return date(*(int(part) for part in parts or ("0", "0", "0"))).isoformat()
    except ValueError as error:
        raise Refused("%(typed)s is not a date such as 2026-12-25.", typed=typed[:40]) from error


def _one_line(most: int, *, required: bool = False) -> Callable[[object], str | None]:
    def read(value: object) -> str | None:
        words = " ".join(value.split()) if isinstance(value, str) else None
        if value is not None and words is None:
            raise Refused("This has to be text.")
        if required and not words:
            raise Refused("Give it a name.")
        if words and (len(words) > most or not words.isprintable()):
            raise Refused("At most %(most)s ordinary characters.", most=most)
        return words or None

    return read


def _postal(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refused("This has to be text.")
    lines = [" ".join(line.split()) for line in value.splitlines()]
    words = "\n".join(line for line in lines if line)
    if len(words) > LONGEST_POSTAL or not words.replace("\n", "").isprintable():
        raise Refused("At most %(most)s ordinary characters.", most=LONGEST_POSTAL)
    return words or None


def _reply_to(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused("This has to be text.")
    return read_email(value).text


def _one_of(allowed: frozenset[str], message: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Refused(message)
        return value

    return read


def _time_zone(value: object) -> str:
    if not isinstance(value, str) or value not in time_zones():
        raise Refused("Choose a time zone from the list.")
    return value


def _weekdays(value: object) -> list[int]:
    if not isinstance(value, list | tuple) or not all(type(day) is int and 0 <= day <= 6 for day in value):
        raise Refused("Days are 0, for Monday, to 6.")
    if not value:
        raise Refused("Choose at least one day.")
    return sorted(set(value))


def _time_of_day(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise Refused("This has to be a time such as 09:00.")
    return time.fromisoformat(value).isoformat("minutes")


def _dates(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(day, str) for day in value):
        raise Refused("This has to be a list of dates.")
    days = sorted({_read_day(day) for day in value})
    if len(days) > MOST_HOLIDAYS:
        raise Refused("At most %(most)s entries.", most=MOST_HOLIDAYS)
    return days


def _rest(value: object) -> int:
    if type(value) is not int or not 0 <= value <= LONGEST_REST:
        raise Refused("A whole number of days, from 0 to %(most)s.", most=LONGEST_REST)
    return value


def _rest_by_metric(value: object) -> dict[str, int]:
    if not isinstance(value, Mapping) or not set(value) <= set(METRICS):
        raise Refused("A whole number of days for each metric.")
    return {str(metric): _rest(days) for metric, days in value.items()}


def _causes(value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(cause, str) for cause in value):
        raise Refused("This has to be a list of causes.")
    causes = read_lines("\n".join(" ".join(cause.split()) for cause in value))
    if len(causes) > MOST_CAUSES:
        raise Refused("At most %(most)s entries.", most=MOST_CAUSES)
    if any(len(cause) > LONGEST_CAUSE or not cause.isprintable() for cause in causes):
        raise Refused("At most %(most)s ordinary characters.", most=LONGEST_CAUSE)
    return causes


_READERS: dict[str, Callable[[object], object]] = {
    "name": _one_line(LONGEST_NAME, required=True),
    "sender_name": _one_line(LONGEST_NAME),
    "reply_to": _reply_to,
    "postal_address": _postal,
    "time_zone": _time_zone,
    "locale": _one_of(frozenset(LOCALES), "Choose one of the languages."),
    "business_days": _weekdays,
    "opens_at": _time_of_day,
    "closes_at": _time_of_day,
    "holidays": _dates,
    "blackout_dates": _dates,
    "rest_days": _rest,
    "rest_days_by_metric": _rest_by_metric,
    "root_causes": _causes,
    "lawful_basis": _one_of(frozenset(LAWFUL_BASES), "Choose one of the bases."),
}
