"""Records how attempts ended: one transaction for a group, fenced by the lease token."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy.orm import Session

from app.channels.base import DeliveryError, KeptCopy, Outcome, Receipt
from app.db import Statement, together
from app.domain.brakes import BOUNCES
from app.domain.clock_jumps import holds
from app.domain.delivery import REPEATABLE, next_try
from app.models import Message, SandboxCopy, Setting
from app.services import (
    ask_messages,
    brakes,
    followup_opening,
    holding,
    last_gate,
    moving_chats,
    opt_outs,
    other_ways,
    pulse_reminders,
    reminder_ends,
    wishes,
)
from app.services.departing import Departing

_REST = Statement("SELECT value FROM installation WHERE name = :name")
_SENT = Statement(
    "UPDATE messages SET state = CASE WHEN state = 'delivered' THEN 'delivered' ELSE 'sent' END,"
    " reason = NULL, detail = NULL, sent_at = :now,"
    " provider_id = CASE WHEN to_address = '' AND channel = 'telegram' THEN NULL ELSE :provider_id END"
    " WHERE id = :id AND lease_token = :lease AND state IN ('attempting', 'unknown', 'delivered')"
)
# What a status told first stands: the ask may have failed by now, or wait for its next channel or next try
_INVITATION_SENT = Statement(
    "UPDATE invitations SET sent_at = COALESCE(sent_at, :now), reason = NULL,"
    " state = CASE WHEN state IN ('queued', 'sending', 'unknown') THEN 'sent' ELSE state END WHERE id = :id"
    " AND EXISTS (SELECT 1 FROM messages m WHERE m.id = :message AND m.lease_token = :lease"
    " AND m.state IN ('sent', 'delivered'))"
)
# What the server said may name its addressee, who may have been erased while the message left
_ENDED = Statement(
    "UPDATE attempts SET ended_at = :now, outcome = :outcome, detail = CASE WHEN EXISTS"
    " (SELECT 1 FROM messages m WHERE m.id = :id AND m.to_address = '') THEN NULL ELSE :detail END"
    " WHERE message_id = :id AND ended_at IS NULL"
)
# `unknown` as well: a worker that was slow does know how its own attempt ended.
_NOT_SENT = Statement(
    "UPDATE messages SET state = :state, reason = :reason, due_at = COALESCE(:due, due_at), tries = :tries,"
    " detail = CASE WHEN to_address = '' THEN NULL ELSE :detail END"
    " WHERE id = :id AND lease_token = :lease AND state IN ('attempting', 'unknown')"
)
_INVITATION_STATE = Statement(
    "UPDATE invitations SET state = :state, reason = :reason"
    " WHERE id = :id AND state IN ('sending', 'unknown')"
)
# The question was lost while this waited; of a pulse no row tells to whom a reminder went
_ASKED_BY_REMINDER = Statement(
    "UPDATE invitations SET state = 'sent', reason = NULL, channel = :channel, address_key = :key"
    " WHERE id = :id AND state = 'failed' AND metric <> 'enps'"
    " AND EXISTS (SELECT 1 FROM messages m WHERE m.id = :message AND m.lease_token = :lease"
    " AND m.state IN ('sent', 'delivered'))"
)
_OTHER = Statement(
    "SELECT 1 FROM messages m JOIN messages o ON o.sender_id = m.sender_id AND o.provider_id = :name"
    " WHERE m.id = :id AND o.id <> :id"
)
NAMED_ONCE = ("sms", "whatsapp")  # whose provider names every message anew
Ended = Sequence[tuple[Departing, Outcome]]
CHANNEL_REST = "channel_rests_until:"  # a row of `installation`, so that every worker sees it
LONGEST_REST = timedelta(hours=1)  # no provider's word makes it longer, and no clock that was wrong


def record(
    session: Session,
    group: Ended,
    lease: str,
    now: datetime,
    ready: Collection[str],
) -> int:
    """Write down how each attempt ended; an ask that failed for good takes its next channel of those ready.

    How many were handed over.
    """
    group, gone = _without_gone(session, group)
    _hold_people(session, group)
    names: set[str] = set()
    group = [(each, _if_new(session, each, outcome, names)) for each, outcome in group]
    sent = [(each, outcome) for each, outcome in group if isinstance(outcome, Receipt)]
    _record_sent(session, sent, lease, now)
    for _, its in groupby(sorted(group, key=_by_brake), key=_by_brake):
        failed = [(each, outcome) for each, outcome in its if isinstance(outcome, DeliveryError)]
        for each, error in failed:
            _record_error(session, each, error, lease, now)
            if _after(each, error, now)[0] == "failed":
                _ask_elsewhere(session, each, error.reason, ready, now)
        last_gate.end_cancelled(session, [each for each, _ in failed], lease)
    for each, outcome in gone:
        if isinstance(outcome, DeliveryError) and outcome.pause_seconds is not None:
            rest_channel(session, each.channel, now, outcome.pause_seconds)
    return len(sent)


def _ask_elsewhere(
    session: Session, each: Departing, reason: str, ready: Collection[str], now: datetime
) -> None:
    if each.purpose == "invitation" and reason != "opted_out":
        other_ways.take_next(session, each.invitation_id, ready, now)
    elif each.purpose == "reminder":
        reminder_ends.lost(session, each.invitation_id, reason, ready, now)


def _without_gone(session: Session, group: Ended) -> tuple[Ended, Ended]:
    """Apart from the others: reminders whose pulse was closed while they left. Nothing is told of those."""
    reminders = {each.invitation_id for each, _ in group if each.purpose == "reminder"}
    closed = pulse_reminders.of_closed(session, reminders)
    gone = [pair for pair in group if pair[0].purpose == "reminder" and pair[0].invitation_id in closed]
    return [pair for pair in group if pair not in gone] if gone else group, gone


def _hold_people(session: Session, group: Ended) -> None:
    """Before any message: what follows from an error writes about its person, or to them."""
    ids = {each.contact_id for each, outcome in group if isinstance(outcome, DeliveryError)}
    holding.those_held(session, {id for id in ids if id is not None})


def _by_brake(ended: tuple[Departing, Outcome]) -> str:
    """In one order for all, so that two workers never wait for each other's brakes, or schedules."""
    return brakes.name_of(ended[0])


