"""An audience as a condition on Contact. What it means says domain.audience_matching, held equal by a test.

Only values are parameters; columns come from the table below, never from what was sent.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, true, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.domain.audience import Condition, Group, Member
from app.domain.audience_fields import ATTRIBUTE
from app.domain.audience_matching import Scene, number_of
from app.domain.audience_matching import plain as plain_text
from app.models import Answer, Contact, FollowUp, Invitation
from app.services.asking_terms import COUNTED
from app.services.attributes import attribute_text
from app.services.json_values import (
    AttributeExactNumber,
    AttributeIsDay,
    AttributeIsNumber,
    AttributeNumber,
    AttributeStart,
    has_tag,
    of_attribute,
    plain,
)

Truth = ColumnElement[bool]
Text = ColumnElement[Any] | InstrumentedAttribute[Any]
_COLUMNS: Mapping[str, Text] = {
    "name": Contact.name,
    "email": Contact.email,
    "phone": Contact.phone,
    "telegram": Contact.telegram_chat_id,
    "external_id": Contact.external_id,
    "kind": Contact.kind,
    "locale": Contact.locale,
    "time_zone": Contact.time_zone,
    "source": Contact.source,
    "lawful_basis": Contact.lawful_basis,
}
_COMPARED: Mapping[str, Callable[[Any, Any], Truth]] = {
    "above": operator.gt, "at_least": operator.ge, "at_most": operator.le, "below": operator.lt,
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """Turns audiences into conditions, at one moment in one workspace."""

    scene: Scene
    sandbox_on: bool  # once it is off, what it asked and heard no longer counts
    run_id: str | None = None  # being asked by this very run changes nobody's place in it

    def of(self, audience: Member) -> Truth:
        """The condition; everybody is true."""
        if isinstance(audience, Group):
            joined = and_ if audience.every else or_
            members = sorted(audience.members, key=_cost)  # what is cheap to know spares the look-ups
            return joined(true() if audience.every else not_(true()), *map(self.of, members))
        if audience.field.startswith(ATTRIBUTE):
            return self._attribute(audience, audience.field.removeprefix(ATTRIBUTE))
        if audience.field in _COLUMNS:
            return _said(audience, _COLUMNS[audience.field])
        return self._special[audience.field](audience)

    @property
    def _special(self) -> Mapping[str, Callable[[Condition], Truth]]:
        """The fields that are more than a text of the contact's."""
        return {
            "answered": self._answered,
            "asked": self._asked,
            "followup": _followup,
            "tags": _tags,
            "email_domain": _domain,
            "created": self._created,
            "active": lambda condition: Contact.active.is_(condition.operator == "yes"),
        }

    def _attribute(self, condition: Condition, name: str) -> Truth:
        if condition.number is not None:
            number = of_attribute(AttributeNumber, Contact.attributes, name)
            return _COMPARED[condition.operator](number, condition.number)
        if condition.day is not None or condition.days is not None:
            start = of_attribute(AttributeStart, Contact.attributes, name)
            is_day = of_attribute(AttributeIsDay, Contact.attributes, name)  # dearer, so it is asked last
            return and_(self._dated(condition, start), is_day)
        return _attribute_said(condition, name)

    def _dated(self, condition: Condition, day: ColumnElement[str]) -> Truth:
        if condition.day is not None:
            limit = condition.day.isoformat()
            return day < limit if condition.operator == "before" else day >= limit
        days = condition.days or 0
        first, today, last = (self.scene.day(each).isoformat() for each in (-days, 0, days))
        if condition.operator == "coming":
            return day.between(today, last)
        return day.between(first, today) if condition.operator == "within" else day < first

    def _created(self, condition: Condition) -> Truth:
        if condition.day is not None:
            limit = self.scene.midnight(condition.day)
        else:
            limit = self.scene.cutoff(condition.days or 0)
        earlier = condition.operator in ("before", "older")
        return Contact.created_at < limit if earlier else Contact.created_at >= limit

    def _asked(self, condition: Condition) -> Truth:
        at = func.coalesce(Invitation.sent_at, Invitation.created_at)
        query = select(Invitation.id).where(
            Invitation.contact_id == Contact.id, Invitation.state.in_(COUNTED)
        )
        if not self.sandbox_on:
            query = query.where(Invitation.sandbox.is_(False))
        if self.run_id is not None:
            query = query.where(Invitation.occurrence_id != self.run_id)
        if condition.metric is not None:
            query = query.where(Invitation.metric == condition.metric)
        if condition.days is not None:
            query = query.where(at >= self.scene.cutoff(condition.days))
        return query.exists() if condition.operator == "has" else ~query.exists()

    def _answered(self, condition: Condition) -> Truth:
        query = self._answers(condition, Answer).where(Answer.contact_id == Contact.id)
        if condition.operator == "latest":
            newer = aliased(Answer)
            later = self._answers(condition, newer).where(
                newer.contact_id == Answer.contact_id,
                tuple_(newer.recorded_at, newer.id) > tuple_(Answer.recorded_at, Answer.id),
            )
            query = query.where(~later.exists())
        if condition.days is not None:
            query = query.where(Answer.recorded_at >= self.scene.cutoff(condition.days))
        if condition.band is not None:
            query = query.where(Answer.band == condition.band)
        if condition.low is not None:
            query = query.where(Answer.score >= condition.low)
        if condition.high is not None:
            query = query.where(Answer.score <= condition.high)
        return ~query.exists() if condition.operator == "has_not" else query.exists()

    def _answers(self, condition: Condition, answer: type[Answer]) -> Select[Any]:
        """The answers that count, of one metric if one was said."""
        query = select(answer.id).where(answer.suspect.is_(False), answer.late.is_(False))
        if not self.sandbox_on:
            query = query.where(answer.sandbox.is_(False))
        return query if condition.metric is None else query.where(answer.metric == condition.metric)


