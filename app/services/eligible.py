"""The same question as domain.eligibility, asked of many people at once.

Of few people the facts are read, and the pure rule decides; runs and previews ask in SQL. A property test
holds the two equal.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Subquery, func, select
from sqlalchemy.orm import Session

from app.domain.eligibility import Facts, Verdict, may_ask
from app.domain.metrics import Metric
from app.models import Contact
from app.services import caps_sql, opt_outs
from app.services.asking_terms import Asking
from app.services.eligible_sql import answered_on, asked_at, closed_ways, in_another_pulse, told
from app.services.many_rows import hashed, unindexed

SOME = 500  # people whose facts one statement gathers; databases take so many values and far more
Decided = list[tuple[Contact, Verdict]]


def audience(workspace_id: str, metric: Metric | None = None, *, by_ids: bool = False) -> Select[Contact]:
    """Everybody who is there: the active contacts of the workspace; for e-NPS, those who are employees.

    `by_ids`: of people whom somebody names by their ids, and a database must not go through all others.
    """
    here = unindexed(Contact.workspace_id) if by_ids else Contact.workspace_id
    query = select(Contact).where(here == workspace_id, Contact.active.is_(True), Contact.erased_at.is_(None))
    return query.where(Contact.kind == "employee") if metric is Metric.ENPS else query


def verdicts(session: Session, ask: Asking, people: Select[Contact]) -> Decided:
    """The verdict for each of these people, in their order."""
    # Who first, their facts then: a sorted and limited statement would gather those of everybody
    contacts = session.scalars(people).all()
    known: dict[str, Facts] = {}
    for start in range(0, len(contacts), SOME):
        ids = [contact.id for contact in contacts[start : start + SOME]]
        rows = session.execute(select(Contact, *_columns(ask)).where(Contact.id.in_(ids)))
        asked = caps_sql.messages_at(session, ask, ids)
        known |= {row[0].id: _facts(ask, row, asked.get(row[0].id, ())) for row in rows}
    return [(contact, may_ask(known[contact.id], ask.rest, ask.now)) for contact in contacts]


def counts(session: Session, ask: Asking, people: Select[Contact]) -> dict[str | None, int]:
    """How many of these people would be asked now (under None), and how many not, by reason."""
    each = told(ask, people, whole=True)
    with hashed(session):
        found = session.execute(select(each.c.code, func.count()).group_by(each.c.code)).all()
    return {row[0]: row[1] for row in found}


def because(ask: Asking, people: Select[Contact], code: str | None) -> Select[str]:
    """The ids of those of these people who would not be asked for this reason; without one, who would."""
    each = _because(ask, people, code)
    return select(each.c.id)


def because_by_name(ask: Asking, people: Select[Contact], code: str | None) -> Select[str, str]:
    """The same with what they are sorted by, first: looking a million people up again is slow."""
    each = _because(ask, people, code)
    return select(each.c.search_name, each.c.id)


def _because(ask: Asking, people: Select[Contact], code: str | None) -> Subquery:
    each = told(ask, people, whole=True)
    return select(each).where(each.c.code.is_(None) if code is None else each.c.code == code).subquery()


def facts(session: Session, ask: Asking, contact_id: str) -> Facts:
    """What the pure rule needs to know of one person."""
    query = select(Contact).where(Contact.id == contact_id, Contact.workspace_id == ask.workspace_id)
    row = session.execute(query.add_columns(*_columns(ask))).one()
    return _facts(ask, row, caps_sql.messages_at(session, ask, [contact_id]).get(contact_id, ()))


def _columns(ask: Asking) -> tuple[ColumnElement[Any], ...]:
    return (
        opt_outs.is_opted_out().label("opted_out"),
        *closed_ways(ask),
        in_another_pulse(ask).label("elsewhere"),
        asked_at(ask).label("asked_at"),
        asked_at(ask, ask.metric).label("asked_metric_at"),
        answered_on(ask).label("answered_on"),
    )


def _facts(ask: Asking, row: Row[*tuple[Any, ...]], messages_at: tuple[datetime, ...]) -> Facts:
    contact: Contact = row[0]
    return Facts(
        active=contact.active,
        erased=contact.erased_at is not None,
        lawful_basis=contact.lawful_basis,
        opted_out=bool(row.opted_out),
        ways=tuple(
            replace(
                way,
                has_address=contact.key_on(way.channel) is not None,
                closed=bool(getattr(row, f"closed_{way.channel}")),
                unwanted=bool(getattr(row, f"unwanted_{way.channel}")),
            )
            for way in ask.ways
        ),
        first=(contact.preferred_channel, row.answered_on) if ask.terms.their_channel_first else (),
        in_another_pulse=bool(row.elsewhere),
        asked_at=row.asked_at,
        asked_metric_at=row.asked_metric_at,
        messages_at=messages_at,
    )
