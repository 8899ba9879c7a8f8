"""One person as the pure rules see them: what audiences may know of them, and what rest is counted from."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.domain.audience_matching import Answered, Asked, Person
from app.domain.looks import Ask
from app.models import Answer, Contact, FollowUp, Invitation, Survey
from app.services.asking_terms import COUNTED
from app.services.eligible_sql import asks_at

MOST = 1_000  # asks and answers of one person that are read; nobody honest has as many


def person_of(session: Session, contact: Contact, *, sandbox_on: bool) -> Person:
    """A step: everything that a condition of an audience may speak of."""
    open_followup = select(FollowUp.id).where(FollowUp.contact_id == contact.id, FollowUp.closed_at.is_(None))
    return Person(
        created_at=contact.created_at,
        name=contact.name,
        email=contact.email,
        phone=contact.phone,
        telegram=contact.telegram_chat_id,
        external_id=contact.external_id,
        kind=contact.kind,
        locale=contact.locale,
        time_zone=contact.time_zone,
        source=contact.source,
        lawful_basis=contact.lawful_basis,
        active=contact.active,
        attributes=contact.attributes,
        tags=tuple(contact.tags),
        asks=_asks(session, contact, sandbox_on),
        answers=_answers(session, contact, sandbox_on),
        open_followup=session.scalar(open_followup.limit(1)) is not None,
    )


def _asks(session: Session, contact: Contact, sandbox_on: bool) -> tuple[Asked, ...]:
    at = func.coalesce(Invitation.sent_at, Invitation.created_at, type_=Invitation.created_at.type)
    query = select(Invitation.metric, at).where(
        Invitation.contact_id == contact.id, Invitation.state.in_(COUNTED)
    )
    if not sandbox_on:
        query = query.where(Invitation.sandbox.is_(False))
    return tuple(Asked(metric, moment) for metric, moment in session.execute(query.limit(MOST)))


def _answers(session: Session, contact: Contact, sandbox_on: bool) -> tuple[Answered, ...]:
    query = select(Answer).where(
        Answer.contact_id == contact.id, Answer.suspect.is_(False), Answer.late.is_(False)
    )
    if not sandbox_on:
        query = query.where(Answer.sandbox.is_(False))
    rows = session.scalars(query.order_by(Answer.recorded_at, Answer.id).limit(MOST))
    return tuple(Answered(row.metric, row.band, row.score, row.recorded_at) for row in rows)


def asks_of(session: Session, contact: Contact, now: datetime, *, sandbox_on: bool) -> list[Ask]:
    """A step: what this person, or anybody with their address, was asked and answered, the latest first."""
    at = asks_at(Invitation, now)
    keys = [each for each in (contact.email_key, contact.phone_key, contact.telegram_key) if each]
    query = (
        select(at, Invitation.metric, Survey.name, Answer.recorded_at, Invitation.created_at)
        .join(Survey, Survey.id == Invitation.survey_id)
        .outerjoin(Answer, Answer.invitation_id == Invitation.id)
        .where(
            Invitation.workspace_id == contact.workspace_id,
            Invitation.state.in_(COUNTED),
            or_(Invitation.contact_id == contact.id, Invitation.address_key.in_(keys)),
        )
    )
    if not sandbox_on:
        query = query.where(Invitation.sandbox.is_(False))
    found = session.execute(query.order_by(at.desc()).limit(MOST))
    return [Ask(*row) for row in found]


def until(person: Person, moment: datetime) -> Person:
    """The same person before a moment: what was asked and answered later was not known then."""
    return replace(
        person,
        asks=tuple(each for each in person.asks if each.at <= moment),
        answers=tuple(each for each in person.answers if each.at <= moment),
    )
