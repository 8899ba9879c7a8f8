"""Placeholders in the texts that users write: `{{ contact.first_name|there }}`, and nothing cleverer.

Users never write a template language: a text is literal words and placeholders from a short list, found once
and filled in one pass, so that no value, however it is spelled, is ever read as a placeholder or as code.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import Invalid, Problem, problem

CONTACT_NAMES = ("contact.name", "contact.first_name")
ATTRIBUTE = "contact.attributes."
WORKSPACE_NAME = "workspace.name"

# A message is no place for an essay that somebody keeps about a person: with as many placeholders as fit into
# the texts, the longest mail still stays below the 102 kB at which Gmail hides its end.
LONGEST_VALUE = 200

_PLACEHOLDER = re.compile(r"\{\{([^{}|]*)(?:\|([^{}]*))?\}\}")
# Cc: control characters; Cs: lone halves of a pair, which no encoding takes; Zl, Zp: line ends in disguise
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Placeholder:
    """One `{{ name|fallback }}`; the fallback is None where none was given."""

    name: str
    fallback: str | None = None


@dataclass(frozen=True)
class Segments:
    """A text taken apart once: words and placeholders in their order."""

    parts: tuple[str | Placeholder, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of the values that this text wants."""
        return frozenset(part.name for part in self.parts if isinstance(part, Placeholder))

    @property
    def speaks_of_contact(self) -> bool:
        """Does filling it need the contact? Pages that know nobody can ask first."""
        return any(name != WORKSPACE_NAME for name in self.names)


def check(text: str, field: str, *, contact: bool = True, lines: bool = False) -> list[Problem]:
    """What is wrong with a text, for the field it was typed in; empty when it can be published.

    `contact=False`: it is shown where nobody is addressed by name. `lines=True`: several lines are fine.
    """
    problems: list[Problem] = []
    if has_control_characters(text, lines=lines):
        message = (
            "Control characters are not allowed."
            if lines
            else "Write this on one line, without control characters."
        )
        problems.append(problem(field, message))
    for part in _split(text):
        if isinstance(part, Placeholder):
            problems += _check_placeholder(part, field, contact)
        elif "{" in part or "}" in part:
            problems.append(
                problem(field, "Curly brackets only stand around a placeholder, like {{ workspace.name }}.")
            )
    return _once(problems)


def parse(text: str) -> Segments:
    """Take a checked text apart. Raises Invalid for one that `check` would refuse."""
    problems = check(text, "text", lines=True)
    if problems:
        raise Invalid(problems)
    return Segments(_split(text))


def fill(segments: Segments, values: Mapping[str, str]) -> str:
    """The words with every placeholder's value, or its fallback where the value is missing or blank.

    One pass: a value stays exactly as it is, whatever it contains. A name without value and without fallback
    is a mistake of ours, as `check` lets none through: LookupError.
    """
    return "".join(part if isinstance(part, str) else value_of(part, values) for part in segments.parts)


def values_for(
    workspace_name: str, name: str = "", attributes: Mapping[str, object] | None = None
) -> dict[str, str]:
    """What the placeholders stand for: the workspace, and one contact where there is one."""
    values = {
        WORKSPACE_NAME: workspace_name,
        "contact.name": name.strip(),
        "contact.first_name": first_name(name),
    }
    for key, value in (attributes or {}).items():
        values[ATTRIBUTE + key] = "" if value is None else _short(str(value))
    return values


def first_name(name: str) -> str:
    """The first word of a name, and "" of none."""
    return next(iter(name.split()), "")


def one_line(text: str) -> str:
    """The same words on one line, for a subject: line ends and control characters become single spaces."""
    if not text.isprintable():  # nearly all are, and every mail has a subject
        text = "".join(" " if unicodedata.category(each) in _UNPRINTABLE else each for each in text)
    return " ".join(text.split())


def has_control_characters(text: str, *, lines: bool = False) -> bool:
    """Is there anything that a mail header or a database must not meet? `lines`: a line feed is fine."""
    return any(unicodedata.category(each) in _UNPRINTABLE and not (lines and each == "\n") for each in text)


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"


def _split(text: str) -> tuple[str | Placeholder, ...]:
    parts: list[str | Placeholder] = []
    end = 0
    for found in _PLACEHOLDER.finditer(text):
        parts.append(text[end : found.start()])
        fallback = found[2]
        parts.append(Placeholder(found[1].strip(), None if fallback is None else fallback.strip()))
        end = found.end()
    parts.append(text[end:])
    return tuple(part for part in parts if part != "")


def _check_placeholder(part: Placeholder, field: str, contact: bool) -> list[Problem]:
    if part.name == WORKSPACE_NAME:
        if part.fallback == "":
            return [_no_fallback(part, field)]
        return []
    is_attribute = part.name.startswith(ATTRIBUTE) and part.name != ATTRIBUTE
    if not is_attribute and part.name not in CONTACT_NAMES:
        return [problem(field, "There is no placeholder “%(name)s”.", name=part.name)]
    if not contact:
        return [
            problem(
                field,
                "“%(name)s” cannot stand here: nobody is addressed by name where answers are anonymous.",
                name=part.name,
            )
        ]
    return [] if part.fallback else [_no_fallback(part, field)]


def _no_fallback(part: Placeholder, field: str) -> Problem:
    return problem(
        field,
        "“%(name)s” may be empty: write what to say then, as in {{ %(name)s|friend }}.",
        name=part.name,
    )


def value_of(part: Placeholder, values: Mapping[str, str]) -> str:
    """The value of one placeholder, or its fallback where that is missing or blank; LookupError as `fill`."""
    value = values.get(part.name, "")
    if value.strip():
        return value
    if part.fallback is None:
        raise LookupError(f"no value and no fallback for {part.name}")
    return part.fallback


def _once(problems: list[Problem]) -> list[Problem]:
    kept: list[Problem] = []
    for each in problems:
        if each not in kept:
            kept.append(each)
    return kept
