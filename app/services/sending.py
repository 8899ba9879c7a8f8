"""The sender: claim, attempt, call the provider with no transaction open, record; a commit after each."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.orm import Session

from app.channels.base import Channel, DeliveryError
from app.domain.delivery import ATTEMPT_LEASE, CLAIM_LEASE
from app.models import Attempt, Message, new_id
from app.models.base import UtcDateTime
from app.runtime import Runtime
from app.services import composing, departing, outcomes, senders, switch
from app.services.composing import Ended, Letter
from app.services.departing import Departing
from app.services.outbox import FIRST, USUAL

CLAIMED = 20  # at a time: few enough to be sent within their lease by any server worth the name
GROUP = 10  # attempts committed together: no crash leaves more of them unknown

_ATTEMPTING = text(
    "UPDATE messages SET state = 'attempting', tries = tries + 1, lease_until = :until, sender_id = :sender"
    " WHERE id = :id AND lease_token = :lease AND state = 'claimed'"
).bindparams(bindparam("until", type_=UtcDateTime))
_SENDING = text(
    "UPDATE invitations SET state = 'sending', sandbox = :sandbox WHERE id = :id AND state = 'queued'"
)
_REFUSED = text(
    "UPDATE messages SET state = 'cancelled', reason = :reason WHERE id = :id AND lease_token = :lease"
)
_SKIPPED = text("UPDATE invitations SET state = :state, reason = :reason WHERE id = :id AND state = 'queued'")


def send_urgent(runtime: Runtime) -> int:
    """Alerts, replies and account mails: a thread of their own, so that they leave within a second."""
    return _send_all(runtime, FIRST)


def send_due(runtime: Runtime) -> int:
    """Everything that is due, on every channel. How many messages were handed over."""
    return _send_all(runtime, USUAL)


def _send_all(runtime: Runtime, priority: int) -> int:
    return sum(_send_channel(runtime, name, channel, priority) for name, channel in runtime.channels.items())


def _send_channel(runtime: Runtime, name: str, channel: Channel, priority: int) -> int:
    sent = 0
    while claimed := _claim(runtime, name, priority):
        lease, ids = claimed
        runtime.reach("claimed")
        for start in range(0, len(ids), GROUP):
            sent += _send_group(runtime, name, channel, ids[start : start + GROUP], lease)
    return sent


def _claim(runtime: Runtime, channel: str, priority: int) -> tuple[str, list[str]] | None:
    """Take what is due for ourselves for a few seconds; None when there is nothing, or nothing may leave."""
    now = runtime.clock()
    due = (
        select(Message.id)
        .where(
            Message.channel == channel,
            Message.state == "queued",
            Message.priority <= priority,
            Message.due_at <= now,
        )
        .order_by(Message.priority, Message.due_at)
        .limit(CLAIMED)
    )
    with runtime.db.read() as session:  # looking costs no writer's lock
        if session.scalar(due.limit(1)) is None:
            return None
    with runtime.db.write() as session:
        if switch.is_paused(session) or outcomes.is_resting(session, channel, now):
            return None
        lease = new_id()
        claim = (
            update(Message)
            .where(Message.id.in_(due.with_for_update(skip_locked=True)), Message.state == "queued")
            .values(state="claimed", lease_token=lease, lease_until=now + CLAIM_LEASE)
            .returning(Message.id, Message.priority, Message.due_at)
            .execution_options(synchronize_session=False)
        )
        rows = sorted(session.execute(claim).all(), key=lambda row: (row.priority, row.due_at, row.id))
    return (lease, [row.id for row in rows]) if rows else None


def _send_group(runtime: Runtime, name: str, channel: Channel, ids: Sequence[str], lease: str) -> int:
    with runtime.db.write() as session:
        letters, ended = _attempt(session, runtime, name, ids, lease)
    runtime.reach("attempting")
    if not letters and not ended:
        return 0
    known = {each.of.id: each.of for each in letters}
    for id, outcome in channel.deliver(composing.fill(runtime, letters, ended)):
        ended.append((known[id], outcome))
        runtime.reach("handed_over")
    silent = known.keys() - {each.id for each, _ in ended}
    ended.extend((known[id], DeliveryError("provider_refused", unknown=True)) for id in silent)
    with runtime.db.write() as session:
        sent = outcomes.record(session, ended, lease, runtime.clock())
    runtime.reach("recorded")
    return sent


def _attempt(
    session: Session, runtime: Runtime, name: str, ids: Sequence[str], lease: str
) -> tuple[list[Letter], list[Ended]]:
    """Check once more, mint the links, write the attempts; what is returned may be sent after the commit."""
    now = runtime.clock()
    if switch.is_paused(session):
        return [], []
    leaving: list[Departing] = []
    for each in departing.load(session, ids, lease, now):
        reason = each.refusal(now)
        if reason is None:
            leaving.append(each)
        else:
            _refuse(session, each, reason, lease)
    if not leaving:
        return [], []
    connection = session.connection()
    sender = senders.sender_id(session, name, composing.identity(runtime), now)
    until = now + ATTEMPT_LEASE
    connection.execute(
        _ATTEMPTING, [{"id": each.id, "lease": lease, "until": until, "sender": sender} for each in leaving]
    )
    connection.execute(insert(Attempt), [_attempt_row(each, now) for each in leaving])
    sandbox = runtime.config.smtp_url is None
    asked = [
        {"id": each.invitation_id, "sandbox": sandbox} for each in leaving if each.purpose == "invitation"
    ]
    if asked:
        connection.execute(_SENDING, asked)
    return composing.compose(session, runtime, leaving, now)


def _attempt_row(each: Departing, now: datetime) -> dict[str, object]:
    return {"id": new_id(), "message_id": each.id, "number": each.tries + 1, "started_at": now}


def _refuse(session: Session, each: Departing, reason: str, lease: str) -> None:
    connection = session.connection()
    connection.execute(_REFUSED, {"id": each.id, "reason": reason, "lease": lease})
    if each.purpose == "invitation":
        state = {"expired": "expired", "cancelled": "cancelled"}.get(reason, "skipped")
        connection.execute(_SKIPPED, {"id": each.invitation_id, "state": state, "reason": reason})