def _if_new(session: Session, each: Departing, outcome: Outcome, names: set[str]) -> Outcome:
    """A name that another message of ours has already, or of this group, says nothing of this one."""
    if each.channel not in NAMED_ONCE or not isinstance(outcome, Receipt) or not outcome.provider_id:
        return outcome
    name = outcome.provider_id
    if name not in names and _OTHER.run(session, {"name": name, "id": each.id}).fetchone() is None:
        names.add(name)
        return outcome
    return DeliveryError("provider_unreachable", unknown=True, detail="an id that another message has")


def _record_sent(
    session: Session, sent: Sequence[tuple[Departing, Receipt]], lease: str, now: datetime
) -> None:
    if not sent:
        return
    told = [
        {"id": each.id, "provider_id": receipt.provider_id[:320], "now": now, "lease": lease}
        for each, receipt in sent
    ]
    ended = [{"id": each.id, "now": now, "outcome": "sent", "detail": None} for each, _ in sent]
    asked = [
        {"id": each.invitation_id, "now": now, "message": each.id, "lease": lease}
        for each, _ in sent
        if each.purpose == "invitation"
    ]
    by: dict[str, str | None] = {"lease": lease}
    reminded = [
        by | {"id": each.invitation_id, "message": each.id, "channel": each.channel, "key": each.address_key}
        for each, _ in sent
        if each.purpose == "reminder"
    ]
    with together(session):
        _SENT.run_many(session, told)
        _ENDED.run_many(session, ended)
        _INVITATION_SENT.run_many(session, asked)
        _ASKED_BY_REMINDER.run_many(session, reminded)
    for each, receipt in sent:
        if each.purpose == "reply" and each.followup_id:
            followup_opening.reply_left(session, each.followup_id, now)
        if receipt.moved_to:
            moving_chats.move_chat(session, each.to_address, receipt.moved_to, now)
        if receipt.kept is not None:
            _keep_copy(session, each, receipt.kept, now)


