"""Asks the providers for what people sent: Telegram all the time, Twilio after downtime and now and then."""

import hashlib
from datetime import timedelta
from typing import cast

import structlog
from sqlalchemy import func, select

from app.channels.base import ChatBot, DeliveryError
from app.domain.clock_jumps import holds
from app.errors import Unavailable
from app.models import InboundMark, Sender, Setting
from app.runtime import Runtime
from app.services import inbound

log = structlog.get_logger("listening")
TELEGRAM = "telegram"
LISTED = ("sms", "whatsapp")  # whose provider lists what it received
CATCH_UP = timedelta(minutes=15)
ARRANGED = "telegram_calls"  # what we last told Telegram: where it may call us, or that we ask


def poll_telegram(runtime: Runtime) -> int:
    """What Telegram has for us, at once or within seconds; nothing where it calls us."""
    if not _is_real(runtime, TELEGRAM):
        return 0
    _arrange(runtime)
    if runtime.config.telegram_mode != "polling":
        return 0
    return inbound.fetch(runtime, TELEGRAM)


def catch_up_at_start(runtime: Runtime) -> int:
    """The same without waiting: a worker that begins may follow a time in which nobody listened."""
    return sum(inbound.fetch(runtime, channel) for channel in LISTED if _is_real(runtime, channel))


def catch_up(runtime: Runtime) -> int:
    """What came in while we were down, or whose webhook was lost: listed on start and every quarter hour."""
    found = 0
    for channel in LISTED:
        if _is_real(runtime, channel) and _is_due(runtime, channel):
            found += inbound.fetch(runtime, channel)
    if (
        runtime.config.telegram_mode == "webhook"
        and _is_real(runtime, TELEGRAM)
        and _is_due(runtime, TELEGRAM)
    ):
        _look_whether_it_reaches_us(runtime)
    return found


def _look_whether_it_reaches_us(runtime: Runtime) -> None:
    """While Telegram keeps something back for us, the time since we last had everything goes on."""
    try:
        status = cast(ChatBot, runtime.channels[TELEGRAM]).status()
    except DeliveryError as error:
        raise Unavailable(f"Telegram: {error.reason}") from error
    if status.waiting == 0:
        inbound.all_brought(runtime, TELEGRAM)
    elif status.failed_at is not None:
        log.warning("telegram_does_not_reach_us", waiting=status.waiting, failure=status.failure)


def _is_real(runtime: Runtime, channel: str) -> bool:
    return channel in runtime.channels and not runtime.channels[channel].pretends


def _is_due(runtime: Runtime, channel: str) -> bool:
    query = (
        select(func.max(InboundMark.fetched_at, type_=InboundMark.fetched_at.type))
        .join(Sender, Sender.id == InboundMark.sender_id)
        .where(Sender.channel == channel, Sender.identity == runtime.channels[channel].identity)
    )
    with runtime.db.read() as session:
        latest = session.scalar(query)
    now = runtime.clock()
    return latest is None or not holds(latest + CATCH_UP, now, CATCH_UP)


def _mark_of(secret: str | None) -> str:
    """By which a changed secret is noticed; too short to tell anything of it."""
    return hashlib.sha256((secret or "").encode()).hexdigest()[:8]


def _arrange(runtime: Runtime) -> None:
    """Tell Telegram how we want its updates, when that has changed. Raises Unavailable."""
    config = runtime.config
    bot = cast(ChatBot, runtime.channels[TELEGRAM])
    url = f"{config.public_url}/hooks/telegram" if config.telegram_mode == "webhook" else ""
    wanted = f"{bot.identity} {url} {_mark_of(config.telegram_webhook_secret) if url else ''}".strip()
    with runtime.db.read() as session:
        known = session.get(Setting, ARRANGED)
    if known is not None and known.value == wanted:
        return
    try:
        if url:
            bot.set_webhook(url)
        else:
            bot.delete_webhook()
    except DeliveryError as error:
        log.warning("telegram_not_arranged", reason=error.reason, detail=error.detail)
        raise Unavailable(f"Telegram: {error.reason}") from error
    with runtime.db.write() as session:
        session.merge(Setting(name=ARRANGED, value=wanted))
