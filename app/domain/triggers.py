"""Events that make a schedule ask: what one says, which ones count, and when the question is due."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.errors import Invalid, Problem, problem

LONGEST_ID = 120  # characters of a caller's own id
LONGEST_NAME = 64
MOST_PROPERTIES = 50
LONGEST_VALUE = 500  # characters
MOST_CONDITIONS = 10
MOST_VALUES = 50
LONGEST_DELAY = 24 * 90  # hours; a season later nobody remembers what happened
AHEAD = timedelta(minutes=10)  # by which the caller's clock may be fast
Scalar = str | int | float | bool | None


def _is_set(value: str, _wanted: tuple[str, ...]) -> bool:
    return value != ""


def _one_of(value: str, wanted: tuple[str, ...]) -> bool:
    return value in wanted


def _none_of(value: str, wanted: tuple[str, ...]) -> bool:
    return value not in wanted


OPERATORS: dict[str, Callable[[str, tuple[str, ...]], bool]] = {
    "equals": _one_of,
    "one_of": _one_of,
    "not": _none_of,
    "is_set": _is_set,
}


@dataclass(frozen=True)
class Condition:
    """One property of an event compared with words, exactly; a property that is missing is empty."""

    property: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, properties: Mapping[str, object]) -> bool:
        """Does this event meet it?"""
        return OPERATORS[self.operator](as_text(properties.get(self.property)), self.values)


@dataclass(frozen=True)
class Trigger:
    """Ask so many hours after an event of this name, if its properties meet every condition.

    Of several within `newest_within_hours`, only the newest; 0 asks after each (rest still holds).
    """

    event: str
    after_hours: int = 0
    newest_within_hours: int = 0
    only: tuple[Condition, ...] = ()

    def fits(self, properties: Mapping[str, object]) -> bool:
        """Does an event of our name with these properties count?"""
        return all(each.holds(properties) for each in self.only)

    def due_at(self, occurred_at: datetime) -> datetime:
        """When the question is due, before days on which nobody is asked."""
        return occurred_at + timedelta(hours=self.after_hours)

    def to_json(self) -> dict[str, Any]:
        """As it is stored and shown to scripts."""
        only = [
            {"property": each.property, "operator": each.operator, "values": list(each.values)}
            for each in self.only
        ]
        return {
            "event": self.event,
            "after_hours": self.after_hours,
            "newest_within_hours": self.newest_within_hours,
            "only": only,
        }


def as_text(value: object) -> str:
    """A property's value as it is compared: true is "true", nothing is empty."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_trigger(raw: object, field: str = "trigger") -> Trigger:
    """A trigger as scripts send it and rows keep it. Raises Invalid with everything that is wrong."""
    if not isinstance(raw, Mapping):
        raise Invalid([problem(field, "Say which event, as {“event”: “ticket.solved”}.")])
    problems: list[Problem] = []
    unknown = set(raw) - {"event", "after_hours", "newest_within_hours", "only"}
    problems += [problem(field, "There is no such field.") for _ in unknown]
    event = raw.get("event")
    if not _is_name(event):
        problems.append(_bad_name(field))
    hours = [raw.get(name, 0) for name in ("after_hours", "newest_within_hours")]
    if not all(type(each) is int and 0 <= each <= LONGEST_DELAY for each in hours):
        problems.append(problem(field, "A whole number of hours, from 0 to %(most)s.", most=LONGEST_DELAY))
    only = _read_conditions(raw.get("only", []), field, problems)
    if problems:
        raise Invalid(problems)
    return Trigger(str(event), hours[0], hours[1], only)


def _read_conditions(raw: object, field: str, problems: list[Problem]) -> tuple[Condition, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > MOST_CONDITIONS:
        problems.append(problem(field, "At most %(most)s conditions.", most=MOST_CONDITIONS))
        return ()
    found = []
    for each in raw:
        read = _read_condition(each)
        if read is None:
            problems.append(problem(field, "A condition has a property, an operator and its values."))
        else:
            found.append(read)
    return tuple(found)


def _read_condition(raw: object) -> Condition | None:
    if not isinstance(raw, Mapping) or not set(raw) <= {"property", "operator", "values"}:
        return None
    name, operator, values = raw.get("property"), raw.get("operator"), raw.get("values", [])
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        return None
    if operator not in OPERATORS or not isinstance(values, list | tuple) or len(values) > MOST_VALUES:
        return None
    if not all(_is_scalar(each) and len(as_text(each)) <= LONGEST_VALUE for each in values):
        return None
    if {"is_set": len(values) != 0, "equals": len(values) != 1}.get(str(operator), len(values) == 0):
        return None
    return Condition(name, str(operator), tuple(map(as_text, values)))


def event_problems(
    id: str, name: str, properties: Mapping[str, object], occurred_at: datetime, now: datetime
) -> list[Problem]:
    """What is wrong with an event that somebody tells us of."""
    problems = []
    if not 0 < len(id) <= LONGEST_ID or not id.isprintable():
        problems.append(problem("id", "At most %(most)s ordinary characters.", most=LONGEST_ID))
    if not _is_name(name):
        problems.append(_bad_name("name"))
    if occurred_at > now + AHEAD:
        problems.append(problem("occurred_at", "This moment has not come yet."))
    if len(properties) > MOST_PROPERTIES or not all(map(_is_property, properties.items())):
        problems.append(
            problem(
                "properties",
                "At most %(most)s properties: a name, and text, a number, true, false or null.",
                most=MOST_PROPERTIES,
            )
        )
    return problems


def _bad_name(field: str) -> Problem:
    return problem(
        field, "A name of up to %(most)s letters, digits, dots, dashes and underscores.", most=LONGEST_NAME
    )


def _is_property(pair: tuple[str, object]) -> bool:
    name, value = pair
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and "\0" not in name
    return fits and _is_scalar(value) and len(as_text(value)) <= LONGEST_VALUE and "\0" not in as_text(value)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_name(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        return False
    return value.isascii() and all(each.isalnum() or each in "._:-" for each in value)
