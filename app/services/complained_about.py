"""Steps that find which message somebody calls spam: by our id, the provider's, or as the newest there."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.addresses import BadAddress, read_email
from app.errors import Invalid, problem
from app.models import Contact, Invitation, Message, Pulse, Sender, Token
from app.services import contact_rows
from app.services.access import Visitor
from app.services.address_keys import address_key
from app.services.chat_addresses import key_of
from app.services.tokens import token_hash

LATELY = timedelta(days=60)  # reports come within days; who says it by mouth speaks of this quarter's
SKEW = timedelta(minutes=5)  # a provider's clock may be behind ours
TO_PEOPLE = ("invitation", "reminder", "reply", "dialogue")  # not what members get
LEFT = ("attempting", "unknown", "sent", "delivered")


@dataclass(frozen=True)
class Named:
    """How whoever tells of a complaint names what it is about; the first that is given counts."""

    channel: str
    message_id: str = ""  # ours, or the whole Message-ID
    provider_id: str = ""
    address: str = ""
    contact_id: str = ""


@dataclass(frozen=True)
class About:
    """The message, if there is one that we know, and whose complaint it is."""

    channel: str
    contact_id: str | None
    address_key: str | None
    message: Message | None = None
    invitation: Invitation | None = None
    opened_at: datetime | None = None  # of a pulse: the only moment of it that tells nothing
    left_at: datetime | None = None  # what they mean, be it a reminder; of a pulse nobody asks


def find(session: Session, who: Visitor, named: Named, at: datetime) -> About:
    """What is meant, in the visitor's workspace. Raises Invalid, and NotFound for an unknown contact."""
    if named.contact_id:
        return _of_contact(session, contact_rows.load(session, who, named.contact_id), named.channel, at)
    if named.message_id:
        ours = named.message_id.strip().strip("<>").partition("@")[0]
        return _known("message_id", _first(session, _left(who.workspace_id).where(Message.id == ours)))
    if named.provider_id:
        senders = select(Sender.id).where(Sender.channel == named.channel)
        theirs = Message.sender_id.in_(senders), Message.provider_id == named.provider_id
        query = _left(who.workspace_id).where(*theirs, Message.channel == named.channel)
        return _known("provider_id", _first(session, query))
    if named.address:
        return _of_address(session, who.workspace_id, named, at)
    raise Invalid([problem("message_id", "Say which message: message_id, provider_id or address.")])


def by_report(session: Session, message_ids: tuple[str, ...], ways_out: tuple[str, ...]) -> About | None:
    """The mail that a report names by a word of ours, in whichever workspace."""
    of_token = select(Token.message_id).where(
        Token.purpose == "unsubscribe", Token.token_hash.in_([token_hash(each) for each in ways_out])
    )
    for which in (Message.id.in_(of_token), Message.id.in_(message_ids)):
        found = _first(session, _left(None).where(which, Message.channel == "email"))
        if found is not None:
            return found
    return None


def before(session: Session, message: Message) -> About | None:
    """The last message that reached them where this one was shut out."""
    if message.contact_id is None or message.workspace_id is None:
        return None
    earlier = _left(message.workspace_id).where(
        Message.contact_id == message.contact_id,
        Message.channel == message.channel,
        Message.address_key == message.address_key,
        Message.state.in_(("sent", "delivered")),
        Message.created_at.between(message.created_at - LATELY, message.created_at),
        Message.id != message.id,
    )
    return _first(session, earlier)


def _known(field: str, about: About | None) -> About:
    if about is None:
        raise Invalid([problem(field, "No message to a person that left from this workspace has this id.")])
    return about


def _of_contact(session: Session, contact: Contact, channel: str, at: datetime) -> About:
    theirs = _lately(contact.workspace_id, channel, at).where(Message.contact_id == contact.id)
    return _first(session, theirs) or About(channel, contact.id, contact.key_on(channel))


def _of_address(session: Session, workspace_id: str, named: Named, at: datetime) -> About:
    key = _key(session, named)
    people = select(Contact.id).where(
        Contact.workspace_id == workspace_id, Contact.key_of(named.channel) == key
    )
    asked = select(Invitation.id).where(
        Invitation.address_key == key, Invitation.workspace_id == workspace_id
    )
    there = _lately(workspace_id, named.channel, at).where(Message.address_key == key)
    # One look by person and one by ask, for whoever has another address by now: each has its own index
    for which in (Message.contact_id.in_(people), Message.invitation_id.in_(asked)):
        found = _first(session, there.where(which))
        if found is not None:
            return found
    contact_id = session.scalar(people.order_by(Contact.id).limit(1))
    if contact_id is None:
        said = "Nothing went to this address in the last %(days)s days, and no contact has it."
        raise Invalid([problem("address", said, days=LATELY.days)])
    return About(named.channel, contact_id, key)


def _key(session: Session, named: Named) -> str:
    if named.channel == "email":
        try:
            return address_key(session, read_email(named.address).key)
        except BadAddress as error:
            raise Invalid([problem("address", error.message, **error.params)]) from None
    key = key_of(session, named.channel, named.address)
    if key is None:
        raise Invalid([problem("address", "Write the number with its country, as +5511987654321.")])
    return key


def _left(workspace_id: str | None) -> Select[Message]:
    here = Message.workspace_id.is_not(None) if workspace_id is None else Message.workspace_id == workspace_id
    return select(Message).where(here, Message.purpose.in_(TO_PEOPLE), Message.state.in_(LEFT))


def _lately(workspace_id: str, channel: str, at: datetime) -> Select[Message]:
    moment = func.coalesce(Message.sent_at, Message.due_at, type_=Message.created_at.type)
    return (
        _left(workspace_id)
        .where(Message.channel == channel, moment.between(at - LATELY, at + SKEW))
        .order_by(moment.desc(), Message.id)
    )


def _first(session: Session, query: Select[Message]) -> About | None:
    """The message; of an ask its first one there, for which reminder it was tells who had not answered."""
    message = session.scalars(query.limit(1)).first()
    if message is None:
        return None
    left_at = message.sent_at
    invitation = session.get(Invitation, message.invitation_id) if message.invitation_id else None
    if invitation is not None and message.purpose == "reminder":
        original = select(Message).where(
            Message.invitation_id == invitation.id,
            Message.purpose == "invitation",
            Message.channel == message.channel,
        )
        message = session.scalars(original.order_by(Message.created_at).limit(1)).first() or message
    run_id = invitation.occurrence_id if invitation is not None else None
    opened_at = session.scalar(select(Pulse.opened_at).where(Pulse.occurrence_id == run_id))
    left_at = left_at if opened_at is None else None
    whose = message.channel, message.contact_id, message.address_key
    return About(*whose, message, invitation, opened_at, left_at)
