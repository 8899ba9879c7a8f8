"""Links that tie a Telegram chat to a contact, or to a member for alerts: each works once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy.orm import Session

from app.channels.base import ChatBot, DeliveryError
from app.errors import Conflict, NotFound, Unavailable
from app.models import ConnectLink, User, new_id
from app.runtime import Runtime
from app.services import audit, contact_rows
from app.services.access import Visitor
from app.services.accounts import by_email
from app.services.once import Once
from app.services.tokens import token_hash

LASTS = timedelta(days=30)
LASTS_FOR_USERS = timedelta(days=1)
CHANNEL = "telegram"


@dataclass(frozen=True)
class Link:
    """Where to press START, and until when that ties the chat."""

    id: str
    url: str
    expires_at: datetime


def is_possible(runtime: Runtime) -> bool:
    """Is there a bot of ours to press START at?"""
    return CHANNEL in runtime.channels and not runtime.channels[CHANNEL].pretends


def for_contact(runtime: Runtime, who: Visitor, contact_id: str, once: Once | None = None) -> Link:
    """A new link for this contact. Raises NotFound, Conflict without a bot, Unavailable without Telegram."""
    with runtime.db.read() as session:
        contact_rows.load(session, who, contact_id)  # unknown is unknown, whether or not there is a bot
    token, url = _made(runtime)
    now = runtime.clock()
    with runtime.db.write() as session:
        contact = contact_rows.load(session, who, contact_id)
        if once:
            once.keep(session, contact.id)
        link = ConnectLink(
            token_hash=token_hash(token), workspace_id=who.workspace_id, contact_id=contact.id,
            created_at=now, expires_at=now + LASTS,
        )  # fmt: skip
        session.add(link)
        audit.note(session, who, now, "contact.chat_link_made", contact.id)
        return Link(contact.id, url, link.expires_at)


def for_member(runtime: Runtime, user_id: str) -> Link:
    """A new link for the chat in which this user gets alerts."""
    token, url = _made(runtime)
    with runtime.db.write() as session:
        audit.note_of_account(session, runtime.clock(), "account.chat_link_made", user_id)
        return _keep(session, session.get_one(User, user_id), token, url, runtime.clock())


def for_address(runtime: Runtime, email: str) -> Link:
    """The operator's way. Raises NotFound for an unknown address."""
    token, url = _made(runtime)
    with runtime.db.write() as session:
        user = by_email(session, email.strip().lower())
        if user is None:
            raise NotFound
        audit.note_by_operator(session, runtime.clock(), "account.chat_link_made", user.id)
        return _keep(session, user, token, url, runtime.clock())


def _keep(session: Session, user: User, token: str, url: str, now: datetime) -> Link:
    link = ConnectLink(
        token_hash=token_hash(token), user_id=user.id, created_at=now, expires_at=now + LASTS_FOR_USERS
    )
    session.add(link)
    return Link(user.id, url, link.expires_at)


def _made(runtime: Runtime) -> tuple[str, str]:
    """A token and where it leads; the bot's name is asked for once, outside of any transaction."""
    if not is_possible(runtime):
        raise Conflict("Telegram is not set up here.")
    token = new_id()
    try:
        return token, cast(ChatBot, runtime.channels[CHANNEL]).start_link(token)
    except DeliveryError as error:
        raise Unavailable(f"Telegram: {error.reason}") from error
