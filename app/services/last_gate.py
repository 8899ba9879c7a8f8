"""The last gate: of a claimed group, what leaves now, what waits for a better hour, and what ends here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.channels.base import Channel
from app.db import Statement
from app.domain import levels
from app.domain.caps import Rule, first_allowed
from app.domain.delivery import ASKING
from app.models import Invitation, Occurrence, Schedule
from app.runtime import Runtime
from app.services import (
    ask_messages,
    capping,
    holding,
    hourly,
    leaving_rules,
    other_ways,
    pacing,
    reminder_ends,
)
from app.services.capping import Tally
from app.services.departing import Departing
from app.services.hourly import Room
from app.services.inviting import OPEN_FOR
from app.services.outbox import USUAL
from app.services.standstill import STOP_NOW

SOON = timedelta(seconds=1)
WHILE_PAUSED = timedelta(minutes=10)  # a reminder is looked at again: nobody releases it
# What waits waits at the usual priority: no look at what is due passes over it to what comes later. So that
# others need not wait for all of a large run in the morning, its later levels come due later instead
_HELD_BACK = Statement(
    "UPDATE messages SET state = 'queued', reason = :reason, due_at = :due_at, lease_token = NULL,"
    " lease_until = NULL, level = :level, priority = CASE WHEN priority > 1 THEN 1 ELSE priority END"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
_LATER = Statement(  # without the reason of an earlier wait: no change of its rules makes this one due
    "UPDATE messages SET state = 'queued', reason = NULL, due_at = :until, lease_token = NULL,"
    " lease_until = NULL,"
    " priority = CASE WHEN priority > 1 THEN 1 ELSE priority END"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
# Looked at anew there: nothing may reach that address either
_FOLLOWS = Statement(
    "UPDATE messages SET state = 'queued', to_address = :address, address_key = :key, lease_token = NULL,"
    " lease_until = NULL WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
)
# Shared, so that whoever resumes it waits for us, and then finds whom we held back
_STATE_NOW = select(Schedule.state).where(Schedule.id == bindparam("id")).with_for_update(read=True)
_BACK_IN_QUEUE = Statement(
    "UPDATE messages SET state = 'cancelled', reason = 'cancelled'"
    " WHERE id = :id AND lease_token = :lease AND state = 'queued'"
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
_STAYS_OPEN = Statement(
    "UPDATE invitations SET expires_at = :open_until WHERE id = :id AND state = 'queued'"
    " AND expires_at < :open_until AND metric <> 'enps'"
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
    """Why a message may not leave yet, and until when; of a large run its level waits a little longer."""

    reason: str
    until: datetime
    due_at: datetime


def let_leave(
    session: Session, runtime: Runtime, group: Sequence[Departing], lease: Lease, now: datetime
) -> list[Departing]:
    """A step: those that may leave now; the others end with a reason, or wait for a better hour."""
    leaving: list[Departing] = []
    rings = not lease.channel.pretends  # the sandbox rings at nobody's, and has no limits
    tally = capping.tally(session, group, now, sandbox_on=runtime.config.sandbox_on)
    states: dict[str, str | None] = {}
    crowded = pacing.too_soon(session, lease.name, group, now) if rings else {}
    room = _room(session, group, states)
    for each in group:
        reason = each.refusal(now) or (_refusal_there(session, each, lease, now) if each.has_moved else None)
        if reason is None and each.has_moved:
            _follow(session, each, lease)
            continue
        reason = reason or (leaving_rules.refusal(session, runtime, each, now) if rings else None)
        may_wait = reason is None and not each.is_paused  # which gets no turn: it is judged as it goes on
        waits = _waits(each, tally, room, now, rings=rings) if may_wait else None
        has_room = room.has_room(each, now)
        stays = waits is not None or each.is_paused or each.id in crowded or not has_room
        if reason is None and stays and _state_now(session, each, states) == "cancelled":
            reason = "cancelled"  # since we looked: nobody else would end what goes back to the queue
        if rings and has_room and not (reason or waits or each.is_paused or each.id in crowded):
            reason = leaving_rules.use_up(session, runtime, each, now)
        if reason is not None:
            refuse(session, runtime, each, reason, token=lease.token, now=now)
        elif each.is_paused:
            wait_for_resuming(session, each, lease.token, now)
        elif waits is not None:
            _hold_back(session, each, waits, lease)
        elif each.id in crowded:
            _LATER.run(session, {"id": each.id, "lease": lease.token, "until": crowded[each.id]})
        elif not has_room:
            _wait_for_turn(session, each, lease, room.turn(each, now))
        else:
            tally.leaves(each, now)
            room.leaves(each, now)
            leaving.append(each)
    hourly.keep(session, room)
    return leaving


def _room(session: Session, group: Sequence[Departing], states: dict[str, str | None]) -> Room:
    """The hours of a group's schedules, held after those: whoever pauses one takes them in that order too."""
    for each in sorted(group, key=_by_schedule):
        if each.per_hour:
            _state_now(session, each, states)
    return hourly.room(session, group)


def _by_schedule(each: Departing) -> str:
    return each.schedule_id or ""


def _state_now(session: Session, each: Departing, known: dict[str, str | None]) -> str | None:
    """Of its schedule, or pulse: whoever changes it waits for us, and then finds what we put back."""
    if each.stands_still:
        its = {"workspace_id": each.workspace_id, "id": each.occurrence_id}
        return "paused" if session.scalar(STOP_NOW, its) else None
    if each.schedule_id is None or each.purpose not in ASKING:
        return None
    if each.schedule_id not in known:
        known[each.schedule_id] = session.scalar(_STATE_NOW, {"id": each.schedule_id})
    return known[each.schedule_id]