def _keep_copy(session: Session, each: Departing, kept: KeptCopy, now: datetime) -> None:
    """What the sandbox shows. Links that set passwords never stand there."""
    message = session.get(Message, each.id)
    if message is None or not message.to_address:
        return  # a reminder whose pulse was closed, or somebody who was erased, while it left
    if each.purpose != "account":
        copy = SandboxCopy(
            message_id=each.id, subject=kept.subject, text=kept.text, html=kept.html, arrived_at=now,
            buttons=[[[button.label, button.data] for button in row] for row in kept.buttons],
        )  # fmt: skip
        session.merge(copy)


def _record_error(session: Session, each: Departing, error: DeliveryError, lease: str, now: datetime) -> None:
    state, due, tries = _after(each, error, now)
    values = {"id": each.id, "lease": lease, "reason": error.reason, "detail": error.detail}
    is_ours = _NOT_SENT.run(session, values | {"state": state, "due": due, "tries": tries}).rowcount > 0
    outcome = "unknown" if error.unknown else error.reason
    _ENDED.run(session, {"id": each.id, "now": now, "outcome": outcome, "detail": error.detail})
    if is_ours and each.purpose == "invitation":
        if state == "failed":
            ask_messages.hold_waiting(session, each.invitation_id, "reminder")
        reason = None if state == "queued" else error.reason
        _INVITATION_STATE.run(session, {"id": each.invitation_id, "state": state, "reason": reason})
    if error.pause_seconds is not None:
        rest_channel(session, each.channel, now, error.pause_seconds)
    if error.stops_run:
        brakes.stop_run(session, each.id, error.reason, now)
    if error.reason == "outside_window":
        brakes.shut_window(session, each.address_key)
    returned = error.permanent and error.reason in BOUNCES and each.to_address  # to nowhere says nothing
    if returned and is_ours:  # else a status has counted it
        brakes.bounced(session, each.id, error.reason, now)
    if each.purpose == "reminder":
        now = pulse_reminders.dated(session, each.id, now)
    if error.permanent and error.reason == "opted_out" and each.workspace_id:
        wishes.opt_out_by_message(session, each.id, "provider", now)
    elif returned and each.workspace_id and each.address_key:
        opt_outs.record(
            session, each.workspace_id, None, (each.address_key,), kind="bounce", origin="provider", now=now
        )


def _after(each: Departing, error: DeliveryError, now: datetime) -> tuple[str, datetime | None, int]:
    """The message's next state, when it is due again, and how often it has been tried."""
    tries = each.tries + 1
    if error.unknown and each.purpose not in REPEATABLE:
        return "unknown", None, tries
    if error.permanent:
        return "failed", None, tries
    if error.pause_seconds is not None:  # our trouble or the provider's: it is not held against the message
        return "queued", now + timedelta(seconds=error.pause_seconds), each.tries
    if error.most_tries is not None and tries >= error.most_tries:
        return "failed", None, tries
    due = next_try(tries, now)
    if due is not None and error.retry_seconds is not None:
        due = max(due, now + timedelta(seconds=error.retry_seconds))
    return ("failed", None, tries) if due is None else ("queued", due, tries)


def rest_channel(session: Session, channel: str, now: datetime, seconds: int) -> None:
    """Nothing is tried on this channel until then, by any worker."""
    until = now + min(timedelta(seconds=seconds), LONGEST_REST)
    session.merge(Setting(name=CHANNEL_REST + channel, value=until.isoformat()))


def is_resting(session: Session, channel: str, now: datetime) -> bool:
    """Is the channel left alone for a while?"""
    return rests_until(session, channel, now) is not None


def rests_until(session: Session, channel: str, now: datetime) -> datetime | None:
    """Until when the channel is left alone; None: it is not."""
    found = _REST.run(session, {"name": CHANNEL_REST + channel}).fetchone()
    until = datetime.fromisoformat(found[0]) if found else None
    return until if until is not None and holds(until, now, LONGEST_REST) else None
