"""Does a person fit an audience? The rule that the statements of services/audiences are held equal to.

Text is compared without case and accents, as a property of the writing (a missing value is never equal to
anything); days are the calendar's, where the workspace is.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from operator import ge, gt, le, lt
from zoneinfo import ZoneInfo

from app.domain.audience import Condition, Group, Member
from app.domain.audience_fields import ATTRIBUTE
from app.domain.contacts import Scalar

_ACCENTS = re.compile("[\u0300-\u036f]")
_CAPITALS = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")  # as scripts write it: "1.234" is never a thousand
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "above": gt, "at_least": ge, "at_most": le, "below": lt,
}  # fmt: skip


_PAIRS = (("is", "is_not"), ("contains", "contains_not"), ("is_set", "is_not_set"), ("has_any", "has_none"))
_OPPOSITES = {one: other for pair in (*_PAIRS, ("yes", "no")) for one, other in (pair, pair[::-1])}


@dataclass(frozen=True)
class Scene:
    """Where and when an audience is looked for."""

    now: datetime
    zone: ZoneInfo

    def day(self, days: int) -> date:
        """The day that lies so many days ahead of today."""
        return self.now.astimezone(self.zone).date() + timedelta(days=days)

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def cutoff(self, days: int) -> datetime:
        """When the day began that lies so many days back."""
        return self.midnight(self.day(-days))


@dataclass(frozen=True)
class Asked:
    """An ask that left, or is about to."""

    metric: str
    at: datetime


@dataclass(frozen=True)
class Answered:
    """An answer that counts; of one metric the last in its tuple is the newest."""

    metric: str
    band: str
    score: int
    at: datetime


@dataclass(frozen=True)
class Person:
    """What an audience may know of somebody."""

    created_at: datetime
    name: str = ""
    email: str | None = None
    phone: str | None = None
    telegram: str | None = None
    external_id: str | None = None
    kind: str = "customer"
    locale: str | None = None
    time_zone: str | None = None
    source: str | None = None
    lawful_basis: str = "consent"
    active: bool = True
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    asks: tuple[Asked, ...] = ()
    answers: tuple[Answered, ...] = ()
    open_followup: bool = False


def plain(text: str) -> str:
    """Without case and accents, in a way that PostgreSQL knows as well: compatibility forms, ASCII's case."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text)).translate(_CAPITALS)


def number_of(text: str) -> float | None:
    """The number that a text is, all of it."""
    return float(text) if _NUMBER.fullmatch(text) else None


def matches(audience: Member, person: Person, scene: Scene) -> bool:
    """Is this person meant?"""
    if isinstance(audience, Group):
        joined = all if audience.every else any
        return joined(matches(each, person, scene) for each in audience.members)
    if audience.field.startswith(ATTRIBUTE):
        return _attribute(audience, person.attributes.get(audience.field.removeprefix(ATTRIBUTE)), scene)
    special = _SPECIAL.get(audience.field)
    return special(audience, person, scene) if special else _said(audience, getattr(person, audience.field))


def unmet(audience: Member, person: Person, scene: Scene) -> tuple[Member, ...]:
    """What keeps this person out of an audience; nothing for somebody who is meant.

    Of things that must all be true, those that are not; where any would do, all of them together.
    """
    if matches(audience, person, scene):
        return ()
    if isinstance(audience, Group) and audience.every:
        return tuple(each for member in audience.members for each in unmet(member, person, scene))
    return (audience,)


def opposite(condition: Condition) -> Condition | None:
    """What is true of everybody of whom this is not, where it can be said as simply; else None."""
    other = _OPPOSITES.get(condition.operator)
    if other is None or condition.field in ("asked", "answered"):
        return None
    return replace(condition, operator=other)


