"""One follow-up with everything that somebody needs who is about to answer: person, words, history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.domain.followups import Clock, State, clock, step_rank
from app.domain.placeholders import fill, first_name, parse, values_for
from app.domain.survey_texts import SurveyTexts, choose_locale
from app.errors import NotFound
from app.models import (
    Answer,
    AnswerEdit,
    Contact,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    Invitation,
    Member,
    Message,
    SurveyVersion,
    User,
    Workspace,
)
from app.runtime import Runtime
from app.services import opt_outs, reply_ways
from app.services.access import Visitor
from app.services.asking_again import WAIT, Again, became
from app.services.followup_opening import calendar_of
from app.services.followup_rows import Record, records, records_query
from app.services.unsent_replies import MADE_UP_FOR

EARLIER = 4  # scores of the same person: enough to see whether this one is news
CAUSES = 30  # that were used before, beside the workspace's own list


@dataclass(frozen=True)
class Entry:
    """One thing in the conversation. `kind`: invitation, reminder, score, comment, reply or an event's."""

    at: datetime
    kind: str
    author: str | None = None
    is_mine: bool = False
    text: str | None = None
    state: str | None = None  # of a message
    reason: str | None = None  # why a message did not leave
    score: int | None = None
    band: str | None = None
    is_unsent: bool = False  # our words failed, and nothing was done about it since


@dataclass(frozen=True)
class Earlier:
    """What the same person answered before to the same question."""

    at: datetime
    score: int
    band: str


@dataclass(frozen=True)
class Worker:
    """A member who may take it."""

    id: str
    name: str


@dataclass(frozen=True)
class Person:
    """Who waits. `unreachable` says why no reply can be sent: no_address or erased."""

    id: str
    name: str
    first_name: str
    email: str | None
    locale: str | None
    time_zone: str | None
    company: str | None
    attributes: dict[str, Any]
    bounced: bool
    unreachable: Literal["no_address", "erased"] | None
    reply_channel: str  # on which our words reach them


@dataclass(frozen=True)
class Closing:
    """The closure that stands."""

    by: str | None
    at: datetime
    summary: str
    root_cause: str
    asks_again_at: datetime | None
    again: Again | None  # what became of it


@dataclass(frozen=True)
class Sheet:
    """The page of one follow-up. `is_mine`: the visitor has it."""

    record: Record
    clock: Clock | None
    now: datetime
    time_zone: str
    is_mine: bool
    person: Person
    wants_contact: bool
    conversation: tuple[Entry, ...]
    earlier: tuple[Earlier, ...]
    workers: tuple[Worker, ...]
    root_causes: tuple[str, ...]
    closing: Closing | None
    reply_to: str | None


def detail(runtime: Runtime, who: Visitor, id: str) -> Sheet:
    """The page of one follow-up. Raises NotFound."""
    now = runtime.clock()
    with runtime.db.read() as session:
        row = session.execute(records_query(who).where(FollowUp.id == id)).one_or_none()
        if row is None:
            raise NotFound
        (record,) = records([row])
        contact, answer = row[1], row[2]
        workspace = session.get_one(Workspace, who.workspace_id)
        entries = [*_events(session, who, id)]
        if answer is not None:
            # Within one moment: the question, the answer, what came of it
            entries = [
                *_asked(session, answer, contact, workspace),
                *_answered(session, answer, record),
                *entries,
            ]
        return Sheet(
            record=record,
            clock=clock(record.moments, now, calendar_of(workspace)),
            now=now,
            time_zone=workspace.time_zone,
            is_mine=who.member_id is not None and record.assignee_id == who.member_id,
            person=_person(session, runtime, record, contact),
            wants_contact=answer is not None and answer.contact_me,
            conversation=tuple(sorted(entries, key=lambda entry: entry.at)),
            earlier=_earlier(session, answer),
            workers=_workers(session, who),
            root_causes=_root_causes(session, workspace),
            closing=_closing(session, record),
            reply_to=workspace.reply_to,
        )


def _person(session: Session, runtime: Runtime, record: Record, contact: Contact) -> Person:
    way = reply_ways.way_to(session, runtime, contact, record.answer_id)
    bounced = select(opt_outs.is_bounced()).select_from(Contact).where(Contact.id == contact.id)
    return Person(
        id=contact.id,
        name=record.contact_name,
        first_name=first_name(contact.name) or record.contact_name,
        email=contact.email,
        locale=contact.locale,
        time_zone=contact.time_zone,
        company=record.company,
        attributes=dict(contact.attributes),
        bounced=way is not None and way.channel == "email" and bool(session.scalar(bounced)),
        unreachable="erased" if contact.erased_at else (None if way else "no_address"),
        reply_channel=way.channel if way else "email",
    )


