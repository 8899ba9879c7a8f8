"""Mail that a server took and then gave back: told by a report that came by mail, or by a key.

What follows is what follows from a provider's status: the message failed, its next channel is tried once, an
address that is none is closed, and the run's brake counts.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from app.channels.base import Event, Kind
from app.domain import delivery_reports
from app.domain.brakes import BOUNCES
from app.domain.metrics import Metric
from app.errors import Invalid, Refusal, problem
from app.models import Invitation, Message, Pulse, Sender, Token
from app.runtime import Runtime
from app.services import access, audit, holding, pulse_reminders, settling_status
from app.services.access import Visitor
from app.services.complained_about import TO_PEOPLE
from app.services.once import Once
from app.services.paging import PAGE, Page, cut, in_order
from app.services.tokens import token_hash

Outcome = Literal["new", "known", "late"]
LEFT = ("attempting", "unknown", "sent", "delivered", "failed")
# Of a pulse its questions alone: whose reminder came back was silent
_TOLD = or_(Invitation.metric != Metric.ENPS.value, Message.purpose == "invitation")


@dataclass(frozen=True)
class Told:
    """What a key tells of a bounce: which message, and the status (RFC 3463) with the server's words."""

    message_id: str = ""  # ours, or the whole Message-ID
    provider_id: str = ""
    status: str = ""
    words: str = ""


@dataclass(frozen=True)
class Shown:
    """A message that came back, as it is shown."""

    id: str
    contact: str | None
    channel: str
    invitation: str | None
    reason: str | None
    closes_address: bool
    asked_at: datetime


def report(runtime: Runtime, raw: bytes) -> Outcome:
    """A delivery report that came by mail. Twice changes nothing.

    Raises Refusal for one that does not name a message of ours by a word that only its reader could know:
    nothing of it is believed.
    """
    found, now = delivery_reports.read(raw), runtime.clock()
    of_token = select(Token.message_id).where(
        Token.purpose == "unsubscribe", Token.token_hash.in_([token_hash(each) for each in found.ways_out])
    )
    with runtime.db.write() as session:
        message = _first(session, Message.id.in_(found.message_ids)) or _first(
            session, and_(Message.id.in_(of_token), ~_of_closed_pulse())
        )
        if message is None:
            raise Refusal("This report names no message that left from here: nothing is recorded.")
        if not found.is_lost:
            return "late"
        told = Told(status=found.status, words=found.words)
        return "new" if _fail(session, runtime, message, told, now) else "known"


def record(runtime: Runtime, who: Visitor, told: Told, once: Once | None = None) -> tuple[str, bool]:
    """Somebody's program knows that it came back: the message's id, and whether that is new.

    Raises Invalid for no message of this workspace, and for a status that is no failure.
    """
    now = runtime.clock()
    if told.status[:2] not in {"", "4.", "5."}:
        raise Invalid([problem("status", "A message that came back has a status such as 5.1.1.")])
    here = Message.workspace_id == who.workspace_id
    with runtime.db.write() as session:
        message = _first(session, and_(here, _named(told)))
        if message is None:
            field = "message_id" if told.message_id or not told.provider_id else "provider_id"
            said = "No message to a person that left from this workspace has this id."
            raise Invalid([problem(field, said)])
        is_new, question = _fail(session, runtime, message, told, now), _question(session, message)
        if is_new:
            whose = message.contact_id if question is None else None
            audit.note(session, who, now, "contact.bounced", whose, channel=message.channel)
        id = question or message.id
        if once:
            once.keep(session, id, 201 if is_new else 200)
        return id, is_new


def get(runtime: Runtime, who: Visitor, id: str) -> Shown:
    """What became of one message. Raises NotFound."""
    with runtime.db.read() as session:
        return _shown(access.own(session, who, Message, id))


def listed(runtime: Runtime, who: Visitor, cursor: str | None = None, limit: int = PAGE) -> Page[Shown]:
    """What came back for good, and for the address, the latest asked first."""
    query = (
        select(Message)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Message.workspace_id == who.workspace_id, _TOLD)
        .where(Message.state == "failed", Message.reason.in_(BOUNCES))
    )
    query = in_order(query, cursor, Message.created_at, Message.id, latest_first=True)
    with runtime.db.read() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
        shown, more = cut(rows, limit, lambda row: (row.created_at, row.id))
        return Page(tuple(_shown(row) for row in shown), more)


def _named(told: Told) -> ColumnElement[bool]:
    if told.message_id:
        return Message.id == told.message_id.strip().strip("<>").partition("@")[0]
    senders = select(Sender.id).where(Sender.channel == "email")
    return and_(Message.sender_id.in_(senders), Message.provider_id == told.provider_id)


def _of_closed_pulse() -> ColumnElement[bool]:
    """The tokens of its reminders are those of its questions by then."""
    run = select(Invitation.occurrence_id).where(Invitation.id == Message.invitation_id).scalar_subquery()
    return select(Pulse.id).where(Pulse.occurrence_id == run, Pulse.state != "open").exists()


def _first(session: Session, which: ColumnElement[bool]) -> Message | None:
    """The mail that is meant, held after its person. Of a reminder whose pulse is closed nothing is told."""
    query: Select[Message] = (
        select(Message)
        .outerjoin(Invitation, Invitation.id == Message.invitation_id)
        .where(which, Message.channel == "email", Message.workspace_id.is_not(None))
        .where(Message.purpose.in_(TO_PEOPLE), Message.state.in_(LEFT))
    )
    found = session.scalars(query.limit(1)).first()
    if found is None:
        return None
    if found.purpose == "reminder" and pulse_reminders.of_closed(session, {found.invitation_id}):
        return None
    holding.those_held(session, {each for each in (found.contact_id,) if each})
    session.refresh(found, with_for_update=True)
    return found


def _fail(session: Session, runtime: Runtime, message: Message, told: Told, now: datetime) -> bool:
    """As a provider's status does: later news never takes back what is certain. Is it news?"""
    answered = select(Invitation.id).where(
        Invitation.id == message.invitation_id, Invitation.state == "answered"
    )
    if message.state == "failed" or session.scalar(answered) is not None:
        return False  # who has answered has got it: what came back went on to somewhere else
    reason, permanent = delivery_reports.meaning(told.status, told.words)
    event = Event("report", "", Kind.STATUS, state="failed", reason=reason, permanent=permanent)
    settling_status.tell(session, message, event, now, runtime.channels)
    return message.state == "failed"


def _question(session: Session, message: Message) -> str | None:
    """Of a pulse the message that asked first, which names nobody who was silent; else None."""
    asked = (
        select(Message.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Message.invitation_id == message.invitation_id, Message.purpose == "invitation")
        .where(Invitation.metric == Metric.ENPS.value)
    )
    return session.scalar(asked.order_by(Message.created_at).limit(1))


def _shown(row: Message) -> Shown:
    closes = row.state == "failed" and row.reason in BOUNCES
    return Shown(row.id, row.contact_id, row.channel, row.invitation_id, row.reason, closes, row.created_at)
