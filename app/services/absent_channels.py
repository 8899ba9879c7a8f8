"""What waits on a channel that is not set up any more: after a while it takes its next way, or ends there.

A question asks elsewhere, an alert goes to its member by their other way, an agent's reply has failed: its
words stand in the conversation, from where they are sent another way.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db import Statement, insert_into
from app.domain.channel_choice import CHANNELS
from app.domain.clock_jumps import furthest
from app.domain.delivery import ASKING, CLAIM_LEASE
from app.models import Message, Setting, new_id
from app.runtime import Runtime
from app.services import departing, holding, last_gate, outbox, switch

GRACE = timedelta(minutes=10)  # by then a setting that was forgotten at a restart is put right
GROUP = 20  # in one transaction
PAUSE = 0.005  # seconds between two: whoever waits to write comes in between
SINCE = "channel_absent_since:"  # a row of `installation`: since when something that is due waits there

# An account's mails wait: their channel is every installation's
ENDING = (*ASKING, "reply", "alert", "dialogue", "test")
_DUE = Statement(
    "SELECT m.id, m.purpose, COALESCE(m.contact_id, f.contact_id) FROM messages m"  # noqa: S608 - our own words
    " LEFT JOIN followups f ON f.id = m.followup_id WHERE m.channel = :channel AND m.state = 'queued'"
    f" AND m.due_at <= :now AND m.purpose IN {ENDING} ORDER BY m.priority, m.due_at LIMIT :most"
)
_END = Statement(
    "UPDATE messages SET state = 'failed', reason = 'channel_not_configured'"
    " WHERE id = :id AND state = 'queued'"
)
_CLAIM = Statement(
    "UPDATE messages SET state = 'claimed', lease_token = :lease, lease_until = :until"
    " WHERE id = :id AND state = 'queued'"
)


def give_up_waiting(runtime: Runtime) -> int:
    """A job: what is due on a channel that is not set up leaves another way, or not at all.

    A channel that is only down is set up: what waits there goes on waiting. How many messages it was.
    """
    now, done = runtime.clock(), 0
    for channel in _absent_for_long(runtime, now):
        number = GROUP
        while number == GROUP and not runtime.stopping():
            with runtime.db.write() as session:
                number = _give_up_some(session, runtime, channel, now)
            done += number
            time.sleep(PAUSE)
    return done


def waiting(session: Session, runtime: Runtime) -> list[tuple[str, int]]:
    """A step: each channel that is not set up and has messages waiting, and how many."""
    there = Message.channel.in_(_absent(runtime)), Message.state == "queued"
    query = select(Message.channel, func.count()).where(*there).group_by(Message.channel)
    return [(channel, number) for channel, number in session.execute(query.order_by(Message.channel))]


def _absent(runtime: Runtime) -> list[str]:
    return [each for each in CHANNELS if each not in runtime.channels]


def _absent_for_long(runtime: Runtime, now: datetime) -> list[str]:
    """Those on which something is due, and was some minutes ago; from the first look on it is noted."""
    absent = _absent(runtime)
    with runtime.db.read() as session:
        rows = session.scalars(select(Setting).where(Setting.name.in_([SINCE + each for each in CHANNELS])))
        noted = {row.name.removeprefix(SINCE): datetime.fromisoformat(row.value) for row in rows}
        since = {channel: at for channel, at in noted.items() if at <= furthest(now)}  # else noted anew
        waits = [] if switch.is_paused(session) else [each for each in absent if _is_due(session, each, now)]
    back = noted.keys() - (since.keys() & set(absent))
    fresh = [each for each in waits if each not in since]
    if back or fresh:
        _note(runtime, [SINCE + each for each in back], [SINCE + each for each in fresh], now)
    return [each for each in waits if each in since and since[each] + GRACE <= now]


def _is_due(session: Session, channel: str, now: datetime) -> bool:
    there = Message.channel == channel, Message.state == "queued", Message.due_at <= now
    query = select(Message.id).where(*there, Message.purpose.in_(ENDING))
    return session.scalar(query.limit(1)) is not None


def _note(runtime: Runtime, back: Sequence[str], fresh: Sequence[str], now: datetime) -> None:
    with runtime.db.write() as session:
        session.execute(delete(Setting).where(Setting.name.in_(back)))
        rows = [{"name": name, "value": now.isoformat()} for name in fresh]
        if rows:
            session.execute(insert_into(session, Setting).values(rows).on_conflict_do_nothing())


def _give_up_some(session: Session, runtime: Runtime, channel: str, now: datetime) -> int:
    """Its people first, as an erasure takes them: how many it looked at."""
    if switch.is_paused(session):
        return 0
    due = _DUE.run(session, {"channel": channel, "now": now, "most": GROUP}).fetchall()
    holding.those_held(session, {contact_id for *_, contact_id in due if contact_id})
    _refuse(session, runtime, sorted(id for id, purpose, _ in due if purpose in ASKING), now)
    _end(session, runtime, sorted(id for id, purpose, _ in due if purpose not in ASKING), now)
    return len(due)


def _end(session: Session, runtime: Runtime, ids: Sequence[str], now: datetime) -> None:
    """Failed, and why. A member hears of it by their other way, unless they do already."""
    _END.run_many(session, [{"id": id} for id in ids])
    alerts = Message.id.in_(ids), Message.purpose == "alert", Message.state == "failed"
    for alert in session.scalars(select(Message).where(*alerts).order_by(Message.id)):
        outbox.alert_otherwise(session, alert, runtime.channels, now)


def _refuse(session: Session, runtime: Runtime, ids: Sequence[str], now: datetime) -> None:
    """Claimed and refused in one transaction, so that nobody else ever sees the claim."""
    token = new_id()
    _CLAIM.run_many(session, [{"id": id, "lease": token, "until": now + CLAIM_LEASE} for id in ids])
    for each in departing.load(session, token, now, GROUP):
        if each.is_paused:
            last_gate.wait_for_resuming(session, each, token, now)
        else:
            reason = each.refusal(now) or "channel_not_configured"
            last_gate.refuse(session, runtime, each, reason, token=token, now=now)
