"""Reads an audience strictly from JSON: every problem at once, each at its place (`audience.all.0.value`)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.domain.audience import (
    DEEPEST,
    EVERYBODY,
    LONGEST_VALUE,
    MOST_CHARACTERS,
    MOST_CONDITIONS,
    MOST_DAYS,
    MOST_VALUES,
    Condition,
    Group,
    Member,
)
from app.domain.audience_fields import ANSWERED_METRICS, ATTRIBUTE, Takes, operators_of
from app.domain.audience_matching import plain
from app.domain.contacts import read_contact
from app.domain.metrics import RULES, Metric, Rule
from app.domain.tags import read_tags
from app.errors import Invalid, Problem, problem

_JOINS = {"all": True, "any": False}
_LIKE_A_CONTACT = ("kind", "locale", "time_zone", "lawful_basis")  # values that a contact's own reader knows
_DOMAIN = re.compile(r"[^\s@.]+(\.[^\s@.]+)+")
_HISTORY = ("days", "metric")
_ALLOWED: Mapping[Takes, tuple[str, ...]] = {
    Takes.NOTHING: (),
    Takes.VALUES: ("value",),
    Takes.NUMBER: ("value",),
    Takes.DAY: ("value",),
    Takes.DAYS: ("days",),
    Takes.ASKS: _HISTORY,
    Takes.ANSWERS: (*_HISTORY, "band", "low", "high"),
}


def read_audience(given: object, name: str = "audience", *, kept: bool = False) -> Group:
    """The tree; nothing, "all" and `{}` are everybody. Raises Invalid with a problem for each wrong place.

    `{"attributes": {name: value}}` is the short form of all these attributes being these values.
    `kept`: as a row of ours has it, which may be older than the refusal of scores that nobody can have given.
    """
    if given in (None, "", "all") or (isinstance(given, Mapping) and not given):
        return EVERYBODY
    if isinstance(given, Mapping) and set(given) == {"attributes"}:
        given = _spelt_out(given["attributes"], name)
    _refuse_too_much(given, name)
    reading = _Reading(kept)
    found = reading.member(given, name)
    if reading.problems:
        raise Invalid(reading.problems)
    return found if isinstance(found, Group) else Group(every=True, members=(found,))


def _spelt_out(attributes: object, name: str) -> object:
    fits = isinstance(attributes, Mapping) and all(
        isinstance(each, str) and each for pair in attributes.items() for each in pair
    )
    if not fits or not isinstance(attributes, Mapping) or not attributes:
        raise Invalid([problem(name, "Say “all”, or which attributes have which value.")])
    conditions = [
        {"field": f"{ATTRIBUTE}{key}", "op": "is", "value": value} for key, value in attributes.items()
    ]
    return {"all": conditions}


def _refuse_too_much(given: object, name: str) -> None:
    """Before anything is read: a tree of five thousand conditions costs a walk to the fifty-first."""
    waiting: list[tuple[object, int]] = [(given, 1)]
    conditions = groups = characters = 0
    while waiting:
        each, depth = waiting.pop()
        members = _members(each)
        if members is None:
            conditions += 1
            characters += _characters(each)
        else:
            groups += 1
            if depth > DEEPEST:
                message = "Groups stand in groups at most %(most)s deep."
                raise Invalid([problem(name, message, most=DEEPEST)])
            waiting += [(member, depth + 1) for member in members[: MOST_CONDITIONS + 1]]
        if conditions > MOST_CONDITIONS or groups > MOST_CONDITIONS:
            message = "An audience has at most %(most)s conditions."
            raise Invalid([problem(name, message, most=MOST_CONDITIONS)])
        if characters > MOST_CHARACTERS:
            message = "The values together have at most %(most)s characters."
            raise Invalid([problem(name, message, most=MOST_CHARACTERS)])


def _members(given: object) -> Sequence[object] | None:
    """The members of what looks like a group; None for anything else."""
    if isinstance(given, Mapping) and len(given) == 1:
        for join in _JOINS:
            if join in given:
                return given[join] if isinstance(given[join], list) else ()
    return None


def _characters(given: object) -> int:
    value = given.get("value") if isinstance(given, Mapping) else None
    values = value if isinstance(value, list) else [value]
    return sum(len(each) for each in values if isinstance(each, str))


@dataclass
class _Reading:
    """One reading, and what was wrong so far."""

    kept: bool
    problems: list[Problem] = field(default_factory=list)

    def member(self, given: object, place: str) -> Member:
        members = _members(given)
        if members is None:
            return self.condition(given, place)
        assert isinstance(given, Mapping)
        (join,) = given
        if not members:
            self.problems.append(problem(f"{place}.{join}", "Add a condition, or take this group away."))
        read = tuple(self.member(each, f"{place}.{join}.{at}") for at, each in enumerate(members))
        return Group(_JOINS[join], read)

    def condition(self, given: object, place: str) -> Condition:
        nothing = Condition("", "")
        if not isinstance(given, Mapping) or not isinstance(given.get("field"), str):
            self.problems.append(problem(place, "Say “all”, or a field and what is to be true of it."))
            return nothing
        name = self.field(given["field"], place)
        operators = operators_of(name) if name else None
        if operators is None:
            self.problems.append(problem(f"{place}.field", "Nobody can be found by this field."))
            return nothing
        operator = given.get("op")
        if not isinstance(operator, str) or operator not in operators:
            choices = ", ".join(operators)
            self.problems.append(problem(f"{place}.op", "This must be one of: %(choices)s.", choices=choices))
            return nothing
        takes = operators[operator]
        for stranger in set(given) - {"field", "op", *_ALLOWED[takes]}:
            self.problems.append(problem(f"{place}.{stranger}", "There is no such field."))
        return Condition(name, operator, **self.values(name, takes, given, place))

    def field(self, given: str, place: str) -> str:
        """The field's name; an attribute's in the form in which contacts keep it."""
        if not given.startswith(ATTRIBUTE):
            return given
        try:
            (name,) = read_contact({"attributes": {given.removeprefix(ATTRIBUTE): ""}}, None)["attributes"]
        except Invalid as error:
            self.problems += [Problem(f"{place}.field", each.message, each.params) for each in error.problems]
            return given
        return f"{ATTRIBUTE}{name}"

    def values(self, name: str, takes: Takes, given: Mapping[str, object], place: str) -> dict[str, Any]:
        match takes:
            case Takes.VALUES:
                return {"values": self.texts(name, given.get("value"), f"{place}.value")}
            case Takes.NUMBER:
                return {"number": self.number(given.get("value"), f"{place}.value")}
            case Takes.DAY:
                return {"day": self.day(given.get("value"), f"{place}.value")}
            case Takes.DAYS:
                return {"days": self.days(given.get("days"), f"{place}.days")}
            case Takes.ASKS | Takes.ANSWERS:
                return self.history(takes, given, place)
        return {}

    def texts(self, name: str, given: object, place: str) -> tuple[str, ...]:
        values = given if isinstance(given, list) else [given]
        texts = [" ".join(each.split()) for each in values if isinstance(each, str)]
        if len(texts) != len(values) or not texts or not all(map(plain, texts)):
            self.problems.append(problem(place, "Say which value."))
            return ()
        if len(texts) > MOST_VALUES:
            self.problems.append(problem(place, "At most %(most)s values.", most=MOST_VALUES))
            return ()
        for each in texts:
            if len(each) > LONGEST_VALUE or any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in each):
                message = "At most %(most)s ordinary characters."
                self.problems.append(problem(place, message, most=LONGEST_VALUE))
                return ()
        try:
            return tuple(dict.fromkeys(_as_kept(name, texts)))
        except Invalid as error:
            self.problems += [Problem(place, each.message, each.params) for each in error.problems]
            return ()

    def number(self, given: object, place: str) -> float | None:
        if type(given) in (int, float) and abs(given) < 2**53:  # type: ignore[arg-type]  # NaN is not less
            return given  # type: ignore[return-value]
        self.problems.append(
            problem(place, "This must be a number without a separator of thousands, as 1200 or 12.5.")
        )
        return None

    def day(self, given: object, place: str) -> date | None:
        try:
            if not isinstance(given, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
                raise ValueError
            day = date.fromisoformat(given)
            if not 1900 <= day.year <= 9000:  # room for every zone
                raise ValueError
        except ValueError:
            self.problems.append(problem(place, "Write a date, as 2026-12-01."))
            return None
        return day

    def days(self, given: object, place: str) -> int | None:
        if type(given) is not int or not 0 <= given <= MOST_DAYS:
            message = "Say how many days, at most %(most)s."
            self.problems.append(problem(place, message, most=MOST_DAYS))
            return None
        return given

    def history(self, takes: Takes, given: Mapping[str, object], place: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if given.get("days") is not None:
            found["days"] = self.days(given["days"], f"{place}.days")
        metrics = tuple(Metric) if takes is Takes.ASKS else ANSWERED_METRICS
        metric = given.get("metric")
        if metric is not None and metric not in metrics:
            choices = ", ".join(metrics)
            message = "This must be one of: %(choices)s."
            self.problems.append(problem(f"{place}.metric", message, choices=choices))
        elif metric is not None:
            found["metric"] = Metric(str(metric)).value
        scored = [name for name in ("band", "low", "high") if given.get(name) is not None]
        if scored and "metric" not in found:
            message = "Say the metric as well: a score means something else on another scale."
            self.problems.append(problem(f"{place}.metric", message))
        elif scored:
            found |= self.score(Metric(str(metric)), given, place)
        return found

    def score(self, metric: Metric, given: Mapping[str, object], place: str) -> dict[str, Any]:
        rule, before = RULES[metric], len(self.problems)
        found: dict[str, Any] = {}
        if (band := given.get("band")) is not None:
            if band not in rule.bands:
                choices = ", ".join(rule.bands)
                message = "This must be one of: %(choices)s."
                self.problems.append(problem(f"{place}.band", message, choices=choices))
            found["band"] = str(band)
        for name in ("low", "high"):
            if (score := given.get(name)) is not None:
                if type(score) is not int or score not in rule.scores:
                    message = "A whole number from %(low)s to %(high)s."
                    self.problems.append(problem(f"{place}.{name}", message, low=rule.low, high=rule.high))
                found[name] = score
        if len(self.problems) == before and not self.kept:
            self.problems += _nobodys(rule, found, place)
        return found


def _nobodys(rule: Rule, found: Mapping[str, Any], place: str) -> list[Problem]:
    """Scores that nobody can have given: an audience of nobody for ever or, with “has not”, of everybody."""
    low, high = found.get("low", rule.low), found.get("high", rule.high)
    if low > high:
        return [problem(f"{place}.high", "The highest is not below the lowest.")]
    if "band" in found and found["band"] not in map(rule.band, range(low, high + 1)):
        return [problem(f"{place}.band", "No score of this band is among these.")]
    return []


def _as_kept(name: str, texts: list[str]) -> Sequence[str]:
    """The values in the form in which contacts keep them. Raises Invalid."""
    if name == "tags":
        return read_tags("tags", texts)
    if name == "email_domain":
        domains = [plain(each).removeprefix("@") for each in texts]
        if not all(_DOMAIN.fullmatch(each) for each in domains):
            raise Invalid([problem("email_domain", "This is no domain, as aroeira.example.")])
        return domains
    if name in _LIKE_A_CONTACT:
        return [str(read_contact({name: each}, None)[name]) for each in texts]  # type: ignore[literal-required]
    return texts
