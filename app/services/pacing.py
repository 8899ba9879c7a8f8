"""Limits of a provider, kept over all processes: so many messages a second, one a second to each chat."""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.channels.base import Outgoing
from app.db import insert_into
from app.models import Attempt, Message, Setting
from app.services.departing import Departing

SPACING = {"telegram": timedelta(milliseconds=40)}  # 25 a second of the 30 that Telegram takes from one bot
PER_CHAT = {"telegram": timedelta(seconds=1)}
LONGEST = timedelta(seconds=5)  # further ahead nobody reserves: somebody's clock was wrong
SLOT = "next_slot:"  # a row of `installation` for each channel


def reserve(session: Session, channel: str, number: int, now: datetime) -> datetime | None:
    """A step: when the first of these may leave, the others following in turn. None: all at once."""
    spacing = SPACING.get(channel)
    if spacing is None or number == 0:
        return None
    row = Setting(name=SLOT + channel, value=now.isoformat())
    values = {"name": row.name, "value": row.value}
    session.execute(insert_into(session, Setting).values(values).on_conflict_do_nothing())
    held = session.scalars(select(Setting).where(Setting.name == SLOT + channel).with_for_update()).one()
    taken = datetime.fromisoformat(held.value)
    first = max(now, taken) if taken < now + LONGEST else now
    held.value = (first + number * spacing).isoformat()
    return first


def in_their_time(
    messages: Iterable[Outgoing], channel: str, first: datetime | None, now: datetime
) -> Iterator[Outgoing]:
    """The messages, each when its slot has come."""
    if first is None:
        yield from messages
        return
    began, ahead, spacing = time.monotonic(), (first - now).total_seconds(), SPACING[channel].total_seconds()
    for number, message in enumerate(messages):
        wait = ahead + number * spacing - (time.monotonic() - began)
        if wait > 0:
            time.sleep(wait)
        yield message


def too_soon(
    session: Session, channel: str, group: Sequence[Departing], now: datetime
) -> dict[str, datetime]:
    """Those whose chat got a message a moment ago, or gets one in this group; and when they may leave."""
    gap = PER_CHAT.get(channel)
    if gap is None:
        return {}
    latest = (
        select(Message.to_address, Attempt.started_at)
        .join(Attempt, Attempt.message_id == Message.id)
        .where(
            Message.channel == channel,
            Message.to_address.in_({each.to_address for each in group}),
            Attempt.started_at > now - gap,
            Attempt.started_at < now + LONGEST,  # else a clock was wrong, and it was not a moment ago
        )
    )
    free: dict[str, datetime] = {}
    for address, at in session.execute(latest):
        free[address] = max(free.get(address, now), at + gap)
    waits: dict[str, datetime] = {}
    for each in group:
        may = free.get(each.to_address, now)
        if may > now:
            waits[each.id] = may
        free[each.to_address] = may + gap
    return waits
