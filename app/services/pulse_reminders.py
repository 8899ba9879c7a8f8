"""Reminding those who have not answered yet, once; and forgetting at closing who they were."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, delete, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed, is_postgresql
from app.domain.pulse_reminders import (
    REMIND_AFTER,
    Questions,
    latest_question,
    may_still_leave,
    remind_at,
)
from app.models import (
    Attempt,
    Contact,
    Invitation,
    Message,
    Occurrence,
    Pulse,
    SandboxCopy,
    SealedAnswer,
    Token,
    new_id,
)
from app.runtime import Runtime
from app.services import settling, unsent
from app.services.asking_terms import ABOUT_TO_LEAVE
from app.services.outbox import USUAL

ASKED = ("sent", "delivered", "unknown")


@dataclass(frozen=True)
class Reminder:
    """What a pulse's page tells of its one reminder, before and after; never to how many it goes."""

    at: datetime | None  # when it goes, or went; None while that is not known, or where there is none
    is_possible: bool
    late: int  # people whose question left too late for it, or will


def remind_pulses(runtime: Runtime) -> int:
    """Remind once, three days after the last question of a pulse that left in time. How many pulses it was.

    Never how many people: in the worker's log that would tell how many have answered.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        due = _due(session, now)
    for pulse_id in due:
        with runtime.db.write() as session:
            _remind(session, runtime, pulse_id, now)
            runtime.reach("pulse_reminders_before_commit")
    return len(due)


def told(session: Session, pulse: Pulse, now: datetime) -> Reminder:
    """A step: when an open pulse reminds, and whom it cannot."""
    questions, until = _questions(session, pulse), latest_question(pulse.closes_at)
    at = pulse.reminded_at or remind_at(questions, pulse.closes_at, now)
    may_leave = may_still_leave(questions, pulse.closes_at, now)
    if pulse.reminded_at is not None:
        until, may_leave = pulse.reminded_at - REMIND_AFTER, False
    left_late = and_(Invitation.state.in_(ASKED), Invitation.sent_at > until)
    late = left_late if may_leave else or_(left_late, Invitation.state.in_(ABOUT_TO_LEAVE))
    number = select(func.count()).where(Invitation.occurrence_id == pulse.occurrence_id, late)
    return Reminder(at, is_possible=at is not None or may_leave, late=session.scalar(number) or 0)


def _due(session: Session, now: datetime, *, perhaps: bool = False) -> list[str]:
    open_ones = select(Pulse).where(Pulse.state == "open", Pulse.reminded_at.is_(None), Pulse.closes_at > now)
    moments = [
        (each.id, remind_at(_questions(session, each, perhaps=perhaps), each.closes_at, now))
        for each in session.scalars(open_ones).all()
    ]
    return [id for id, at in moments if at is not None and at <= now]


def _questions(session: Session, pulse: Pulse, *, perhaps: bool = False) -> Questions:
    """`perhaps`: those of unknown end have left as they were tried, and nobody waits to hear of them."""
    asked = (*ASKED, "sending") if perhaps else ASKED
    left = settling.perhaps_left() if perhaps else Invitation.sent_at
    waiting = unsent.WAITING if perhaps else ABOUT_TO_LEAVE
    its = Invitation.occurrence_id == pulse.occurrence_id
    in_time = its, Invitation.state.in_(asked), left <= latest_question(pulse.closes_at)
    last = select(func.max(left, type_=Invitation.created_at.type)).where(*in_time)
    wait = select(Invitation.id).where(its, Invitation.state.in_(waiting)).limit(1)
    still_opens = (
        session.get_one(Occurrence, pulse.occurrence_id).state == "running"
    )  # some are not asked yet
    return Questions(session.scalar(last), still_opens or session.scalar(wait) is not None)


def give_up(session: Session, now: datetime) -> int:
    """A step: the reminders that were due by now, or may have been, are none any more, as if they had been
    made. How many."""
    due = _due(session, now, perhaps=True)
    giving_up = update(Pulse).where(Pulse.id.in_(due)).values(reminded_at=now)
    return changed(session, giving_up.execution_options(synchronize_session=False))


def _remind(session: Session, runtime: Runtime, pulse_id: str, now: datetime) -> None:
    """One reminder for everybody who was asked and has no box; the mark on the pulse makes it one."""
    marked = session.scalars(
        update(Pulse)
        .where(Pulse.id == pulse_id, Pulse.state == "open", Pulse.reminded_at.is_(None))
        .values(reminded_at=now)
        .returning(Pulse.occurrence_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if marked is None:
        return
    mark_all(session, marked)
    silent = session.execute(
        select(Message)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Contact, Contact.id == Message.contact_id)
        .where(
            Invitation.occurrence_id == marked,
            Contact.erased_at.is_(None),
            Invitation.state.in_(ASKED),
            Invitation.sent_at <= now - REMIND_AFTER,  # whoever was asked later has no time for one
            Message.purpose == "invitation",
            Message.state.in_(ASKED),
            Invitation.id.not_in(select(SealedAnswer.invitation_id).where(SealedAnswer.pulse_id == pulse_id)),
            or_(Invitation.sandbox.is_(False), literal(runtime.config.sandbox_on)),
        )
        .order_by(Invitation.id)
    ).scalars()
    reminders = [_reminder(message, now) for message in silent]
    if reminders:
        session.execute(insert(Message), reminders)


def mark_all(session: Session, occurrence_id: str) -> None:
    """A step, after the pulse is ours: the rows of everybody who was asked carry this transaction alike.

    A reminder points to its person and invitation, and PostgreSQL notes in the rows that are pointed to who
    locked them last: else those would be the silent.
    """
    if not is_postgresql(session):
        return
    asked = (
        select(Contact.id)
        .join(Invitation, Invitation.contact_id == Contact.id)
        .where(Invitation.occurrence_id == occurrence_id)
        .order_by(Contact.id)
    )
    shared = asked.with_for_update(read=True, key_share=True, of=(Contact, Invitation))
    session.execute(shared).all()


def _reminder(original: Message, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "workspace_id": original.workspace_id,
        "purpose": "reminder",
        "priority": USUAL,
        "channel": original.channel,
        "invitation_id": original.invitation_id,
        "contact_id": original.contact_id,
        "to_address": original.to_address,
        "address_key": original.address_key,
        "locale": original.locale,
        "state": "queued",
        "due_at": now,
        "created_at": now,
    }


def of_closed(session: Session, invitation_ids: Collection[str | None]) -> set[str]:
    """A step, before a person is held: whose pulse is closed among these invitations of reminders.

    The others' stays open until the transaction ends. Once it is closed a reminder is no longer there: what
    becomes of one that was in hand is nobody's to know, and holding its person would say who was silent.
    """
    if not invitation_ids:
        return set()
    query = (
        select(Invitation.id, Pulse.state)
        .join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
        .where(Invitation.id.in_(invitation_ids))
        .order_by(Pulse.id)
        .with_for_update(read=True, key_share=True, of=Pulse)
    )
    return {id for id, state in session.execute(query) if state != "open"}


def dated(session: Session, message_id: str, now: datetime) -> datetime:
    """A step: the moment that stands on what this message's failure leaves behind.

    A pulse's reminder goes to the silent alone: what becomes of one is told as of the pulse's first moment.
    """
    opened_at = (
        select(Pulse.opened_at)
        .join(Invitation, Invitation.occurrence_id == Pulse.occurrence_id)
        .join(Message, Message.invitation_id == Invitation.id)
        .where(Message.id == message_id, Message.purpose == "reminder")
    )
    return session.scalar(opened_at) or now


def forget_reminders(session: Session, pulse: Pulse) -> None:
    """A step of closing: remove the reminders, which tell who had not answered by then.

    The way out in each of those mails must go on working, so its token moves to the invitation's own message.
    Everybody else gets a token that opens nothing: so nobody can tell whose were moved.
    """
    reminders = _messages(pulse, "reminder")
    if session.execute(reminders.limit(1)).first() is None:
        return
    ways_out = _ways_out(session, pulse)
    for table in (Token, Attempt, SandboxCopy):
        session.execute(delete(table).where(table.message_id.in_(reminders)))
    session.execute(delete(Message).where(Message.id.in_(reminders)))
    moved = sorted(
        (ways_out.get(invitation_id) or secrets.token_bytes(32), message_id, invitation_id)
        for message_id, invitation_id in _originals(session, pulse)
    )
    session.execute(
        insert(Token),
        [
            {
                "token_hash": token_hash,
                "purpose": "unsubscribe",
                "workspace_id": pulse.workspace_id,
                "message_id": message_id,
                "invitation_id": invitation_id,
                "created_at": pulse.opened_at,
            }
            for token_hash, message_id, invitation_id in moved
        ],
    )


def _messages(pulse: Pulse, purpose: str) -> Select[str]:
    invitations = select(Invitation.id).where(Invitation.occurrence_id == pulse.occurrence_id)
    return select(Message.id).where(Message.purpose == purpose, Message.invitation_id.in_(invitations))


def _ways_out(session: Session, pulse: Pulse) -> dict[str, bytes]:
    """The unsubscribe token of each reminder, by invitation; of several tries the last, which was sent."""
    rows = session.execute(
        select(Token.invitation_id, Token.token_hash)
        .where(Token.purpose == "unsubscribe", Token.message_id.in_(_messages(pulse, "reminder")))
        .order_by(Token.created_at)
    ).all()
    return {row.invitation_id: row.token_hash for row in rows}


def _originals(session: Session, pulse: Pulse) -> list[tuple[str, str]]:
    """The message of each invitation that has one, and the invitation."""
    rows = session.execute(
        select(Message.id, Invitation.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Message.id.in_(_messages(pulse, "invitation")))
    ).all()
    return [(message_id, invitation_id) for message_id, invitation_id in rows]
