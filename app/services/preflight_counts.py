"""Before a schedule begins: its people counted once, by reason, channel, language and missing values."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, null, select
from sqlalchemy.orm import Session

from app.domain.placeholders import ATTRIBUTE, CONTACT_NAMES, parse
from app.domain.preflight import Missing
from app.domain.survey_texts import SurveyTexts, choose_locale
from app.domain.terms import Sample, seats
from app.models import Contact, WhatsAppTemplate
from app.services.asking_terms import Asking
from app.services.attributes import attribute_text
from app.services.eligible_sql import told
from app.services.many_rows import hashed


@dataclass(frozen=True)
class Group:
    """People who would be asked on one channel in one language; `example` is one of them."""

    channel: str
    locale: str
    people: int
    example: str
    unfilled: tuple[int, ...] = ()


@dataclass(frozen=True)
class Counted:
    """`reasons` has how many would be asked under None, as eligible.counts tells them."""

    reasons: dict[str | None, int] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()


def count(
    session: Session,
    ask: Asking,
    people: Select[Contact],
    names: Collection[str],
    locale: str,
    *,
    whole: bool = True,
) -> Counted:
    """A step: one statement over the audience or some of it; `locale` is the workspace's."""
    each = told(ask, people, whole=whole)
    asked = each.c.code.is_(None)
    channel = case((asked, each.c.channel), else_=null()).label("channel")
    spoken = case((asked, func.coalesce(each.c.locale, locale)), else_=null()).label("spoken")
    blanks = [func.sum(case((_is_blank(name), 1), else_=0)) for name in names]
    query = (
        select(each.c.code, channel, spoken, func.count(), func.min(each.c.id), *blanks)
        .join(Contact, Contact.id == each.c.id)
        .group_by(each.c.code, channel, spoken)
    )
    reasons: dict[str | None, int] = {}
    groups = []
    with hashed(session) if whole else nullcontext():
        rows = session.execute(query).all()
    for row in rows:
        code, where, language, number, example, *unfilled = row
        reasons[code] = reasons.get(code, 0) + number
        if code is None:
            groups.append(Group(where, language, number, example, tuple(map(int, unfilled))))
    return Counted(reasons, tuple(sorted(groups, key=lambda group: (-group.people, group.channel))))


def drawn(groups: Sequence[Group], number: int) -> tuple[Group, ...]:
    """The groups of a run that asks only so many of these people, each by its part."""
    found = seats({str(place): each.people for place, each in enumerate(groups)}, Sample(number=number))
    parts = [(each, found[str(place)]) for place, each in enumerate(groups)]
    return tuple(
        replace(
            each, people=part, unfilled=tuple(round(blank * part / each.people) for blank in each.unfilled)
        )
        for each, part in parts
        if part
    )


def placeholder_names(texts: Iterable[SurveyTexts]) -> tuple[str, ...]:
    """What these texts want to know of a person, by name."""
    said = (text for each in texts for text in each.to_json().values())
    found = {name for text in said for name in parse(text).names}
    return tuple(sorted(name for name in found if name in CONTACT_NAMES or name.startswith(ATTRIBUTE)))


def unfilled(names: Collection[str], groups: Iterable[Group]) -> tuple[tuple[str, int], ...]:
    """How many of those who would be asked have no value for each of these."""
    sums = [sum(numbers) for numbers in zip(*(group.unfilled for group in groups), strict=True)]
    found = ((name, number) for name, number in zip(names, sums, strict=False) if number)
    return tuple(sorted(found, key=lambda each: -each[1]))


def missing_translations(
    groups: Iterable[Group], written: Collection[str], locale: str
) -> tuple[Missing, ...]:
    """Languages of people that the survey is not written in, and what they get instead."""
    found: dict[str, int] = {}
    for group in groups:
        if written and choose_locale(written, group.locale, locale)[:2] != group.locale[:2].lower():
            found[group.locale] = found.get(group.locale, 0) + group.people
    return tuple(
        Missing(each, choose_locale(written, each, locale), people)
        for each, people in sorted(found.items(), key=lambda pair: -pair[1])
    )


def without_template(
    session: Session, survey_id: str, groups: Iterable[Group]
) -> tuple[tuple[str, int], ...]:
    """Languages of people on WhatsApp for which no approved template is entered."""
    query = select(WhatsAppTemplate.locale).where(WhatsAppTemplate.survey_id == survey_id)
    approved = set(session.scalars(query))
    found: dict[str, int] = {}
    for group in groups:
        if group.channel == "whatsapp" and group.locale not in approved:
            found[group.locale] = found.get(group.locale, 0) + group.people
    return tuple(sorted(found.items()))


def _is_blank(name: str) -> ColumnElement[Any]:
    if name in CONTACT_NAMES:
        return func.trim(Contact.name) == ""
    value = attribute_text(Contact.attributes, name.removeprefix(ATTRIBUTE))
    return func.trim(func.coalesce(value, "")) == ""
