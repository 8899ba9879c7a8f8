"""The pretend phone: what a person would see in their chats, and what they would answer, for real."""

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from app.channels.base import Button, Event, Kind
from app.errors import NotFound
from app.models import Contact, Member, Message, SandboxCopy, Sender, Workspace, new_id
from app.runtime import Runtime
from app.services import inbound, senders

PRETENDS = "sandbox"  # the identity of the channel that stands in
CHANNELS = ("whatsapp", "sms", "telegram")
CHATS = 50  # offered to choose from; those where something was said last
SHOWN = 100  # messages of one chat
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Line:
    """One message as it stands on the phone. `mine`: the person's own words."""

    text: str
    at: datetime
    mine: bool
    locale: str = ""
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True)
class Talk:
    """One chat: a channel and an address, with whose phone it is and who writes there."""

    channel: str
    address: str
    name: str
    workspace_name: str
    locale: str
    lines: tuple[Line, ...] = ()


def talks(runtime: Runtime, user_id: str) -> list[Talk]:
    """Every chat of the workspaces that this user is a member of, the latest first. NotFound while off."""
    _only_while_on(runtime)
    latest = func.max(Message.created_at)
    query = (
        select(
            Message.channel, Message.to_address, func.max(Contact.name), func.max(Workspace.name),
            func.max(Contact.locale), latest,
        )
        .join(Sender, and_(Sender.id == Message.sender_id, Sender.identity == PRETENDS))
        .join(Workspace, Workspace.id == Message.workspace_id)
        .join(Member, and_(Member.workspace_id == Workspace.id, Member.user_id == user_id))
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.channel.in_(CHANNELS))
        .group_by(Message.channel, Message.to_address)
        .order_by(latest.desc(), Message.to_address, Message.channel)
        .limit(CHATS)
    )  # fmt: skip
    with runtime.db.read() as session:
        rows = session.execute(query).all()
        return [
            Talk(row[0], row[1], row[2] or row[1], row[3], row[4] or "")
            for row in rows
            if _is_all_theirs(session, user_id, row[0], row[1])
        ]


def talk(runtime: Runtime, user_id: str, channel: str, address: str) -> Talk:
    """One chat with what was said. Raises NotFound: off, unknown, or partly another workspace's."""
    found = next(
        (each for each in talks(runtime, user_id) if (each.channel, each.address) == (channel, address)),
        None,
    )
    if found is None:
        raise NotFound
    query = (
        select(Message, SandboxCopy)
        .join(Sender, and_(Sender.id == Message.sender_id, Sender.identity == PRETENDS))
        .outerjoin(SandboxCopy, SandboxCopy.message_id == Message.id)
        .where(Message.channel == channel, Message.to_address == address, Message.sent_at.is_not(None))
        .order_by(Message.sent_at.desc(), Message.id)
        .limit(SHOWN)
    )
    with runtime.db.read() as session:
        rows = sorted(session.execute(query).all(), key=lambda row: (row[0].sent_at, _turn(row[0])))
        lines = [_line(message, copy) for message, copy in rows]
    return Talk(found.channel, found.address, found.name, found.workspace_name, found.locale, tuple(lines))


def answer(
    runtime: Runtime, user_id: str, talk: Talk, *, text: str = "", data: str = "", patience: float = 0
) -> None:
    """What the person types or presses, through the path of real ones; then our words are waited for."""
    event = Event(PRETENDS, new_id(), Kind.PRESS if data else Kind.TEXT, talk.address, text=text, data=data)
    now = runtime.clock()
    with runtime.db.write() as session:
        if not _is_all_theirs(session, user_id, talk.channel, talk.address):
            raise NotFound
        id = inbound.keep(session, talk.channel, event, now)
        assert id is not None  # its name was made just now
    inbound.handle_one(runtime, id)
    _wait(runtime, talk, patience)


def _wait(runtime: Runtime, talk: Talk, patience: float) -> None:
    """Until the worker has sent our answer, or for so many seconds at most: the page shows it then."""
    until = time.monotonic() + patience
    query = select(Message.id).where(
        Message.channel == talk.channel,
        Message.to_address == talk.address,
        Message.purpose == "dialogue",
        Message.state.in_(("queued", "claimed", "attempting")),
    )
    while time.monotonic() < until:
        with runtime.db.read() as session:
            if session.execute(query.limit(1)).first() is None:
                return
        time.sleep(LOOK_SECONDS)


def _is_all_theirs(session: Session, user_id: str, channel: str, address: str) -> bool:
    """The wall: a phone that another workspace writes to as well is not theirs to read or to answer."""
    theirs = select(Member.workspace_id).where(Member.user_id == user_id)
    query = (
        select(Message.id)
        .join(Sender, and_(Sender.id == Message.sender_id, Sender.identity == PRETENDS))
        .where(
            Message.channel == channel,
            Message.to_address == address,
            Message.workspace_id.not_in(theirs),
        )
    )
    return session.execute(query.limit(1)).first() is None


def _turn(message: Message) -> int:
    """Within one moment: what we ask, what they say, what we say to it."""
    return {"invitation": 0, "reminder": 0, "inbound": 1}.get(message.purpose, 2)


def _line(message: Message, copy: SandboxCopy | None) -> Line:
    at = message.sent_at or message.created_at
    if message.purpose == "inbound":
        return Line(message.body or "…", at, mine=True)
    rows = copy.buttons if copy else []
    buttons = tuple(tuple(Button(label, data) for label, data in row) for row in rows)
    return Line(copy.text if copy else (message.body or ""), at, False, message.locale, buttons)


def _only_while_on(runtime: Runtime) -> None:
    if not runtime.config.sandbox_on or not any(
        name in runtime.channels and senders.identity(runtime, name) == PRETENDS for name in CHANNELS
    ):
        raise NotFound
