"""After which event a schedule asks, as its form says it: conditions as rows, their values one a line."""

import json
from collections.abc import Iterable, Iterator

from app.domain.triggers import Trigger
from app.errors import Invalid, problem

Row = tuple[str, str, str]  # property, operator, values


def rows_of(trigger: Trigger) -> tuple[Row, ...]:
    """The conditions that are saved."""
    return tuple((each.property, each.operator, lines_of(each.values)) for each in trigger.only)


def conditions(rows: Iterable[Row]) -> list[dict[str, object]]:
    """What the verbs take. A row that is begun counts: the verbs say what it lacks. Raises Invalid."""
    return list(_conditions(rows))


def _conditions(rows: Iterable[Row]) -> Iterator[dict[str, object]]:
    for name, operator, lines in rows:
        values = values_of(lines) if operator != "is_set" else []
        if operator == "equals" and len(values) > 1:
            words = "“is” compares with one value: for several choose “is one of”."
            raise Invalid([problem("trigger", words)])
        if name or values:
            yield {"property": name, "operator": operator, "values": values}


def lines_of(values: Iterable[str]) -> str:
    """One value a line; what a line cannot hold as it is stands in quotes, as JSON writes it."""
    return "\n".join(map(_line, values))


def values_of(lines: str) -> list[str]:
    """The same back. An empty line is none: the empty value is two quotes."""
    return [_value(each) for each in map(str.strip, lines.split("\n")) if each]


def _line(value: str) -> str:
    is_plain = value and value.isprintable() and value == value.strip() and not value.startswith('"')
    return value if is_plain else json.dumps(value)


def _value(line: str) -> str:
    if line.startswith('"'):
        try:
            return str(json.loads(line))
        except ValueError:
            pass  # a text that begins with a quote
    return line
