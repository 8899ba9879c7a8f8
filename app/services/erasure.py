"""Forgetting a person: what they were goes, that they were counted and must not be asked stays."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from app.errors import problem
from app.models import (
    Answer,
    AnswerEdit,
    Attempt,
    Complaint,
    ConnectLink,
    ConsentChange,
    Contact,
    ContactImport,
    Conversation,
    Event,
    FollowUp,
    FollowUpClosure,
    FollowUpEvent,
    ImportPart,
    ImportPerson,
    ImportReject,
    InboundEvent,
    Invitation,
    Message,
    OptOut,
    RateWindow,
    SandboxCopy,
    Token,
)  # fmt: skip
from app.runtime import Runtime
from app.services import audit, contact_rows, journal, opt_outs, person_requests, scrubbing
from app.services.access import Visitor
from app.services.chat_addresses import key_of
from app.services.followup_opening import leave_event
from app.services.pulse_answers import forget_sealed, hold_pulses

# The events whose text is about the person, or theirs
WORDS = ("noted", "contacted", "replied", "closed", "heard")
NAMES_IT = ("kind", "sender", "provider_id")  # what stays of an event


def erase(runtime: Runtime, who: Visitor, id: str) -> None:
    """Remove name, addresses, attributes, comments and stored texts of one person, for good.

    Scores and what was sent stay counted, without words. Keyed hashes of the addresses stay as opt-outs,
    so that a later import does not ask them again. What is queued for them is cancelled. Their box in an open
    pulse goes; what they said in a closed one cannot be found by anybody, and stays counted.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        known = contact_rows.load(session, who, id)
        audit.note(session, who, now, "contact.erased", known.id)
        for contact in hold(session, [known.id]):
            forget(session, contact, now, by=who.name, member_id=who.member_id)
    scrubbing.soon(runtime)


def hold(session: Session, ids: Sequence[str]) -> Sequence[Contact]:
    """The step before `forget`: those of these people who are not erased yet, for us alone.

    In the order of all who hold many, and after what others hold already when they come to a person: the
    pulse that reminds them, and what they wrote.
    """
    hold_pulses(session, ids)
    for each in session.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id)).all():
        session.execute(_who_wrote(each).with_only_columns(InboundEvent.id))
    theirs = select(Contact).where(Contact.id.in_(ids), Contact.erased_at.is_(None)).order_by(Contact.id)
    held = theirs.with_for_update().execution_options(populate_existing=True)
    return session.scalars(held).all()


def forget(
    session: Session,
    contact: Contact,
    now: datetime,
    *,
    by: str | None = None,
    member_id: str | None = None,
    asked_for: bool = True,
) -> None:
    """The step of `erase`, of somebody who is held.

    Only an erasure that somebody asked for reaches files that wait: what a file brings of whom we had not
    heard of for years is new, and whoever is mapping it is not disturbed.
    """
    _remember_not_to_ask(session, contact, now)
    _stop_what_is_queued(session, contact)
    _forget_words(session, contact, now)
    _forget_what_came_in(session, contact)
    forget_sealed(session, contact.id)
    _close_followups(session, contact, now, by, member_id)
    _forget_person(contact, now)
    if asked_for:
        _forget_files(session, contact.workspace_id, now)
    audit.forget(session, contact.id)
    person_requests.done(session, contact.id, now)
    journal.erased(session, contact, now)
    scrubbing.ask(session)


def _remember_not_to_ask(session: Session, contact: Contact, now: datetime) -> None:
    """The wish stays, without a word. An opt-in's stand on all that it lifted, also on others' rows."""
    keys = [key for key in (contact.email_key, contact.phone_key, contact.telegram_key) if key]
    if keys:
        opt_outs.record(
            session, contact.workspace_id, contact.id, keys, kind="erasure", origin="erasure", now=now
        )
    theirs, nobodys = OptOut.contact_id == contact.id, OptOut.contact_id.is_(None)
    by_address = OptOut.address_key.in_(keys)
    here = update(OptOut).where(OptOut.workspace_id == contact.workspace_id)
    session.execute(here.where(or_(theirs, by_address)).values(lifted_evidence=None))
    session.execute(here.where(or_(theirs, by_address & nobodys)).values(evidence=None))


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


def _forget_words(session: Session, contact: Contact, now: datetime) -> None:
    """What they said and what was said to them or about them; states and scores stay.

    `updated_at` moves: whoever copies answers by it learns that the words are gone.
    """
    answers = select(Answer.id).where(Answer.contact_id == contact.id)
    session.execute(update(AnswerEdit).where(AnswerEdit.answer_id.in_(answers)).values(comment=None))
    nothing: dict[str, Any] = {"comment": None, "attributes": {}, "updated_at": now}
    session.execute(update(Answer).where(Answer.contact_id == contact.id).values(**nothing))
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
    in_a_chat = to_them & (Message.channel == "telegram")  # where the provider's name for it tells the chat
    session.execute(update(Message).where(in_a_chat).values(provider_id=None))
    session.execute(update(Event).where(Event.contact_id == contact.id).values(properties={}))
    keys = [key for key in (contact.phone_key, contact.telegram_key) if key]
    session.execute(delete(Conversation).where(Conversation.address_key.in_(keys)))
    session.execute(delete(ConnectLink).where(ConnectLink.contact_id == contact.id))
    imports = select(ContactImport.id).where(ContactImport.workspace_id == contact.workspace_id)
    session.execute(
        delete(ImportPerson).where(ImportPerson.import_id.in_(imports), ImportPerson.contact_id == contact.id)
    )
    if contact.telegram_chat_id:  # tries of links are counted by chat
        tries = RateWindow.key.endswith(f":{contact.telegram_chat_id}", autoescape=True)
        session.execute(delete(RateWindow).where(tries))
    theirs = update(Complaint).where(Complaint.contact_id == contact.id)
    session.execute(theirs.values(name=Complaint.id))  # others' words for it may say who it was
    log = update(ConsentChange).where(ConsentChange.contact_id == contact.id)
    session.execute(log.values(source=None, evidence=None))