def _attribute_said(condition: Condition, name: str) -> Truth:
    """A condition on an attribute as text. A number is only equal to numbers, and no text stands in it."""
    said = _said(condition, attribute_text(Contact.attributes, name))
    if condition.operator in ("is_set", "is_not_set"):
        return said
    # Whether it is a number is looked at last: it costs as much again, for nearly nobody
    number = of_attribute(AttributeIsNumber, Contact.attributes, name)
    if condition.operator == "contains_not":
        return or_(said, number)
    if condition.operator == "contains":
        return and_(said, not_(number))
    numbers = [each for each in map(number_of, condition.values) if each is not None]
    exact = of_attribute(AttributeExactNumber, Contact.attributes, name)
    if condition.operator == "is":
        return or_(and_(said, not_(number)), exact.in_(numbers)) if numbers else and_(said, not_(number))
    return and_(or_(said, number), or_(exact.is_(None), exact.not_in(numbers)))


def _cost(member: Member) -> int:
    """How much it is to know: a column, something in JSON, other tables."""
    if isinstance(member, Group):
        return max(map(_cost, member.members), default=0)
    if member.field in ("answered", "asked", "followup"):
        return 2
    return 1 if member.field == "tags" or member.field.startswith(ATTRIBUTE) else 0


def _said(condition: Condition, text: Text) -> Truth:
    """A condition on one text, which may be missing."""
    wanted = [plain_text(each) for each in condition.values]
    match condition.operator:
        case "is":
            return plain(text).in_(wanted)
        case "is_not":
            return or_(text.is_(None), plain(text).not_in(wanted))
        case "contains":
            return or_(*(plain(text).contains(each, autoescape=True) for each in wanted))
        case "contains_not":
            none = (~plain(text).contains(each, autoescape=True) for each in wanted)
            return or_(text.is_(None), and_(*none))
        case "is_set":
            return func.coalesce(text, "") != ""
        case _:
            return func.coalesce(text, "") == ""


def _domain(condition: Condition) -> Truth:
    ends = (plain(Contact.email).endswith(f"@{each}", autoescape=True) for each in condition.values)
    if condition.operator == "is":
        return or_(*ends)
    return or_(Contact.email.is_(None), and_(*(~each for each in ends)))


def _followup(condition: Condition) -> Truth:
    waits = select(FollowUp.id).where(FollowUp.contact_id == Contact.id, FollowUp.closed_at.is_(None))
    return waits.exists() if condition.operator == "yes" else ~waits.exists()


def _tags(condition: Condition) -> Truth:
    held = [has_tag(Contact.tags, each) for each in condition.values]
    if condition.operator == "has_all":
        return and_(*held)
    return or_(*held) if condition.operator == "has_any" else ~or_(*held)
