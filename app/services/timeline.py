"""Everything that happened to one person, newest first, and what did not happen, with the reason.

In a people workspace it knows asks only: reminders go to those who have not answered, so they stay unsaid.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.followups import step_rank
from app.models import (
    Answer,
    AnswerEdit,
    Contact,
    FollowUp,
    FollowUpEvent,
    Invitation,
    Message,
    Survey,
)
from app.runtime import Runtime
from app.services import contact_rows, opt_outs
from app.services.access import Visitor
from app.services.paging import Page, cursor_at, place_of

PAGE = 40  # some years of a person who is asked every quarter
MOST = 1_000  # rows of one kind that are looked at; nobody honest has as many

_PULSE_STATES = {
    "answered": "sent",
    "expired": "sent",
}  # answering must leave no trace, wherever it came from


@dataclass(frozen=True)
class Moment:
    """`rank` orders what happened at the same time: the cause before what came of it."""

    at: datetime
    id: str
    kind: ClassVar[str]
    rank: ClassVar[int]


@dataclass(frozen=True)
class Added(Moment):
    """They came in, by hand, file or API."""

    source: str | None
    lawful_basis: str
    kind: ClassVar[str] = "added"
    rank: ClassVar[int] = 0


@dataclass(frozen=True)
class Asked(Moment):
    """A question went out, or is about to, or did not arrive: `state` says."""

    survey: str
    metric: str
    channel: str | None
    state: str
    reason: str | None
    sandbox: bool
    kind: ClassVar[str] = "asked"
    rank: ClassVar[int] = 10


@dataclass(frozen=True)
class HeldBack(Moment):
    """They were not asked, and why."""

    survey: str
    metric: str
    reason: str | None
    until: datetime | None
    kind: ClassVar[str] = "held_back"
    rank: ClassVar[int] = 10


@dataclass(frozen=True)
class Reminded(Moment):
    """The question again, because no answer had come."""

    survey: str
    metric: str
    channel: str
    state: str
    reason: str | None
    kind: ClassVar[str] = "reminded"
    rank: ClassVar[int] = 20


@dataclass(frozen=True)
class Answered(Moment):
    """What they said; `score` and `band` as they stand now."""

    survey: str
    metric: str
    channel: str
    score: int
    band: str
    comment: str | None
    locale: str
    contact_me: bool
    counted: bool
    sandbox: bool
    kind: ClassVar[str] = "answered"
    rank: ClassVar[int] = 30


@dataclass(frozen=True)
class Changed(Moment):
    """They changed their answer; `score` is what it was before."""

    metric: str
    score: int
    band: str
    kind: ClassVar[str] = "changed"
    rank: ClassVar[int] = 40


@dataclass(frozen=True)
class FollowedUp(Moment):
    """A step of a follow-up: opened, claimed, assigned, noted, contacted, replied, closed, reopened."""

    followup: str
    step: str
    actor: str | None
    text: str | None
    kind: ClassVar[str] = "followed_up"
    rank: ClassVar[int] = 50


@dataclass(frozen=True)
class OptedOut(Moment):
    """From here on they are not asked: their own wish, a bounce, a legal block."""

    cause: str
    origin: str
    by_person: bool
    channel: str | None
    kind: ClassVar[str] = "opted_out"
    rank: ClassVar[int] = 60


@dataclass(frozen=True)
class OptedIn(Moment):
    """They said that they may be asked again, and how we know."""

    evidence: str | None
    kind: ClassVar[str] = "opted_in"
    rank: ClassVar[int] = 70


def timeline(
    runtime: Runtime, who: Visitor, contact_id: str, cursor: str | None = None, limit: int = PAGE
) -> Page[Moment]:
    """One page of a contact's timeline. Raises NotFound."""
    with runtime.db.read() as session:
        return page(session, who, contact_rows.load(session, who, contact_id), cursor, limit)


def page(
    session: Session, who: Visitor, contact: Contact, cursor: str | None = None, limit: int = PAGE
) -> Page[Moment]:
    """The step of `timeline`."""
    moments = sorted(_all(session, who, contact), key=_place, reverse=True)
    if cursor:
        after = place_of(cursor, datetime, int, str)
        moments = [moment for moment in moments if _place(moment) < after]
    more = cursor_at(_place(moments[limit - 1])) if len(moments) > limit else None
    return Page(tuple(moments[:limit]), more)