def _forget_what_came_in(session: Session, contact: Contact) -> None:
    """Also what nobody has placed yet. Each event's name stays: else the provider would bring it again."""
    for row in session.scalars(_who_wrote(contact)).all():
        if row.address_key is None and not _is_theirs(session, row, contact):
            continue
        row.payload = {name: row.payload[name] for name in NAMES_IT if name in row.payload}
        row.error, row.state, row.address_key = None, "done", ""


def _who_wrote(contact: Contact) -> Select[InboundEvent]:
    """What is known to be theirs, or came from their address and is not known to be anybody's elsewhere."""
    keys = [key for key in (contact.phone_key, contact.telegram_key) if key]
    from_there = [InboundEvent.address_key.in_(keys)]
    # Of before the keys were kept (they go after 90 days): a number may have come without its ninth digit
    unkeyed, said = InboundEvent.address_key.is_(None), InboundEvent.payload["address"].as_string()
    if contact.phone:
        from_there.append(unkeyed & said.endswith(contact.phone[-8:]))
    if contact.telegram_chat_id:
        from_there.append(unkeyed & (said == contact.telegram_chat_id))
    here = or_(InboundEvent.workspace_id.is_(None), InboundEvent.workspace_id == contact.workspace_id)
    # Each side by an index of its own: else SQLite reads every event there is
    theirs = or_(InboundEvent.contact_id == contact.id, *(each & here for each in from_there))
    return select(InboundEvent).where(theirs).order_by(InboundEvent.id).with_for_update()


def _is_theirs(session: Session, row: InboundEvent, contact: Contact) -> bool:
    key = key_of(session, row.channel, row.payload.get("address", ""))
    return row.contact_id == contact.id or key in {contact.phone_key, contact.telegram_key} - {None}


def _messages(contact: Contact) -> Select[str]:
    """Everything to the person, and what members were sent about their follow-ups."""
    followups = select(FollowUp.id).where(FollowUp.contact_id == contact.id)
    return select(Message.id).where(or_(Message.contact_id == contact.id, Message.followup_id.in_(followups)))


def _close_followups(
    session: Session, contact: Contact, now: datetime, by: str | None, member_id: str | None
) -> None:
    """Nobody is left to return to; what was written about them goes with them.

    First they are ours alone: what somebody just writes down about one is there to be forgotten, or refused.
    """
    theirs = select(FollowUp).where(FollowUp.contact_id == contact.id).order_by(FollowUp.id)
    followups = session.scalars(theirs.with_for_update()).all()
    all_of_them = [each.id for each in followups]
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
    for followup in followups:
        if followup.closed_at is not None:
            continue
        followup.closed_at = now
        followup.revision += 1
        ended = session, contact.workspace_id, followup.id, now, "closed"
        leave_event(*ended, actor=by, member_id=member_id)


def _forget_person(contact: Contact, now: datetime) -> None:
    contact.name = contact.search_name = ""
    contact.external_id = contact.email = contact.email_key = contact.phone = contact.phone_key = None
    contact.telegram_chat_id = contact.telegram_key = None
    contact.locale = contact.time_zone = contact.preferred_channel = contact.source = None
    contact.attributes = {}
    contact.tags = []
    contact.active = False
    contact.revision += 1
    contact.updated_at = contact.erased_at = now


def _forget_files(session: Session, workspace_id: str, now: datetime) -> None:
    """A file that waits, and the rows that an import did not take, may hold the person; they are sent again.

    What is being imported at this moment goes when it is done, with what it does not take until then. What is
    being undone goes on: its worker holds it and waits for the people that we hold.
    """
    here = ContactImport.workspace_id == workspace_id
    why = problem("file", "Somebody was erased, and this file may hold them, so it is gone. Send it again.")
    goes_on = ContactImport.state.in_(("importing", "undoing"))
    session.execute(  # first: whoever reads a file at this moment adds nothing to it afterwards
        update(ContactImport)
        .where(here, ~goes_on, ContactImport.ended_at.is_(None))
        .values(
            state="stopped",
            ended_at=now,
            lease_token=None,
            lease_until=None,
            problem={"field": why.field, "message": why.message, "params": why.params},
        )
    )
    all_of_them = select(ContactImport.id).where(here)
    waiting = all_of_them.where(ContactImport.state != "importing")
    session.execute(delete(ImportPart).where(ImportPart.import_id.in_(waiting)))
    session.execute(delete(ImportReject).where(ImportReject.import_id.in_(all_of_them)))
