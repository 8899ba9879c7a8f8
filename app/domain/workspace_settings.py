"""What a workspace's settings may be: read strictly, one problem per field, everything at once."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.domain import setting_values as read
from app.domain.addresses import BadAddress
from app.domain.contacts import LAWFUL_BASES
from app.domain.setting_values import METRICS, Refused
from app.errors import Invalid, Problem, problem

LONGEST_NAME = 120
LOCALES = ("pt-BR", "en", "es")


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
WEEKDAYS = ("business_days", "quiet_days")
CAPS = ("daily_cap", "weekly_cap")
QUIET = ("quiet_from", "quiet_to")
FORM_FIELDS = (
    *PLAIN, *WEEKDAYS, *DATES, "rest_days", *RESTS, *QUIET, "quiet_email", *CAPS, "root_causes",
)  # fmt: skip
FIELD_OF = {"quiet_hours": "quiet_from"}  # where a form says what is wrong with a setting of two fields


def from_form(fields: Mapping[str, Any]) -> dict[str, object]:
    """What a form's fields say: numbers as text, lists one entry per line, weekdays a list of texts.

    Fields of other names are not looked at. Raises Invalid with everything that is wrong, by field.
    """
    problems: list[Problem] = []
    found: dict[str, object] = {name: fields[name] for name in (*PLAIN, "quiet_email") if name in fields}
    for name in set(WEEKDAYS) & set(fields):
        found[name] = [int(day) for day in fields[name] if re.fullmatch("[0-6]", day)]
    if "root_causes" in fields:
        found["root_causes"] = read.read_lines(fields["root_causes"])
    if set(QUIET) <= set(fields):
        begins, ends = (fields[name] for name in QUIET)
        found["quiet_hours"] = {"from": begins, "to": ends}
    for name in {*DATES, "rest_days", *RESTS, *CAPS} & set(fields):
        try:
            found[name] = _typed(name, fields[name])
        except Refused as error:
            problems.append(Problem(name, error.message, error.params))
    rests = {metric: found.pop(name) for name, metric in RESTS.items() if name in found}
    try:
        clean = checked(found | ({"rest_days_by_metric": rests} if rests else {}))
    except Invalid as error:
        problems[:0] = [
            Problem(FIELD_OF.get(each.field, each.field), each.message, each.params)
            for each in error.problems
        ]
    if problems:
        raise Invalid(problems)
    return clean


def to_form(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings as the fields of a form, the way `from_form` reads them."""
    rests = {name: values["rest_days_by_metric"].get(metric, "") for name, metric in RESTS.items()}
    lists = {name: "\n".join(values[name]) for name in (*DATES, "root_causes")}
    days = {name: [str(day) for day in values[name]] for name in WEEKDAYS}
    quiet = values["quiet_hours"] or {}
    hours = {"quiet_from": quiet.get("from", ""), "quiet_to": quiet.get("to", "")}
    return {**values, **rests, **lists, **days, **hours}


def _typed(name: str, text: str) -> object:
    if name in DATES:
        return read.read_days(text)
    number = int(text) if re.fullmatch("[0-9]{1,4}", text.strip()) else None
    if name not in CAPS:
        return read.rest(number)
    return read.cap(number if number is not None or not text.strip() else 0)


def hours_problems(opens_at: str, closes_at: str) -> list[Problem]:
    """A day opens before it closes; both are `HH:MM` as `checked` leaves them."""
    if opens_at >= closes_at:
        return [problem("closes_at", "A day closes after it opens.")]
    return []


_READERS: dict[str, Callable[[object], object]] = {
    "name": read.one_line(LONGEST_NAME, required=True),
    "sender_name": read.one_line(LONGEST_NAME),
    "reply_to": read.reply_to,
    "postal_address": read.postal,
    "time_zone": read.time_zone,
    "locale": read.one_of(frozenset(LOCALES), "Choose one of the languages."),
    "business_days": read.weekdays,
    "opens_at": read.time_of_day,
    "closes_at": read.time_of_day,
    "holidays": read.dates,
    "blackout_dates": read.dates,
    "rest_days": read.rest,
    "rest_days_by_metric": read.rest_by_metric,
    "quiet_hours": read.quiet_hours,
    "quiet_days": read.quiet_days,
    "quiet_email": read.yes_or_no,
    "daily_cap": read.cap,
    "weekly_cap": read.cap,
    "root_causes": read.causes,
    "lawful_basis": read.one_of(frozenset(LAWFUL_BASES), "Choose one of the bases."),
}
