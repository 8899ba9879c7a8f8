"""What a segment may be: a name and an audience, read strictly, everything at once."""

from collections.abc import Mapping
from typing import TypedDict

from app.domain.audience import Group
from app.domain.audience_reading import read_audience
from app.errors import Invalid, Problem, problem

LONGEST_NAME = 120  # characters, as a schedule's


class Changes(TypedDict, total=False):
    """What is given of a segment; what is absent stays as it is."""

    name: str
    audience: Group


def read_changes(raw: Mapping[str, object]) -> Changes:
    """Read what is given. Raises Invalid with a problem for each wrong place."""
    found = Changes()
    problems: list[Problem] = []
    for name, value in raw.items():
        try:
            if name == "name":
                found["name"] = _name(value)
            elif name == "audience":
                found["audience"] = read_audience(value)
            else:
                raise Invalid([problem(name, "There is no such field.")])
        except Invalid as error:
            problems.extend(error.problems)
    if problems:
        raise Invalid(problems)
    return found


def _name(value: object) -> str:
    words = " ".join(value.split()) if isinstance(value, str) else ""
    if not words:
        raise Invalid([problem("name", "Give it a name.")])
    if len(words) > LONGEST_NAME or not words.isprintable():
        raise Invalid([problem("name", "At most %(most)s ordinary characters.", most=LONGEST_NAME)])
    return words