def _place(moment: Moment) -> tuple[datetime, int, str]:
    step = step_rank(moment.step) if isinstance(moment, FollowedUp) else 0
    return moment.at, moment.rank + step, moment.id


def _all(session: Session, who: Visitor, contact: Contact) -> Iterator[Moment]:
    yield Added(contact.created_at, contact.id, contact.source, contact.lawful_basis)
    yield from _asks(session, who, contact)
    yield from _opt_outs(session, contact)
    if not who.is_people:
        yield from _reminders(session, contact)
        yield from _answers(session, contact)
        yield from _changes(session, contact)
        yield from _followups(session, contact)


def _asks(session: Session, who: Visitor, contact: Contact) -> Iterator[Moment]:
    query = (
        select(Invitation, Survey.name)
        .join(Survey, Survey.id == Invitation.survey_id)
        .where(Invitation.contact_id == contact.id)
        .order_by(Invitation.created_at.desc())
        .limit(MOST)
    )
    for row, survey in session.execute(query):
        if row.state == "skipped":
            yield HeldBack(row.created_at, row.id, survey, row.metric, row.reason, row.until)
            continue
        state = _PULSE_STATES.get(row.state, row.state) if who.is_people else row.state
        at = row.sent_at or row.created_at
        yield Asked(at, row.id, survey, row.metric, row.channel, state, row.reason, row.sandbox)


def _reminders(session: Session, contact: Contact) -> Iterator[Moment]:
    query = (
        select(Message, Invitation.metric, Survey.name)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Survey, Survey.id == Invitation.survey_id)
        .where(Message.contact_id == contact.id, Message.purpose == "reminder")
        .order_by(Message.created_at.desc())
        .limit(MOST)
    )
    for row, metric, survey in session.execute(query):
        at = row.sent_at or row.created_at
        yield Reminded(at, row.id, survey, metric, row.channel, row.state, row.reason)


def _answers(session: Session, contact: Contact) -> Iterator[Moment]:
    query = (
        select(Answer, Survey.name, Invitation.locale)
        .join(Survey, Survey.id == Answer.survey_id)
        .join(Invitation, Invitation.id == Answer.invitation_id)
        .where(Answer.contact_id == contact.id)
        .order_by(Answer.recorded_at.desc())
        .limit(MOST)
    )
    for row, survey, locale in session.execute(query):
        yield Answered(
            at=row.recorded_at,
            id=row.id,
            survey=survey,
            metric=row.metric,
            channel=row.channel,
            score=row.score,
            band=row.band,
            comment=row.comment,
            locale=locale,
            contact_me=row.contact_me,
            counted=not (row.suspect or row.late),
            sandbox=row.sandbox,
        )


def _changes(session: Session, contact: Contact) -> Iterator[Moment]:
    query = (
        select(AnswerEdit, Answer.metric)
        .join(Answer, Answer.id == AnswerEdit.answer_id)
        .where(Answer.contact_id == contact.id, AnswerEdit.late.is_(False))
        .order_by(AnswerEdit.replaced_at.desc())
        .limit(MOST)
    )
    for row, metric in session.execute(query):
        yield Changed(row.replaced_at, row.id, metric, row.score, row.band)


def _followups(session: Session, contact: Contact) -> Iterator[Moment]:
    query = (
        select(FollowUpEvent)
        .join(FollowUp, FollowUp.id == FollowUpEvent.followup_id)
        .where(FollowUp.contact_id == contact.id, FollowUpEvent.kind != "edited")  # Changed says it already
        .order_by(FollowUpEvent.at.desc())
        .limit(MOST)
    )
    for row in session.scalars(query):
        yield FollowedUp(row.at, row.id, row.followup_id, row.kind, row.actor, row.text)


def _opt_outs(session: Session, contact: Contact) -> Iterator[Moment]:
    for each in opt_outs.standings(session, contact):
        yield OptedOut(each.since, each.id, each.kind, each.origin, each.by_person, each.channel)
        if each.lifted_at is not None:
            yield OptedIn(each.lifted_at, each.id, each.evidence)
