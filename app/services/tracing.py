"""Settles attempts whose end nobody saw by asking the provider what it took; no transaction waits for it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.channels.base import DeliveryError, Event, Traceable
from app.domain.delivery import next_try
from app.domain.tracing import FIRST_LOOK, WIDER, Doubt, Listed, LookAgain, NotThere, Taken, Verdict, judge
from app.models import Attempt, Invitation, Message, Sender
from app.runtime import Runtime
from app.services import holding, pulse_reminders, settling_status

log = structlog.get_logger("tracing")
AT_ONCE = 20  # addresses in one tick: each is a question to the provider
_BEGAN = (  # the latest attempt of a message
    select(func.max(Attempt.started_at, type_=Attempt.started_at.type))
    .where(Attempt.message_id == Message.id)
    .scalar_subquery()
)


def ask_providers(runtime: Runtime) -> int:
    """Look for what is unknown where the provider keeps a list. How many are settled."""
    settled = 0
    for name, channel in runtime.channels.items():
        if channel.pretends or not isinstance(channel, Traceable):
            continue
        try:
            settled += _ask(runtime, name, channel)
        except DeliveryError as error:
            log.warning("not_traced", channel=name, reason=error.reason, detail=error.detail)
    return settled


def _ask(runtime: Runtime, name: str, channel: Traceable) -> int:
    now = runtime.clock()
    with runtime.db.read() as session:
        waiting = _waiting(session, name, channel.identity, now)
    settled = 0
    for sender_id, address, began_at in waiting:
        told = channel.trace(address, began_at - WIDER)
        runtime.reach("traced")
        with runtime.db.write() as session:
            settled += _settle(session, sender_id, address, told, now=now, ready=runtime.channels)
    return settled


def _waiting(session: Session, channel: str, identity: str, now: datetime) -> list[tuple[str, str, datetime]]:
    """Senders and addresses with something to look for, and since when."""
    query = (
        select(Message.sender_id, Message.to_address, func.min(_BEGAN, type_=Attempt.started_at.type))
        .join(Sender, Sender.id == Message.sender_id)
        .where(
            Message.channel == channel,
            Message.state == "unknown",
            Message.due_at <= now,
            Message.to_address != "",  # of somebody who was erased: their list would be everybody's
            Sender.identity == identity,
            now - FIRST_LOOK >= _BEGAN,
        )
        .group_by(Message.sender_id, Message.to_address)
        .limit(AT_ONCE)
    )
    return [(str(sender), address, began) for sender, address, began in session.execute(query)]


def _settle(
    session: Session,
    sender_id: str,
    address: str,
    told: Sequence[Event],
    *,
    now: datetime,
    ready: Collection[str],
) -> int:
    """A step: what is known now of the doubts about this address."""
    in_doubt = _in_doubt(sender_id, address)
    whose = in_doubt.with_only_columns(Message.contact_id, Message.invitation_id, Message.purpose)
    found = session.execute(whose).all()
    reminders = {each.invitation_id for each in found if each.purpose == "reminder"}
    closed = pulse_reminders.of_closed(session, reminders)
    people = {each.contact_id for each in found if each.invitation_id not in closed}
    holding.those_held(session, people - {None})
    rows = session.execute(in_doubt.with_for_update(of=Message)).all()
    if any(message.state == "attempting" for message, _ in rows):
        return 0  # one of those listed may be its: it is known in a moment
    known = _known(session, sender_id, [each.quotes for each in told])
    free = {each.quotes: each for each in told if each.quotes not in known}
    doubts = [Doubt(message.id, began, message.due_at > began) for message, began in rows]
    verdicts = judge(doubts, [Listed(name, event.at) for name, event in free.items()], now)
    return sum(
        _follow(session, message, verdicts[message.id], free, now=now, ready=ready) for message, _ in rows
    )


def _in_doubt(sender_id: str, address: str) -> Select[Message, datetime]:
    return (
        select(Message, _BEGAN)
        .where(
            Message.sender_id == sender_id,
            Message.to_address == address,
            Message.state.in_(("unknown", "attempting")),
        )
        .order_by(Message.id)
    )


def _known(session: Session, sender_id: str, names: Sequence[str]) -> set[str | None]:
    query = select(Message.provider_id).where(Message.sender_id == sender_id, Message.provider_id.in_(names))
    return set(session.scalars(query))


def _follow(
    session: Session,
    message: Message,
    verdict: Verdict,
    free: dict[str, Event],
    *,
    now: datetime,
    ready: Collection[str],
) -> bool:
    if isinstance(verdict, LookAgain):
        message.due_at = verdict.at
        return False
    if isinstance(verdict, Taken):
        event = free[verdict.name]
        message.provider_id = event.quotes
        settling_status.tell(session, message, replace(event, state=event.state or "sent"), now, ready)
    else:
        _not_taken(session, message, now)
    outcome = "not_taken" if isinstance(verdict, NotThere) else "sent"
    last = select(func.max(Attempt.number)).where(Attempt.message_id == message.id).scalar_subquery()
    session.execute(
        update(Attempt)
        .where(Attempt.message_id == message.id, Attempt.number == last)
        .values(outcome=outcome, ended_at=func.coalesce(Attempt.ended_at, now))
    )
    return True


def _not_taken(session: Session, message: Message, now: datetime) -> None:
    """Surely not there: it goes like one that was refused for a passing reason."""
    state = "failed" if next_try(message.tries, now) is None else "queued"
    message.state, message.reason = state, "provider_unreachable"
    message.due_at, message.lease_token, message.lease_until = now, None, None
    if message.purpose == "invitation" and message.invitation_id:
        invitation = session.get_one(Invitation, message.invitation_id, with_for_update=True)
        if invitation.state in ("sending", "unknown"):
            invitation.state = state
            invitation.reason = "provider_unreachable" if state == "failed" else None
