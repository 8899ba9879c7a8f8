"""Ties a Telegram chat to a contact by a link that works once, and lets go when they shut us out."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.domain.chat import Words
from app.models import ConnectLink, Contact, Member, User, Workspace
from app.rendering import agent_cards, chats
from app.rendering.languages import LOCALES, language_of
from app.runtime import Runtime
from app.services import (
    bases,
    bounces,
    chat_addresses,
    chat_questions,
    inbound,
    limits,
    opt_outs,
    outbox,
    talks,
    telling_agents,
)
from app.services.chat_addresses import TRIED
from app.services.inbound import Stored
from app.services.limits import Limit
from app.services.telling_agents import AgentChat
from app.services.tokens import token_hash

TRIES = Limit(10, 3600)  # links tried from one chat: whoever guesses learns nothing, slowly


def connect(runtime: Runtime, event_id: str) -> None:
    """START with what a link carried: the chat becomes this contact's, once; nothing is ever bound anew."""
    now = runtime.clock()
    with runtime.db.write() as session:
        stored = inbound.take(session, event_id)
        if stored is None:
            return
        key = chat_addresses.key_of(session, stored.channel, stored.event.address)
        if key is None:
            inbound.set_aside(session, event_id, "not an address that we can read")
            return
        talks.hold(session, stored.sender_id, key).blocked_at = None
        link = _link(session, stored, now)
        if link is not None and link.user_id is not None:
            _bind_user(session, stored, link, now)
            inbound.done(session, event_id)
            return
        contact = _bind(session, stored, link, key, now) if link is not None else None
        if contact is not None:
            bounces.open_again(session, key, now)
            _greet(session, stored, contact, key, now)
            inbound.done(session, event_id, workspace_id=contact.workspace_id, contact_id=contact.id)
        else:
            _keep_neutral(session, stored, key, now)
            inbound.done(session, event_id)
    runtime.reach("inbound_handled")


def _link(session: Session, stored: Stored, now: datetime) -> ConnectLink | None:
    """The link that was pressed; None for every one that does not work, for whatever reason."""
    tried = f"{TRIED}{stored.sender_id}:{stored.event.address}"
    if limits.so_far(session, tried, TRIES, now) >= TRIES.most:
        return None
    limits.count(session, tried, TRIES, now)
    query = select(ConnectLink).where(ConnectLink.token_hash == token_hash(stored.event.data))
    link = session.scalars(query).one_or_none()
    if link is None:
        return None
    # The person first, as an erasure takes them: then their link, which may be gone by now
    session.execute(select(Contact.id).where(Contact.id == link.contact_id).with_for_update())
    held = query.with_for_update().execution_options(populate_existing=True)
    link = session.scalars(held).one_or_none()
    return link if link is not None and link.expires_at > now else None


def _bind(session: Session, stored: Stored, link: ConnectLink, key: str, now: datetime) -> Contact | None:
    """The contact whose chat this is now; None where it is somebody else's, or the contact has another."""
    chat_id = stored.event.address
    contact = session.scalars(
        select(Contact).where(Contact.id == link.contact_id, Contact.erased_at.is_(None)).with_for_update()
    ).one_or_none()
    if contact is None:
        return None
    if link.used_at is not None:  # their own link pressed again is no mistake
        return contact if contact.telegram_chat_id == chat_id else None
    taken = select(Contact.id).where(
        Contact.workspace_id == contact.workspace_id, Contact.telegram_key == key, Contact.id != contact.id
    )
    other = contact.telegram_chat_id not in (None, chat_id)
    if other or session.execute(taken.limit(1)).first() is not None:
        return None
    link.used_at = now
    contact.telegram_chat_id, contact.telegram_key, contact.updated_at = chat_id, key, now
    contact.revision += 1
    bases.follow(session, contact.workspace_id, [contact])
    return contact


def _bind_user(session: Session, stored: Stored, link: ConnectLink, now: datetime) -> None:
    """The chat in which a member gets alerts; who has one keeps it until they let go of it."""
    user = session.scalars(select(User).where(User.id == link.user_id).with_for_update()).one()
    chat_id = stored.event.address
    taken = session.scalar(select(User.id).where(User.telegram_chat_id == chat_id, User.id != user.id))
    if link.used_at is not None or taken is not None or user.telegram_chat_id not in (None, chat_id):
        return
    link.used_at, user.telegram_chat_id = now, chat_id
    session.execute(
        update(Member).where(Member.user_id == user.id, Member.alerts_by == "email").values(alerts_by="both")
    )
    workspace_id = session.scalar(select(Member.workspace_id).where(Member.user_id == user.id).limit(1))
    if workspace_id is not None:
        chat = AgentChat(workspace_id, user.id, chat_id, user.locale)
        telling_agents.tell(session, chat, agent_cards.connected(language_of(user.locale)), now)


def _greet(session: Session, stored: Stored, contact: Contact, key: str, now: datetime) -> None:
    workspace = session.get_one(Workspace, contact.workspace_id)
    wanted = next((each for each in (contact.locale, workspace.locale) if each in LOCALES), "en")
    outbox.enqueue_dialogue(
        session, workspace_id=workspace.id, channel=stored.channel, contact_id=contact.id,
        to_address=stored.event.address, address_key=key, locale=wanted,
        body=chats.connected(workspace.name, language_of(wanted)), now=now,
    )  # fmt: skip


def _keep_neutral(session: Session, stored: Stored, key: str, now: datetime) -> None:
    """The same words for used, expired, foreign and invented links."""
    home = chat_questions.last_writer(session, stored.sender_id, key)
    code = next((each for each in LOCALES if each[:2] == stored.event.language[:2]), "en")
    outbox.enqueue_dialogue(
        session, workspace_id=home[0] if home else None, channel=stored.channel,
        contact_id=home[1] if home else None, to_address=stored.event.address, address_key=key, locale=code,
        body=chats.answer(Words.NOTHING_OPEN, None, language_of(code)), now=now,
    )  # fmt: skip


def shut_out(runtime: Runtime, event_id: str) -> None:
    """They blocked us: nothing is tried there any more until they press START again."""
    now = runtime.clock()
    with runtime.db.write() as session:
        stored = inbound.take(session, event_id)
        if stored is None:
            return
        key = chat_addresses.key_of(session, stored.channel, stored.event.address)
        if key is not None:
            talks.hold(session, stored.sender_id, key).blocked_at = now
            for workspace_id in session.scalars(
                select(Contact.workspace_id).where(Contact.telegram_key == key).distinct()
            ).all():
                opt_outs.record(session, workspace_id, None, (key,), kind="bounce", origin="blocked", now=now)
        inbound.done(session, event_id)
