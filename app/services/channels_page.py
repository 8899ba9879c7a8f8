"""How each channel stands: is it real, who writes on it, what went wrong last, where its provider calls."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import func, select

from app.channels.base import ChannelStatus, ChatBot, DeliveryError
from app.domain.addresses import BadAddress, default_region, read_phone
from app.domain.channel_choice import CHANNELS
from app.errors import Conflict, Invalid, problem
from app.models import InboundEvent, Message, User, Workspace, new_id
from app.rendering import chats
from app.rendering.languages import language_of
from app.runtime import Runtime
from app.services import audit, limits, losses, outcomes, senders, sms_rules
from app.services.access import Visitor
from app.services.limits import Limit
from app.services.losses import Loss
from app.services.outbox import FIRST
from app.services.sms_budget import Today

ERRORS = 5
TEXTS = ("sms", "real")  # where each message costs
HOOKS = {
    "sms": ("/hooks/twilio/message", "/hooks/twilio/status"),
    "whatsapp": ("/hooks/twilio/message", "/hooks/twilio/status"),
    "telegram": ("/hooks/telegram",),
}
TESTS = Limit(10, 3600)  # to one's own address or a number that one types: not a way to write to strangers


@dataclass(frozen=True)
class Trouble:
    """A message that did not leave, without whose it was."""

    at: datetime
    reason: str
    detail: str | None


@dataclass(frozen=True)
class Standing:
    """One channel. `state` is real, sandbox or off."""

    name: str
    state: str
    identity: str
    rests_until: datetime | None
    troubles: tuple[Trouble, ...]
    hooks: tuple[str, ...]
    set_aside: int  # that came in and nobody could place
    bot: ChannelStatus | None = None
    bot_trouble: str = ""
    loss: Loss | None = None  # a time of which something may be missing
    today: Today | None = None  # of texts: what the day's budget has left


def show(runtime: Runtime, who: Visitor) -> list[Standing]:
    """Every channel, in the order in which they are offered."""
    return [_standing(runtime, who, name) for name in CHANNELS]


def _standing(runtime: Runtime, who: Visitor, name: str) -> Standing:
    channel = runtime.channels.get(name)
    state = "off" if channel is None else ("sandbox" if channel.pretends else "real")
    failed = (
        select(Message.created_at, Message.reason, Message.detail)
        .where(
            Message.workspace_id == who.workspace_id,
            Message.channel == name,
            Message.state.in_(("failed", "unknown")),
            Message.reason.is_not(None),
        )
        .order_by(Message.created_at.desc())
        .limit(ERRORS)
    )
    aside = select(func.count()).where(InboundEvent.channel == name, InboundEvent.state == "set_aside")
    with runtime.db.read() as session:
        until = outcomes.rests_until(session, name, runtime.clock())
        troubles = tuple(Trouble(at, reason or "", detail) for at, reason, detail in session.execute(failed))
        set_aside = session.scalar(aside) or 0
        loss = losses.recent(session, name, runtime.clock()) if state == "real" else None
        today = sms_rules.today(session, runtime, runtime.clock()) if (name, state) == TEXTS else None
    bot, bot_trouble = _bot(runtime, name, state)
    return Standing(
        name, state, senders.identity(runtime, name) if channel else "",
        until, troubles,
        tuple(runtime.config.public_url + path for path in HOOKS.get(name, ())), set_aside, bot, bot_trouble,
        loss,
        today,
    )  # fmt: skip


def _bot(runtime: Runtime, name: str, state: str) -> tuple[ChannelStatus | None, str]:
    """What Telegram says of our bot; asked as the page is opened, so its own trouble is news as well."""
    if name != "telegram" or state != "real":
        return None, ""
    try:
        return cast(ChatBot, runtime.channels[name]).status(), ""
    except DeliveryError as error:
        return None, error.detail or error.reason


def send_test(runtime: Runtime, who: Visitor, channel: str, to: str = "") -> None:
    """A message to oneself: one's own mailbox or chat, or a number that one types.

    Raises Invalid for a number that is none, Conflict where there is no way to oneself.
    """
    if channel not in runtime.channels:
        raise Conflict("This channel is not set up here.")
    now = runtime.clock()
    with runtime.db.write() as session:
        limits.count(session, f"test:{who.workspace_id}", TESTS, now)
        user = session.get_one(User, who.user_id)
        workspace = session.get_one(Workspace, who.workspace_id)
        address = _own_address(user, workspace, channel, to)
        audit.note(session, who, now, "channel.tested", channel=channel)
        language = language_of(who.locale)
        session.add(
            Message(
                id=new_id(), workspace_id=who.workspace_id, purpose="dialogue", priority=FIRST,
                channel=channel, user_id=user.id, to_address=address, locale=who.locale,
                subject=chats.trial_subject(language), body=chats.trial(workspace.name, language),
                state="queued", due_at=now, created_at=now,
            )
        )  # fmt: skip


def _own_address(user: User, workspace: Workspace, channel: str, to: str) -> str:
    if channel == "telegram":
        if user.telegram_chat_id is None:
            raise Conflict("Connect your own Telegram first: My account.")
        return user.telegram_chat_id
    try:
        return read_phone(to, default_region(workspace.time_zone)).text
    except BadAddress as error:
        raise Invalid([problem("to", error.message, **error.params)]) from error
