"""Each kind of data that is kept for a time: how to find what is too old, and what going means for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    AuditRow,
    Contact,
    Event,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    InboundEvent,
    Invitation,
    Message,
    PersonRequest,
    Pulse,
    PulseComment,
    SandboxCopy,
)  # fmt: skip
from app.services import erasure, forgetting

Keys = Sequence[Any]


@dataclass(frozen=True)
class Going:
    """Some of one kind that were found to be older than `before`."""

    workspace_id: str
    keys: Keys
    before: datetime
    now: datetime


@dataclass(frozen=True)
class Kind:
    """`old` finds by `key`, which orders the steps; `step` rows are some ten milliseconds of one writer."""

    key: Any
    old: Callable[[str, datetime], Select[Any]]
    forget: Callable[[Session, Going], None]
    step: int = 50
    first: str | int = ""


def _old_comments(workspace_id: str, before: datetime) -> Select[Any]:
    edited = select(AnswerEdit.id).where(AnswerEdit.answer_id == Answer.id, AnswerEdit.comment.is_not(None))
    has_words = or_(Answer.comment.is_not(None), edited.exists())
    return select(Answer.id).where(Answer.workspace_id == workspace_id, Answer.updated_at < before, has_words)


def _forget_comments(session: Session, going: Going) -> None:
    """`updated_at` moves: whoever copies answers by it learns that the words are gone."""
    session.execute(update(AnswerEdit).where(AnswerEdit.answer_id.in_(going.keys)).values(comment=None))
    session.execute(
        update(Answer).where(Answer.id.in_(going.keys)).values(comment=None, updated_at=going.now)
    )


def _old_pulse_comments(workspace_id: str, before: datetime) -> Select[Any]:
    pulse = Pulse.id == PulseComment.pulse_id, Pulse.workspace_id == workspace_id, Pulse.closed_at < before
    return select(PulseComment.key).where(select(Pulse.id).where(*pulse).exists())


def _forget_pulse_comments(session: Session, going: Going) -> None:
    session.execute(delete(PulseComment).where(PulseComment.key.in_(going.keys)))


def _old_messages(workspace_id: str, before: datetime) -> Select[Any]:
    """Nothing that waits to leave, now or after a pause; nothing of a follow-up or a pulse that is open."""
    still_open = select(FollowUp.id).where(FollowUp.id == Message.followup_id, FollowUp.closed_at.is_(None))
    of_pulse = select(Invitation.id).join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
    in_pulse = of_pulse.where(Invitation.id == Message.invitation_id, Pulse.state == "open")
    in_time = Invitation.expires_at > before  # a pause that nobody ends keeps nothing for ever
    held = select(Invitation.id).where(
        Invitation.id == Message.invitation_id, Invitation.state == "planned", in_time
    )
    to_somebody = or_(Message.to_address != "", _names_their_chat())
    has_words = or_(Message.body.is_not(None), Message.subject.is_not(None), to_somebody)
    over = Message.state.not_in(("queued", "claimed", "attempting")) & ~still_open.exists()
    mine = Message.workspace_id == workspace_id, Message.created_at < before
    return select(Message.id).where(*mine, over, ~in_pulse.exists(), ~held.exists(), has_words)


def _forget_messages(session: Session, going: Going) -> None:
    session.execute(update(Attempt).where(Attempt.message_id.in_(going.keys)).values(detail=None))
    session.execute(delete(SandboxCopy).where(SandboxCopy.message_id.in_(going.keys)))
    words = {"subject": None, "body": None, "detail": None, "to_address": ""}
    session.execute(update(Message).where(Message.id.in_(going.keys)).values(**words))
    in_a_chat = Message.id.in_(going.keys), _names_their_chat()
    session.execute(update(Message).where(*in_a_chat).values(provider_id=None))


def _names_their_chat() -> ColumnElement[bool]:
    """Telegram's name for a message begins with the chat.

    What a member got about a follow-up keeps its own: it is changed there, or replaced when the person goes.
    """
    keeps_it = and_(Message.contact_id.is_(None), Message.followup_id.is_not(None))
    return and_(Message.channel == "telegram", Message.provider_id.is_not(None), ~keeps_it)


def _old_notes(workspace_id: str, before: datetime) -> Select[Any]:
    """What was written about a follow-up that is long closed; who did what, when and why stays."""
    event = FollowUpEvent.followup_id == FollowUp.id, FollowUpEvent.kind.in_(forgetting.WORDS)
    noted = select(FollowUpEvent.id).where(*event, FollowUpEvent.text.is_not(None))
    closure = FollowUpClosure.followup_id == FollowUp.id, FollowUpClosure.summary != ""
    mine = FollowUp.workspace_id == workspace_id, FollowUp.closed_at < before
    told = or_(noted.exists(), select(FollowUpClosure.id).where(*closure).exists())
    return select(FollowUp.id).where(*mine, told)


def _forget_notes(session: Session, going: Going) -> None:
    words = FollowUpEvent.followup_id.in_(going.keys), FollowUpEvent.kind.in_(forgetting.WORDS)
    session.execute(update(FollowUpEvent).where(*words).values(text=None))
    session.execute(
        update(FollowUpClosure).where(FollowUpClosure.followup_id.in_(going.keys)).values(summary="")
    )


def _old_properties(workspace_id: str, before: datetime) -> Select[Any]:
    mine = Event.workspace_id == workspace_id, Event.received_at < before
    return select(Event.id).where(*mine, Event.properties != {})


def _forget_properties(session: Session, going: Going) -> None:
    """That it happened stays, with its id: told again, it is still the same event."""
    session.execute(update(Event).where(Event.id.in_(going.keys)).values(properties={}))


def _old_events(workspace_id: str, before: datetime) -> Select[Any]:
    """What nobody could place belongs to no workspace: the shortest period of all holds for it."""
    mine = or_(InboundEvent.workspace_id == workspace_id, InboundEvent.workspace_id.is_(None))
    over = InboundEvent.state.in_(("done", "set_aside"))
    return select(InboundEvent.id).where(mine, over, InboundEvent.received_at < before)


def _forget_events(session: Session, going: Going) -> None:
    """Row and all: providers no longer list what came so long ago."""
    session.execute(delete(InboundEvent).where(InboundEvent.id.in_(going.keys)))


def _old_copies(workspace_id: str, before: datetime) -> Select[Any]:
    of_message = Message.id == SandboxCopy.message_id, Message.workspace_id == workspace_id
    old = SandboxCopy.arrived_at < before, select(Message.id).where(*of_message).exists()
    return select(SandboxCopy.message_id).where(*old)


def _forget_copies(session: Session, going: Going) -> None:
    session.execute(delete(SandboxCopy).where(SandboxCopy.message_id.in_(going.keys)))


def _old_contacts(workspace_id: str, before: datetime) -> Select[Any]:
    """Put away, and nothing heard or asked since: no ask, no answer, nothing that they or we wait for."""
    asked = select(Invitation.id).where(Invitation.contact_id == Contact.id, Invitation.created_at >= before)
    changed = select(AnswerEdit.id).where(AnswerEdit.answer_id == Answer.id, AnswerEdit.replaced_at >= before)
    heard = or_(Answer.recorded_at >= before, changed.exists())  # when its words went tells nothing of them
    answered = select(Answer.id).where(Answer.contact_id == Contact.id, heard)
    waiting = select(FollowUp.id).where(FollowUp.contact_id == Contact.id, FollowUp.closed_at.is_(None))
    owed = select(PersonRequest.id).where(
        PersonRequest.contact_id == Contact.id, PersonRequest.done_at.is_(None)
    )
    return select(Contact.id).where(
        Contact.workspace_id == workspace_id, Contact.active.is_(False), Contact.erased_at.is_(None),
        Contact.updated_at < before, ~asked.exists(), ~answered.exists(), ~waiting.exists(),
        ~owed.exists(),
    )  # fmt: skip


def _forget_contacts(session: Session, going: Going) -> None:
    """Held, and then looked at again: somebody may just have taken them back, or have heard of them."""
    held = erasure.hold(session, going.keys)
    found = _old_contacts(going.workspace_id, going.before).where(Contact.id.in_([each.id for each in held]))
    still = set(session.scalars(found))
    for contact in held:
        if contact.id in still:
            erasure.forget(session, contact, going.now, asked_at=None)


def _old_payloads(workspace_id: str, before: datetime) -> Select[Any]:
    return select(AuditRow.number).where(
        AuditRow.chain == workspace_id, AuditRow.at < before, AuditRow.salt.is_not(None)
    )


def _forget_payloads(session: Session, going: Going) -> None:
    these = AuditRow.chain == going.workspace_id, AuditRow.number.in_(going.keys)
    session.execute(update(AuditRow).where(*these).values(payload=None, salt=None))


KINDS: Mapping[str, tuple[Kind, ...]] = {
    "comments": (
        Kind(Answer.id, _old_comments, _forget_comments),
        Kind(PulseComment.key, _old_pulse_comments, _forget_pulse_comments),
    ),
    "messages": (Kind(Message.id, _old_messages, _forget_messages),),
    "notes": (Kind(FollowUp.id, _old_notes, _forget_notes),),
    "events": (Kind(Event.id, _old_properties, _forget_properties),),
    "inbound": (Kind(InboundEvent.id, _old_events, _forget_events),),
    "sandbox": (Kind(SandboxCopy.message_id, _old_copies, _forget_copies),),
    "contacts": (Kind(Contact.id, _old_contacts, _forget_contacts, step=1),),
    "audit": (Kind(AuditRow.number, _old_payloads, _forget_payloads, first=0),),
}