def _asked(session: Session, answer: Answer, contact: Contact, workspace: Workspace) -> Iterator[Entry]:
    """The question as it was asked, once for each message that left."""
    invitation = session.get_one(Invitation, answer.invitation_id)
    version = session.get_one(SurveyVersion, answer.version_id)
    texts = SurveyTexts.from_json(version.texts[choose_locale(version.texts, invitation.locale)])
    words = values_for(workspace.name, contact.name, answer.attributes)
    question = fill(parse(texts.question), words) if texts.question else ""
    asked = (
        select(Message)
        .where(Message.invitation_id == invitation.id, Message.sent_at.is_not(None))
        .order_by(Message.sent_at)
    )
    for message in session.scalars(asked):
        assert message.sent_at is not None
        yield Entry(message.sent_at, message.purpose, text=question, state=message.state)


def _answered(session: Session, answer: Answer, record: Record) -> Iterator[Entry]:
    """The first score and the words that stand; changes of the score are events."""
    first = session.scalars(
        select(AnswerEdit)
        .where(AnswerEdit.answer_id == answer.id, AnswerEdit.late.is_(False))
        .order_by(AnswerEdit.replaced_at)
        .limit(1)
    ).first()
    said = first or answer
    yield Entry(answer.recorded_at, "score", record.contact_name, score=said.score, band=said.band)
    if answer.comment:
        yield Entry(answer.updated_at, "comment", record.contact_name, text=answer.comment)


def _events(session: Session, who: Visitor, id: str) -> Iterator[Entry]:
    query = (
        select(FollowUpEvent, Message.state, Message.reason)
        .outerjoin(Message, Message.id == FollowUpEvent.message_id)
        .where(FollowUpEvent.followup_id == id)
    )
    rows = session.execute(query).all()
    for event, state, reason in sorted(rows, key=lambda row: (row[0].at, step_rank(row[0].kind))):
        tried = event.kind == "replied" and state == "failed" and event.text is not None
        mine = event.member_id is not None and event.member_id == who.member_id
        kind = "reply" if event.kind == "replied" else event.kind
        yield Entry(
            event.at, kind, event.actor, mine, event.text, state, reason,
            is_unsent=tried and not any(row[0].kind in MADE_UP_FOR and row[0].at > event.at for row in rows),
        )  # fmt: skip


def _earlier(session: Session, answer: Answer | None) -> tuple[Earlier, ...]:
    if answer is None:
        return ()
    query = (
        select(Answer.recorded_at, Answer.score, Answer.band)
        .where(
            Answer.contact_id == answer.contact_id,
            Answer.metric == answer.metric,
            Answer.recorded_at < answer.recorded_at,
            Answer.suspect.is_(False),
            Answer.late.is_(False),
            Answer.sandbox.is_(answer.sandbox),
        )
        .order_by(Answer.recorded_at.desc())
        .limit(EARLIER)
    )
    return tuple(Earlier(at, score, band) for at, score, band in session.execute(query))


def _workers(session: Session, who: Visitor) -> tuple[Worker, ...]:
    query = (
        select(Member.id, User.name, Member.role)
        .join(User, User.id == Member.user_id)
        .where(Member.workspace_id == who.workspace_id)
    )
    able = [(id, name) for id, name, role in session.execute(query) if Role(role).reaches(Role.AGENT)]
    return tuple(Worker(id, name) for id, name in sorted(able, key=lambda worker: worker[1].casefold()))


def _root_causes(session: Session, workspace: Workspace) -> tuple[str, ...]:
    """The workspace's list, then what was written before, the latest first."""
    used = session.scalars(
        select(FollowUpClosure.root_cause)
        .where(FollowUpClosure.workspace_id == workspace.id)
        .order_by(FollowUpClosure.closed_at.desc())
        .limit(200)
    )
    return tuple(dict.fromkeys([*workspace.root_causes, *used]))[:CAUSES]


def _closing(session: Session, record: Record) -> Closing | None:
    if record.state is not State.CLOSED:
        return None
    standing = FollowUpClosure.followup_id == record.id, FollowUpClosure.reopened_at.is_(None)
    row = session.scalars(select(FollowUpClosure).where(*standing)).first()
    if row is None:
        return None
    return Closing(
        by=row.closed_by,
        at=row.closed_at,
        summary=row.summary,
        root_cause=row.root_cause,
        asks_again_at=row.closed_at + WAIT if row.ask_again else None,
        again=became(session, row.id),
    )
