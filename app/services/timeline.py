"""Everything that happened to one person, newest first, and what did not happen, with the reason.

In a people workspace it knows asks only: reminders go to those who have not answered, so they stay unsaid.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from app.domain.followups import step_rank
from app.domain.looks import NOT_RUN, rests_on
from app.models import (
    Answer,
    AnswerEdit,
    Contact,
    FollowUp,
    FollowUpEvent,
    Invitation,
    Message,
    Occurrence,
    Survey,
    Workspace,
)
from app.runtime import Runtime
from app.services import contact_rows, opt_outs, other_ways, person_facts, timeline_talks
from app.services.access import Visitor
from app.services.asking_terms import COUNTED, rest_of
from app.services.paging import Page, cursor_at, place_of
from app.services.timeline_moments import (
    Added,
    Answered,
    Asked,
    Changed,
    FollowedUp,
    HeldBack,
    Moment,
    OptedIn,
    OptedOut,
    Reminded,
)

PAGE = 40  # some years of a person who is asked every quarter
MOST = 1_000  # rows of one kind that are looked at; nobody honest has as many

_PULSE_STATES = {
    "answered": "sent",
    "expired": "sent",
}  # answering must leave no trace, wherever it came from


def timeline(
    runtime: Runtime, who: Visitor, contact_id: str, cursor: str | None = None, limit: int = PAGE
) -> Page[Moment]:
    """One page of a contact's timeline. Raises NotFound."""
    with runtime.db.read() as session:
        contact = contact_rows.load(session, who, contact_id)
        return page(session, who, contact, runtime.clock(), cursor=cursor, limit=limit)


def page(
    session: Session,
    who: Visitor,
    contact: Contact,
    now: datetime,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Moment]:
    """The step of `timeline`."""
    moments = sorted(_all(session, who, contact, now), key=_place, reverse=True)
    if cursor:
        after = place_of(cursor, datetime, int, str)
        moments = [moment for moment in moments if _place(moment) < after]
    more = cursor_at(_place(moments[limit - 1])) if len(moments) > limit else None
    return Page(tuple(moments[:limit]), more)


def _place(moment: Moment) -> tuple[datetime, int, str]:
    step = step_rank(moment.step) if isinstance(moment, FollowedUp) else 0
    return moment.at, moment.rank + step, moment.id


def _all(session: Session, who: Visitor, contact: Contact, now: datetime) -> Iterator[Moment]:
    yield Added(contact.created_at, contact.id, contact.source, contact.lawful_basis)
    yield from _asks(session, who, contact, now)
    yield from other_ways.reroutings(session, contact, MOST)
    yield from _never_begun(session, contact)
    yield from _opt_outs(session, contact)
    if not who.is_people:
        yield from _reminders(session, contact)
        yield from timeline_talks.of(session, contact)
        yield from _answers(session, contact)
        yield from _changes(session, contact)
        yield from _followups(session, contact)


def _asks(session: Session, who: Visitor, contact: Contact, now: datetime) -> Iterator[Moment]:
    query = (
        select(Invitation, Survey.name)
        .join(Survey, Survey.id == Invitation.survey_id)
        .where(Invitation.contact_id == contact.id)
        .order_by(Invitation.created_at.desc())
        .limit(MOST)
    )
    asks = person_facts.asks_of(session, contact, now, sandbox_on=True)
    workspace = session.get_one(Workspace, contact.workspace_id)
    for row, survey in session.execute(query):
        if row.state == "skipped":
            rest = rest_of(workspace, row.metric)
            ask = rests_on(asks, row.metric, rest, row.created_at) if row.reason == "resting" else None
            yield HeldBack(row.created_at, row.id, survey, row.metric, row.reason, row.until, ask)
            continue
        state = _PULSE_STATES.get(row.state, row.state) if who.is_people else row.state
        at = row.sent_at or row.created_at
        yield Asked(at, row.id, survey, row.metric, row.channel, state, row.reason, row.sandbox)


def _never_begun(session: Session, contact: Contact) -> Iterator[Moment]:
    """Questions that were to come to them and did not: after an event, or after one that they were asked."""
    theirs = Invitation.contact_id == contact.id
    before = select(Invitation.occurrence_id).where(theirs, Invitation.state.in_(COUNTED))
    decided = select(Invitation.id).where(theirs, Invitation.occurrence_id == Occurrence.id)
    alone = select(Occurrence.id).where(Occurrence.contact_id == contact.id)
    follows = select(Occurrence.id).where(Occurrence.after_id.in_(before))
    either = union(alone, follows).subquery()  # each by its index
    query = (
        select(Occurrence, Survey.name, Survey.metric)
        .join(Survey, Survey.id == Occurrence.survey_id)
        .where(Occurrence.id.in_(select(either.c[0])))
        .where(Occurrence.state.in_(NOT_RUN), ~decided.exists())
        .order_by(Occurrence.due_at.desc())
        .limit(MOST)
    )
    for row, survey, metric in session.execute(query):
        yield HeldBack(row.ended_at or row.due_at, row.id, survey, metric, row.reason, None)


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
        select(FollowUpEvent, Message.channel)
        .join(FollowUp, FollowUp.id == FollowUpEvent.followup_id)
        .outerjoin(Message, Message.id == FollowUpEvent.message_id)
        .where(FollowUp.contact_id == contact.id, FollowUpEvent.kind != "edited")  # Changed says it already
        .order_by(FollowUpEvent.at.desc())
        .limit(MOST)
    )
    for row, channel in session.execute(query):
        yield FollowedUp(row.at, row.id, row.followup_id, row.kind, row.actor, row.text, channel)


def _opt_outs(session: Session, contact: Contact) -> Iterator[Moment]:
    for each in opt_outs.standings(session, contact):
        yield OptedOut(each.since, each.id, each.kind, each.origin, each.by_person, each.channel, each.place)
        theirs = each.kind == "bounce" or not each.is_anothers  # a mailbox works for all who have it
        if each.lifted_at is not None and theirs:
            yield OptedIn(each.lifted_at, each.id, each.kind, each.evidence, each.place)