def _said(condition: Condition, text: str | None) -> bool:
    """A condition on one text, which may be missing or empty."""
    wanted = [plain(each) for each in condition.values]
    found = plain(text or "")
    match condition.operator:
        case "is":
            return text is not None and found in wanted
        case "is_not":
            return text is None or found not in wanted
        case "contains":
            return any(each in found for each in wanted)
        case "contains_not":
            return not any(each in found for each in wanted)
        case "is_set":
            return bool(text)
        case _:
            return not text


def _attribute(condition: Condition, value: Scalar | None, scene: Scene) -> bool:
    if condition.number is not None:
        number = _as_number(value)
        return number is not None and COMPARED[condition.operator](number, condition.number)
    if condition.day is not None or condition.days is not None:
        return _dated(condition, value, scene)
    if isinstance(value, bool):
        return _said(condition, "true" if value else "false")
    if value is None or isinstance(value, str):
        return _said(condition, value)
    match condition.operator:
        case "is" | "is_not":
            equal = float(value) in [number_of(each) for each in condition.values]
            return equal == (condition.operator == "is")
        case _:  # a number is there, and no text stands in it
            return condition.operator in ("is_set", "contains_not")


def _as_number(value: Scalar | None) -> float | None:
    """A number, also one that came as text."""
    if value is None or isinstance(value, bool):
        return None
    return number_of(value) if isinstance(value, str) else float(value)


def _dated(condition: Condition, value: Scalar | None, scene: Scene) -> bool:
    """Dates are written 2026-12-01, a time after it does not count; others are none."""
    if not isinstance(value, str) or not _DAY.match(value):
        return False
    day = value[:10]
    if condition.day is not None:
        return (day < condition.day.isoformat()) == (condition.operator == "before")
    first, today, last = (
        scene.day(days).isoformat() for days in (-(condition.days or 0), 0, condition.days or 0)
    )
    if condition.operator == "coming":
        return today <= day <= last
    return first <= day <= today if condition.operator == "within" else day < first


def _created(condition: Condition, person: Person, scene: Scene) -> bool:
    at = person.created_at
    if condition.day is not None:
        return (at < scene.midnight(condition.day)) == (condition.operator == "before")
    return (at >= scene.cutoff(condition.days or 0)) == (condition.operator == "within")


def _domain(condition: Condition, person: Person, _scene: Scene) -> bool:
    return _said(condition, person.email and person.email.rpartition("@")[2])


def _flag(condition: Condition, person: Person, _scene: Scene) -> bool:
    said = person.active if condition.field == "active" else person.open_followup
    return said == (condition.operator == "yes")


def _tags(condition: Condition, person: Person, _scene: Scene) -> bool:
    held = [each in person.tags for each in condition.values]
    if condition.operator == "has_all":
        return all(held)
    return any(held) == (condition.operator == "has_any")


def _asked(condition: Condition, person: Person, scene: Scene) -> bool:
    fitting = [each for each in person.asks if _of_metric(condition, each) and _late(condition, each, scene)]
    return bool(fitting) == (condition.operator == "has")


def _answered(condition: Condition, person: Person, scene: Scene) -> bool:
    asked_about = [each for each in person.answers if _of_metric(condition, each)]
    looked_at = asked_about[-1:] if condition.operator == "latest" else asked_about
    fitting = [
        each
        for each in looked_at
        if _late(condition, each, scene)
        and condition.band in (None, each.band)
        and (condition.low is None or each.score >= condition.low)
        and (condition.high is None or each.score <= condition.high)
    ]
    return bool(fitting) != (condition.operator == "has_not")


def _of_metric(condition: Condition, each: Asked | Answered) -> bool:
    return condition.metric in (None, each.metric)


def _late(condition: Condition, each: Asked | Answered, scene: Scene) -> bool:
    """Late enough: within the days that were said, if any were."""
    return condition.days is None or each.at >= scene.cutoff(condition.days)


_SPECIAL: Mapping[str, Callable[[Condition, Person, Scene], bool]] = {
    "answered": _answered,
    "asked": _asked,
    "followup": _flag,
    "tags": _tags,
    "email_domain": _domain,
    "created": _created,
    "active": _flag,
}
