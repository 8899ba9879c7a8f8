"""Forgetting a person: what they were goes, that they were counted and must not be asked stays."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.errors import problem
from app.models import Contact, FollowUp, InboundEvent, Message, User
from app.runtime import Runtime
from app.services import (
    audit,
    bases,
    contact_rows,
    import_erasures,
    inbound,
    journal,
    opt_outs,
    person_requests,
    scrubbing,
)  # fmt: skip
from app.services.access import Visitor
from app.services.chat_addresses import key_of
from app.services.followup_opening import leave_event
from app.services.forgetting import (
    ABOUT_FOLLOWUPS,
    CAME_IN,
    CAME_IN_IDS,
    FILES,
    QUEUED,
    SAID,
    SHARED,
    WISHES,
    take,
    told,
    whose,
)  # fmt: skip
from app.services.import_erasures import Gone
from app.services.pulse_answers import forget_sealed, hold_pulses

FILE_GONE = problem("file", "Somebody was erased, and this file may hold them, so it is gone. Send it again.")
_MEMBERS_TOLD = (
    select(User.name)
    .join(Message, Message.user_id == User.id)
    .join(FollowUp, FollowUp.id == Message.followup_id)
    .where(
        FollowUp.contact_id == bindparam("contact"),
        Message.purpose.in_(("alert", "dialogue")),
        Message.sent_at.is_not(None),
    )
    .distinct()
    .order_by(User.name)
)


def erase(runtime: Runtime, who: Visitor, id: str) -> tuple[str, ...]:
    """Remove name, addresses, attributes, comments and stored texts of one person, for good.

    Scores and what was sent stay counted, without words. Keyed hashes of the addresses stay as opt-outs,
    so that a later import does not ask them again. What is queued for them is cancelled. Their box in an open
    pulse goes; what they said in a closed one cannot be found by anybody, and stays counted.

    Gives the members who were told of them by mail or chat: what lies in their mailboxes is out of our reach,
    and in Telegram so is what they typed themselves.
    """
    now = runtime.clock()
    with runtime.db.write() as session:
        known = contact_rows.load(session, who, id)
        audit.note(session, who, now, "contact.erased", known.id)
        members = session.scalars(_MEMBERS_TOLD, {"contact": known.id}).all()
        for contact in hold(session, [known.id]):
            forget(session, contact, now, asked_at=now, by=who.name, member_id=who.member_id)
    scrubbing.soon(runtime)
    return tuple(members)


def hold(session: Session, ids: Sequence[str]) -> Sequence[Contact]:
    """The step before `forget`: those of these people who are not erased yet, for us alone.

    In the order of all who hold many, and after what others hold already when they come to a person: the
    pulse that reminds them, and what they wrote.
    """
    hold_pulses(session, ids)
    for each in session.scalars(select(Contact).where(Contact.id.in_(ids)).order_by(Contact.id)).all():
        session.execute(CAME_IN_IDS, whose(each))
    theirs = select(Contact).where(Contact.id.in_(ids), Contact.erased_at.is_(None)).order_by(Contact.id)
    held = theirs.with_for_update().execution_options(populate_existing=True)
    return session.scalars(held).all()


def forget(
    session: Session,
    contact: Contact,
    now: datetime,
    *,
    asked_at: datetime | None,
    by: str | None = None,
    member_id: str | None = None,
) -> None:
    """The step of `erase`, of somebody who is held.

    Only an erasure that somebody asked for reaches files that wait: what a file brings of whom we had not
    heard of for years is new, and whoever is mapping it is not disturbed. `asked_at` is by our clock, also
    where `now` is long ago: whatever files are here at this moment may hold them.
    """
    _remember_not_to_ask(session, contact, now)
    for what in (WISHES, QUEUED, SAID):
        take(session, what, contact, now)
    _forget_what_came_in(session, contact)
    forget_sealed(session, contact.id)
    _close_followups(session, contact, now, by, member_id)
    gone = import_erasures.gone(session, contact)
    _forget_person(contact, now)
    if asked_at is not None:
        contact.erasure_asked_at = asked_at
        _forget_files(session, contact, gone, asked_at)
    audit.forget(session, contact.id)
    person_requests.done(session, contact.id, now)
    journal.erased(session, contact, now)
    scrubbing.ask(session)


def _remember_not_to_ask(session: Session, contact: Contact, now: datetime) -> None:
    bases.follow(session, contact.workspace_id, [contact])  # what no word of theirs lifts
    keys = [key for key in (contact.email_key, contact.phone_key, contact.telegram_key) if key]
    if keys:
        opt_outs.record(
            session, contact.workspace_id, contact.id, keys, kind="erasure", origin="erasure", now=now
        )


def _forget_what_came_in(session: Session, contact: Contact) -> None:
    """Also what nobody has placed yet, unless somebody else has that address: it may be their STOP or answer.

    Each event's name stays: else the provider would bring it again.
    """
    shared = set(session.scalars(SHARED, whose(contact)))
    for row in session.scalars(CAME_IN, whose(contact)).all():
        if _is_theirs(session, row, contact, shared):
            row.payload = inbound.named_only(row.payload)
            row.error, row.state, row.address_key = None, "done", ""


def _is_theirs(session: Session, row: InboundEvent, contact: Contact, shared: Collection[str | None]) -> bool:
    if row.contact_id == contact.id:
        return True
    key = row.address_key
    if key is None:
        key = key_of(session, row.channel, row.payload.get("address", ""))
    theirs = {contact.phone_key, contact.telegram_key} - {None}
    return key in theirs and (row.state == "done" or key not in shared)


def _close_followups(
    session: Session, contact: Contact, now: datetime, by: str | None, member_id: str | None
) -> None:
    """Nobody is left to return to; what was written about them goes with them.

    First they are ours alone: what somebody just writes down about one is there to be forgotten, or refused.
    """
    theirs = select(FollowUp).where(FollowUp.contact_id == contact.id).order_by(FollowUp.id)
    followups = session.scalars(theirs.with_for_update()).all()
    take(session, ABOUT_FOLLOWUPS, contact, now)
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


def _forget_files(session: Session, contact: Contact, gone: Gone, now: datetime) -> None:
    """A file that waits, and the rows that an import did not take, may hold the person; they are sent again.

    What is being imported at this moment goes when it is done, with what it does not take until then, and
    until then it leaves out whatever may be about them. What is being undone goes on: its worker holds it and
    waits for the people that we hold.
    """
    take(session, FILES, contact, now, problem=told(FILE_GONE))
    import_erasures.note(session, contact.workspace_id, gone)
