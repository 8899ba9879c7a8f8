"""The sender: claim, attempt, call the provider with no transaction open, record; a commit after each."""

import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.channels.base import Channel, DeliveryError
from app.db import SKIP_LOCKED, Statement, together
from app.domain.delivery import ATTEMPT_LEASE, CLAIM_LEASE, HAND_OVER
from app.errors import Unavailable
from app.models import new_id
from app.runtime import Runtime
from app.services import (
    composing,
    departing,
    last_gate,
    outcomes,
    pacing,
    senders,
    switch,
)
from app.services.composing import Departure, Ended
from app.services.inviting import OPEN_FOR
from app.services.last_gate import Lease
from app.services.outbox import FIRST, LAST

CLAIMED = 20  # at a time: few enough to be sent within their lease by any server worth the name
GROUP = 10  # attempts committed together: no crash leaves more of them unknown
RECORD_AGAIN = 0.1, 0.5, 2.0  # seconds: what a busy database did not take is written down after all

_DUE = (
    "SELECT id FROM messages WHERE channel = :channel AND state = 'queued' AND priority <= :priority"
    " AND due_at <= :now ORDER BY priority, due_at LIMIT :most"
)
_LOOK = Statement(_DUE)
# Materialized: PostgreSQL may run a sub-select with a limit again for each row, and claim too many.
_CLAIM = Statement(
    f"WITH taken AS MATERIALIZED ({_DUE}{SKIP_LOCKED}) UPDATE messages SET state = 'claimed',"  # noqa: S608 - our own two texts
    " lease_token = :lease, lease_until = :until WHERE id IN (SELECT id FROM taken) RETURNING id"
)
_ATTEMPTING = Statement(
    "UPDATE messages SET state = 'attempting', tries = tries + 1, lease_until = :until, sender_id = :sender"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
_ATTEMPT = Statement(
    "INSERT INTO attempts (id, message_id, number, started_at) VALUES (:id, :message, :number, :started_at)"
)
# A pulse closes for all at once
_SENDING = Statement(
    "UPDATE invitations SET state = 'sending', reason = NULL, until = NULL, sandbox = :sandbox,"
    " expires_at = CASE WHEN metric = 'enps' THEN expires_at ELSE :open_until END"
    " WHERE id = :id AND state = 'queued'"
)


def send_urgent(runtime: Runtime) -> int:
    """Alerts, replies and account mails: a thread of their own, so that they leave within a second."""
    return _send_all(runtime, FIRST)


def send_due(runtime: Runtime) -> int:
    """Everything that is due, on every channel. How many messages were handed over."""
    return _send_all(runtime, LAST)


def _send_all(runtime: Runtime, priority: int) -> int:
    return sum(_send_channel(runtime, name, channel, priority) for name, channel in runtime.channels.items())


def _send_channel(runtime: Runtime, name: str, channel: Channel, priority: int) -> int:
    sent = 0
    while _is_anything_due(runtime, name, priority) and (lease := _claim(runtime, name, channel, priority)):
        runtime.reach("claimed")
        for _start in range(0, lease.claimed, GROUP):
            handed_over = _send_group(runtime, lease)
            if handed_over is None:
                break
            sent += handed_over
    return sent


def _is_anything_due(runtime: Runtime, channel: str, priority: int) -> bool:
    """Looking costs no writer's lock."""
    values = {"channel": channel, "priority": priority, "now": runtime.clock(), "most": 1}
    with runtime.db.read() as session:
        return _LOOK.run(session, values).fetchone() is not None


def _claim(runtime: Runtime, name: str, channel: Channel, priority: int) -> Lease | None:
    """Take what is due for ourselves; None when there is nothing, or nothing may leave."""
    now, token = runtime.clock(), new_id()
    claim = {"channel": name, "priority": priority, "now": now}
    claim |= {"most": CLAIMED, "lease": token, "until": now + CLAIM_LEASE}
    with runtime.db.write() as session:
        if switch.is_paused(session) or outcomes.is_resting(session, name, now):
            return None
        claimed = len(_CLAIM.run(session, claim).fetchall())  # sqlite3 counts no rows after a WITH
    return Lease(token, claimed, name, channel) if claimed else None


def _send_group(runtime: Runtime, lease: Lease) -> int | None:
    """Send the next few under this lease: how many were handed over; None when none is left."""
    with runtime.db.write() as session:
        now = runtime.clock()
        group = _attempt(session, runtime, lease, now)
        slot = None if group is None else _slot(session, lease, len(group[0]), now)
    runtime.reach("attempting")
    if group is None:
        return None
    letters, ended = group
    known = {each.of.id: each.of for each in letters}
    filled = composing.fill(runtime, letters, ended, now + HAND_OVER)
    for id, outcome in lease.channel.deliver(pacing.in_their_time(filled, lease.name, slot, now)):
        ended.append((known[id], outcome))
        runtime.reach("handed_over")
    silent = known.keys() - {each.id for each, _ in ended}
    ended.extend((known[id], DeliveryError("provider_refused", unknown=True)) for id in silent)
    sent = _record(runtime, lease, ended)
    runtime.reach("recorded")
    return sent


def _record(runtime: Runtime, lease: Lease, ended: Sequence[Ended]) -> int:
    """What is known of an end is not lost over somebody else's lock: it is written down at a later try."""
    for wait in RECORD_AGAIN:
        try:
            return _record_once(runtime, lease, ended)
        except Unavailable:
            time.sleep(wait)
    return _record_once(runtime, lease, ended)


def _record_once(runtime: Runtime, lease: Lease, ended: Sequence[Ended]) -> int:
    with runtime.db.write() as session:
        return outcomes.record(session, ended, lease.token, runtime.clock(), runtime.channels)


def _slot(session: Session, lease: Lease, number: int, now: datetime) -> datetime | None:
    return None if lease.channel.pretends else pacing.reserve(session, lease.name, number, now)


def _attempt(
    session: Session, runtime: Runtime, lease: Lease, now: datetime
) -> tuple[list[Departure], list[Ended]] | None:
    """Check once more, mint the links, write the attempts; what is returned may be sent after the commit."""
    if switch.is_paused(session):
        return None
    group = departing.load(session, lease.token, now, GROUP)
    if not group:
        return None
    leaving = last_gate.let_leave(session, runtime, group, lease, now)
    if not leaving:
        return [], []
    sender = senders.sender_id(session, lease.name, senders.identity(runtime, lease.name), now)
    held = {"lease": lease.token, "until": now + ATTEMPT_LEASE, "sender": sender}
    attempts = [
        {"id": new_id(), "message": each.id, "number": each.tries + 1, "started_at": now} for each in leaving
    ]
    asks = {"sandbox": lease.channel.pretends, "open_until": now + OPEN_FOR}
    asked = [each.invitation_id for each in leaving if each.purpose == "invitation"]
    with together(session):
        _ATTEMPTING.run_many(session, [held | {"id": each.id} for each in leaving])
        _ATTEMPT.run_many(session, attempts)
        _SENDING.run_many(session, [asks | {"id": each} for each in asked])
    return composing.compose(session, runtime, leaving, now)