def end_cancelled(session: Session, group: Sequence[Departing], token: str) -> None:
    """A step: of those of a schedule that failed, what goes back to the queue ends if it was cancelled."""
    states: dict[str, str | None] = {}
    for each in group:
        if _state_now(session, each, states) == "cancelled":
            _BACK_IN_QUEUE.run(session, {"id": each.id, "lease": token})
            if each.purpose == "invitation":
                _SKIPPED.run(session, {"id": each.invitation_id, "state": "cancelled", "reason": "cancelled"})


def _waits(each: Departing, tally: Tally, room: Room, now: datetime, *, rings: bool) -> Waits | None:
    """Why this ask has to wait, and until the first moment that no date, no cap and no quiet forbids.

    Of a large run the later ones wait a little longer, as far as that is no wrong moment again; where so many
    an hour may leave, they take turns from that moment on.
    """
    if each.purpose not in ASKING:
        return None
    rules: dict[str, Rule] = {"blackout": each.dark_until, "capped": partial(tally.until, each)}
    if rings:
        rules["quiet_hours"] = each.quiet_until
    until = first_allowed(now, *rules.values())
    if until is None:
        return None
    why = next(why for why, rule in rules.items() if rule(now))
    if each.per_hour and why != "capped":  # which is their own, and heaps nobody up
        alike = None if tally.weighs(each) else each.zone_at(until)  # the rest is their workspace's
        turn = room.turn(each, until, *rules.values(), alike=alike)
        return Waits(why, turn, turn)
    due_at = levels.due_at(until, _level(each))
    is_in_time = each.expires_at is None or due_at < each.expires_at
    if not is_in_time or first_allowed(due_at, *rules.values()) is not None:
        return Waits(why, until, until)
    return Waits(why, until, due_at)


def _level(each: Departing) -> int:
    """Which it is of a large run, also on the second night that it meets."""
    return max(each.priority - USUAL, each.level)


def _wait_for_turn(session: Session, each: Departing, lease: Lease, turn: datetime) -> None:
    """So many an hour, and it is none of them: however long that takes, it is not too late for that."""
    _LATER.run(session, {"id": each.id, "lease": lease.token, "until": turn})
    _STAYS_OPEN.run(session, {"id": each.invitation_id, "open_until": turn + OPEN_FOR})


def _hold_back(session: Session, each: Departing, waits: Waits, lease: Lease) -> None:
    """It waits for its hour, and says so; nothing is lost."""
    held = {"reason": waits.reason, "due_at": waits.due_at, "level": _level(each)}
    _HELD_BACK.run(session, held | {"id": each.id, "lease": lease.token})
    if each.purpose == "invitation":
        told = {"reason": waits.reason, "until": waits.until}
        _WAITS.run(session, told | {"id": each.invitation_id})
    if each.per_hour:
        _STAYS_OPEN.run(session, {"id": each.invitation_id, "open_until": waits.until + OPEN_FOR})


def _refusal_there(session: Session, each: Departing, lease: Lease, now: datetime) -> str | None:
    """Why they are not asked at the address that they have by now; None when they may be."""
    if not each.address_now:
        return "no_address"
    invitation = session.get_one(Invitation, each.invitation_id)
    run = session.get_one(Occurrence, invitation.occurrence_id)
    pretends = lease.channel.pretends
    is_rest = other_ways.rests_at(session, invitation, run, each.key_now, now, pretends=pretends)
    return "resting" if is_rest else None


def _follow(session: Session, each: Departing, lease: Lease) -> None:
    """They have another address by now: nobody at the old one gets their question."""
    there = {"address": each.address_now, "key": each.key_now}
    _FOLLOWS.run(session, there | {"id": each.id, "lease": lease.token})
    if each.purpose == "invitation":  # a reminder leaves it where the ask went
        _ASKED_AT.run(session, {"key": each.key_now, "id": each.invitation_id})


def wait_for_resuming(session: Session, each: Departing, token: str, now: datetime) -> None:
    """A step: its schedule was paused while this was in hand, or before its next try: it waits as well."""
    if each.purpose == "reminder":
        _LATER.run(session, {"id": each.id, "lease": token, "until": now + WHILE_PAUSED})
        return
    if _state_now(session, each, {}) != "paused":  # it went on since we looked
        _LATER.run(session, {"id": each.id, "lease": token, "until": now})
        return
    _PAUSED.run(session, {"id": each.id, "lease": token})
    _PLANNED.run(session, {"id": each.invitation_id})


def refuse(
    session: Session, runtime: Runtime, each: Departing, reason: str, *, token: str, now: datetime
) -> None:
    """A step: this one does not leave. Where the reason is one of its way, the next way is taken.

    Somebody who is just erased or edited is looked at again: we hold the message, and they come before it.
    """
    of_one_way = reason in other_ways.OF_ONE_WAY or (reason == "opted_out" and each.is_unwanted_here)
    goes_on = each.may_go_elsewhere and of_one_way
    if goes_on and not holding.is_held(session, each.contact_id):
        _LATER.run(session, {"id": each.id, "lease": token, "until": now + SOON})
        return
    _REFUSED.run(session, {"id": each.id, "reason": reason, "lease": token})
    if each.purpose != "invitation":
        if goes_on:
            reminder_ends.lost(session, each.invitation_id, reason, runtime.channels, now)
        return
    if goes_on:
        ask_messages.hold_waiting(session, each.invitation_id, "reminder")
    state = "cancelled" if reason == "cancelled" else "skipped"
    _SKIPPED.run(session, {"id": each.invitation_id, "state": state, "reason": reason})
    if goes_on:
        other_ways.take_next(session, each.invitation_id, runtime.channels, now)
