"""The sender: claim, attempt, call the provider with no transaction open, record; a commit after each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from app.channels.base import Channel, DeliveryError
from app.db import SKIP_LOCKED, Statement
from app.domain.caps import first_allowed
from app.domain.delivery import ASKING, ATTEMPT_LEASE, CLAIM_LEASE, HAND_OVER
from app.models import Invitation, Occurrence, new_id
from app.runtime import Runtime
from app.services import (
    capping,
    composing,
    departing,
    hourly,
    leaving_rules,
    other_ways,
    outcomes,
    pacing,
    senders,
    switch,
)
from app.services.capping import Tally
from app.services.composing import Departure, Ended
from app.services.departing import Departing
from app.services.outbox import FIRST, LAST

CLAIMED = 20  # at a time: few enough to be sent within their lease by any server worth the name
WHILE_PAUSED = timedelta(minutes=10)  # a reminder is looked at again: nobody releases it
GROUP = 10  # attempts committed together: no crash leaves more of them unknown

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
_SENDING = Statement(
    "UPDATE invitations SET state = 'sending', reason = NULL, until = NULL, sandbox = :sandbox"
    " WHERE id = :id AND state = 'queued'"
)
# What waits waits at the usual priority: no look at what is due passes over it to what comes later
_HELD_BACK = Statement(
    "UPDATE messages SET state = 'queued', reason = :reason, due_at = :until, lease_token = NULL,"
    " lease_until = NULL, priority = CASE WHEN priority > 1 THEN 1 ELSE priority END"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
_LATER = Statement(
    "UPDATE messages SET state = 'queued', due_at = :until, lease_token = NULL, lease_until = NULL,"
    " priority = CASE WHEN priority > 1 THEN 1 ELSE priority END"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
# Looked at anew there: nothing may reach that address either
_FOLLOWS = Statement(
    "UPDATE messages SET state = 'queued', to_address = :address, address_key = :key, lease_token = NULL,"
    " lease_until = NULL WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
_ASKED_AT = Statement("UPDATE invitations SET address_key = :key WHERE id = :id")
_PAUSED = Statement(
    "UPDATE messages SET state = 'cancelled', reason = 'sending_paused', lease_token = NULL,"
    " lease_until = NULL WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
_PLANNED = Statement(
    "UPDATE invitations SET state = 'planned', reason = 'sending_paused' WHERE id = :id AND state = 'queued'"
)
_WAITS = Statement(
    "UPDATE invitations SET reason = :reason, until = :until WHERE id = :id AND state = 'queued'"
)
_REFUSED = Statement(
    "UPDATE messages SET state = 'cancelled', reason = :reason WHERE id = :id AND lease_token = :lease"
)
_SKIPPED = Statement(
    "UPDATE invitations SET state = :state, reason = :reason, until = NULL"
    " WHERE id = :id AND state = 'queued'"
)


@dataclass(frozen=True)
class Lease:
    """What this worker may send for a few seconds, on one channel; `claimed` says how many messages."""

    token: str
    claimed: int
    name: str
    channel: Channel


@dataclass(frozen=True)
class Waits:
    """Why a message may not leave yet, and when it may."""

    reason: str
    until: datetime


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
    with runtime.db.write() as session:
        sent = outcomes.record(session, ended, lease.token, runtime.clock(), runtime.channels)
    runtime.reach("recorded")
    return sent


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
    leaving = _let_leave(session, runtime, group, lease, now)
    if not leaving:
        return [], []
    sender = senders.sender_id(session, lease.name, senders.identity(runtime, lease.name), now)
    held = {"lease": lease.token, "until": now + ATTEMPT_LEASE, "sender": sender}
    _ATTEMPTING.run_many(session, [held | {"id": each.id} for each in leaving])
    attempts = [
        {"id": new_id(), "message": each.id, "number": each.tries + 1, "started_at": now} for each in leaving
    ]
    _ATTEMPT.run_many(session, attempts)
    sandbox = lease.channel.pretends
    asked = [each.invitation_id for each in leaving if each.purpose == "invitation"]
    _SENDING.run_many(session, [{"id": each, "sandbox": sandbox} for each in asked])
    return composing.compose(session, runtime, leaving, now)


def _let_leave(
    session: Session, runtime: Runtime, group: Sequence[Departing], lease: Lease, now: datetime
) -> list[Departing]:
    """Those that may leave now; the others end with a reason, or wait for a better hour."""
    leaving: list[Departing] = []
    rings = not lease.channel.pretends  # the sandbox rings at nobody's, and has no limits
    tally = capping.tally(session, group, now, sandbox_on=runtime.config.sandbox_on)
    crowded = pacing.too_soon(session, lease.name, group, now) if rings else {}
    room = hourly.room(session, group)
    for each in group:
        reason = each.refusal(now) or (_refusal_there(session, each, now) if each.has_moved else None)
        if reason is None and each.has_moved:
            _follow(session, each, lease)
            continue
        reason = reason or (leaving_rules.refusal(session, runtime, each, now) if rings else None)
        waits = _waits(each, tally, now, rings=rings) if reason is None else None
        has_room = room.has_room(each, now)
        if rings and has_room and not (reason or waits or each.is_paused or each.id in crowded):
            reason = leaving_rules.use_up(session, runtime, each, now)
        if reason is not None:
            _refuse(session, each, reason, lease)
            if each.purpose == "invitation" and reason in other_ways.OF_ONE_WAY:
                other_ways.take_next(session, each.invitation_id, reason, runtime.channels, now)
        elif each.is_paused:
            _wait_for_resuming(session, each, lease, now)
        elif waits is not None:
            _hold_back(session, each, waits, lease)
        elif each.id in crowded:
            _LATER.run(session, {"id": each.id, "lease": lease.token, "until": crowded[each.id]})
        elif not has_room:
            _LATER.run(session, {"id": each.id, "lease": lease.token, "until": room.turn(each, now)})
        else:
            tally.leaves(each, now)
            room.leaves(each, now)
            leaving.append(each)
    hourly.keep(session, room)
    return leaving


def _waits(each: Departing, tally: Tally, now: datetime, *, rings: bool) -> Waits | None:
    """Why this ask has to wait, and until the first moment that neither a cap nor their quiet forbids."""
    if each.purpose not in ASKING:
        return None
    capped, quiet = partial(tally.until, each), each.quiet_until if rings else _never
    until = first_allowed(now, capped, quiet)
    return None if until is None else Waits("capped" if capped(now) else "quiet_hours", until)


def _never(_: datetime) -> None:
    return None


def _hold_back(session: Session, each: Departing, waits: Waits, lease: Lease) -> None:
    """It waits for its hour, and says so; nothing is lost."""
    told = {"reason": waits.reason, "until": waits.until}
    _HELD_BACK.run(session, told | {"id": each.id, "lease": lease.token})
    if each.purpose == "invitation":
        _WAITS.run(session, told | {"id": each.invitation_id})


def _refusal_there(session: Session, each: Departing, now: datetime) -> str | None:
    """Why they are not asked at the address that they have by now; None when they may be."""
    if not each.address_now:
        return "no_address"
    invitation = session.get_one(Invitation, each.invitation_id)
    run = session.get_one(Occurrence, invitation.occurrence_id)
    return "resting" if other_ways.rests_at(session, invitation, run, each.key_now, now) else None


def _follow(session: Session, each: Departing, lease: Lease) -> None:
    """They have another address by now: nobody at the old one gets their question."""
    there = {"address": each.address_now, "key": each.key_now}
    _FOLLOWS.run(session, there | {"id": each.id, "lease": lease.token})
    if each.purpose == "invitation":  # a reminder leaves it where the ask went
        _ASKED_AT.run(session, {"key": each.key_now, "id": each.invitation_id})


def _wait_for_resuming(session: Session, each: Departing, lease: Lease, now: datetime) -> None:
    """Its schedule was paused while this was in hand, or before it is tried again: it waits as well."""
    if each.purpose == "reminder":
        _LATER.run(session, {"id": each.id, "lease": lease.token, "until": now + WHILE_PAUSED})
        return
    _PAUSED.run(session, {"id": each.id, "lease": lease.token})
    _PLANNED.run(session, {"id": each.invitation_id})


def _refuse(session: Session, each: Departing, reason: str, lease: Lease) -> None:
    _REFUSED.run(session, {"id": each.id, "reason": reason, "lease": lease.token})
    if each.purpose == "invitation":
        state = {"expired": "expired", "cancelled": "cancelled"}.get(reason, "skipped")
        _SKIPPED.run(session, {"id": each.invitation_id, "state": state, "reason": reason})
