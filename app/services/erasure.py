"""Forgetting a person: what they were goes, that they were counted and must not be asked stays."""

from datetime import datetime

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    ConnectLink,
    Contact,
    ContactImport,
    Conversation,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    ImportPart,
    ImportReject,
    InboundEvent,
    Invitation,
    Message,
    OptOut,
    SandboxCopy,
    Token,
)  # fmt: skip
from app.runtime import Runtime
from app.services import contact_rows, opt_outs
from app.services.access import Visitor
from app.services.followup_opening import leave_event
from app.services.pulse_answers import forget_sealed

# The events whose text is about the person, or theirs
WORDS = ("noted", "contacted", "replied", "closed", "heard")
TOUCHED = (
    "contacts", "answers", "answer_edits", "messages", "attempts", "tokens", "sandbox_copies", "opt_outs",
    "followup_events", "followup_closures", "invitations", "import_parts", "import_rejects",
    "sealed_answers", "inbound_events", "conversations", "connect_links",
)  # fmt: skip


def erase(runtime: Runtime, who: Visitor, id: str) -> None:
    """Remove name, addresses, attributes, comments and stored texts of one person, for good.

    Scores and what was sent stay counted, without words. Keyed hashes of the addresses stay as opt-outs,
    so that a later import does not ask them again. What is queued for them is cancelled. Their box in an open
    pulse goes; what they said in a closed one cannot be found by anybody, and stays counted.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        contact = contact_rows.load(session, who, id, lock=True)
        _remember_not_to_ask(session, contact, now)
        _stop_what_is_queued(session, contact)
        _forget_words(session, contact)
        forget_sealed(session, contact.id)
        _close_followups(session, who, contact, now)
        _forget_person(session, contact, now)
    runtime.db.scrub(*TOUCHED)


def _remember_not_to_ask(session: Session, contact: Contact, now: datetime) -> None:
    keys = (contact.email_key, contact.phone_key, contact.telegram_key)
    if any(keys):
        opt_outs.record(
            session, contact.workspace_id, contact.id, keys, kind="erasure", origin="erasure", now=now
        )
    session.execute(update(OptOut).where(OptOut.contact_id == contact.id).values(lifted_evidence=None))


def _stop_what_is_queued(session: Session, contact: Contact) -> None:
    """Also what a worker has claimed: without its lease it may not attempt it any more."""
    session.execute(
        update(Message)
        .where(Message.id.in_(_messages(contact)), Message.state.in_(("queued", "claimed")))
        .values(state="cancelled", reason="erased", lease_token=None, lease_until=None)
    )
    session.execute(
        update(Invitation)
        .where(Invitation.contact_id == contact.id, Invitation.state.in_(("planned", "queued")))
        .values(state="cancelled", reason="erased", until=None)
    )


def _forget_words(session: Session, contact: Contact) -> None:
    """What they said and what was said to them or about them; states and scores stay."""
    answers = select(Answer.id).where(Answer.contact_id == contact.id)
    session.execute(update(AnswerEdit).where(AnswerEdit.answer_id.in_(answers)).values(comment=None))
    session.execute(update(Answer).where(Answer.contact_id == contact.id).values(comment=None, attributes={}))
    messages = _messages(contact)
    session.execute(delete(SandboxCopy).where(SandboxCopy.message_id.in_(messages)))
    session.execute(delete(Token).where(Token.message_id.in_(messages)))
    session.execute(update(Attempt).where(Attempt.message_id.in_(messages)).values(detail=None))
    session.execute(
        update(Message).where(Message.id.in_(messages)).values(subject=None, body=None, detail=None)
    )
    to_them = Message.contact_id == contact.id  # alerts keep the address of the member who got them
    session.execute(update(Message).where(to_them).values(to_address="", address_key=None))
    session.execute(update(Invitation).where(Invitation.contact_id == contact.id).values(address_key=None))
    # The event's name stays: without it the provider's list would bring the words again
    came = InboundEvent.contact_id == contact.id
    session.execute(update(InboundEvent).where(came).values(payload={}, error=None))
    keys = [key for key in (contact.phone_key, contact.telegram_key) if key]
    session.execute(delete(Conversation).where(Conversation.address_key.in_(keys)))
    session.execute(delete(ConnectLink).where(ConnectLink.contact_id == contact.id))


def _messages(contact: Contact) -> Select[str]:
    """Everything to the person, and what members were sent about their follow-ups."""
    followups = select(FollowUp.id).where(FollowUp.contact_id == contact.id)
    return select(Message.id).where(or_(Message.contact_id == contact.id, Message.followup_id.in_(followups)))


def _close_followups(session: Session, who: Visitor, contact: Contact, now: datetime) -> None:
    """Nobody is left to return to; what was written about them goes with them."""
    all_of_them = select(FollowUp.id).where(FollowUp.contact_id == contact.id)
    session.execute(
        update(FollowUpEvent)
        .where(FollowUpEvent.followup_id.in_(all_of_them), FollowUpEvent.kind.in_(WORDS))
        .values(text=None)
    )
    session.execute(
        update(FollowUpClosure)
        .where(FollowUpClosure.followup_id.in_(all_of_them))
        .values(summary="", ask_again=False)
    )
    still_open = select(FollowUp).where(FollowUp.contact_id == contact.id, FollowUp.closed_at.is_(None))
    for followup in session.scalars(still_open).all():
        followup.closed_at = now
        followup.revision += 1
        leave_event(
            session,
            contact.workspace_id,
            followup.id,
            now,
            "closed",
            actor=who.name,
            member_id=who.member_id,
        )


def _forget_person(session: Session, contact: Contact, now: datetime) -> None:
    contact.name = contact.search_name = ""
    contact.external_id = contact.email = contact.email_key = contact.phone = contact.phone_key = None
    contact.telegram_chat_id = contact.telegram_key = None
    contact.locale = contact.time_zone = contact.source = None
    contact.attributes = {}
    contact.active = False
    contact.revision += 1
    contact.updated_at = contact.erased_at = now
    _forget_files(session, contact.workspace_id, now)


def _forget_files(session: Session, workspace_id: str, now: datetime) -> None:
    """A file that waits, and the rows that an import did not take, may hold the person; they are sent again.

    What is being imported at this moment goes when it is done.
    """
    waits = ContactImport.workspace_id == workspace_id, ContactImport.state != "importing"
    ids = select(ContactImport.id).where(*waits)
    session.execute(delete(ImportPart).where(ImportPart.import_id.in_(ids)))
    session.execute(delete(ImportReject).where(ImportReject.import_id.in_(ids)))
    session.execute(
        update(ContactImport)
        .where(*waits, ContactImport.ended_at.is_(None))
        .values(state="stopped", ended_at=now, lease_token=None, lease_until=None)
    )
