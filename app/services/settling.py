"""After a crash: leases end, attempts without an outcome become unknown, and time settles the rest."""

from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, case, func, select, text
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.clock_jumps import furthest
from app.domain.delivery import ATTEMPT_LEASE, CLAIM_LEASE, PRESUMED_AFTER
from app.models import Attempt, Invitation, Message
from app.models.base import UtcDateTime
from app.runtime import Runtime

_NOW = bindparam("now", type_=UtcDateTime)
_BEFORE = bindparam("before", type_=UtcDateTime)

# A lease further ahead than it is long was written by a clock that was wrong: it holds nobody
_CLAIM_VOID = bindparam("claim_void", type_=UtcDateTime)
_ATTEMPT_VOID = bindparam("attempt_void", type_=UtcDateTime)
_CLAIM_OVER = "state = 'claimed' AND (lease_until <= :now OR lease_until > :claim_void)"
_ATTEMPT_OVER = "state = 'attempting' AND (lease_until <= :now OR lease_until > :attempt_void)"
_FREE = "state = 'queued', lease_token = NULL, lease_until = NULL"
_HELD = text(
    f"SELECT 1 FROM messages WHERE {_CLAIM_OVER} UNION ALL SELECT 1 FROM messages WHERE {_ATTEMPT_OVER}"  # noqa: S608 - our own texts
    " UNION ALL SELECT 1 FROM messages WHERE state = 'unknown' AND lease_until > :attempt_void LIMIT 1"
).bindparams(_NOW, _CLAIM_VOID, _ATTEMPT_VOID)
_CLAIM_ENDED = text(f"UPDATE messages SET {_FREE} WHERE {_CLAIM_OVER}").bindparams(_NOW, _CLAIM_VOID)  # noqa: S608
_REPEATED = text(
    f"UPDATE messages SET {_FREE} WHERE {_ATTEMPT_OVER} AND purpose IN ('alert', 'account')"  # noqa: S608
).bindparams(_NOW, _ATTEMPT_VOID)
# The lease token stays: a worker that was only slow may still say how its attempt ended.
_UNKNOWN_INVITATIONS = text(
    "UPDATE invitations SET state = 'unknown' WHERE state = 'sending' AND id IN (SELECT invitation_id"  # noqa: S608
    f" FROM messages WHERE {_ATTEMPT_OVER} AND purpose = 'invitation')"
).bindparams(_NOW, _ATTEMPT_VOID)
_UNKNOWN = text(f"UPDATE messages SET state = 'unknown' WHERE {_ATTEMPT_OVER}").bindparams(  # noqa: S608
    _NOW, _ATTEMPT_VOID
)
# A day after its end it is presumed sent: not a day after what a wrong clock took for that
_ENDED_NOW = text(
    "UPDATE messages SET lease_until = :now WHERE state = 'unknown' AND lease_until > :attempt_void"
).bindparams(_NOW, _ATTEMPT_VOID)
_TRIED = (
    "(SELECT max(a.started_at) FROM attempts a JOIN messages m ON m.id = a.message_id"
    " WHERE m.invitation_id = invitations.id)"
)
_PRESUMED_INVITATIONS = text(
    f"UPDATE invitations SET state = 'sent', reason = 'presumed', sent_at = {_TRIED}"  # noqa: S608 - our own texts
    " WHERE state = 'unknown' AND id IN (SELECT m.invitation_id FROM messages m WHERE m.state = 'unknown'"
    " AND m.purpose = 'invitation' AND m.lease_until <= :before)"
).bindparams(_BEFORE)
_PRESUMED = text(
    "UPDATE messages SET state = 'sent', reason = 'presumed', sent_at = (SELECT max(started_at)"
    " FROM attempts WHERE message_id = messages.id) WHERE state = 'unknown' AND lease_until <= :before"
).bindparams(_BEFORE)
EXPIRED_AT_ONCE = 5_000
_ENDS = "state IN ('sent', 'delivered', 'unknown')"
# One whose end nobody heard has perhaps left: whatever expires says when
_EXPIRED = text(
    "UPDATE invitations SET state = 'expired', reason = 'expired',"  # noqa: S608 - our own texts
    f" sent_at = COALESCE(sent_at, {_TRIED}) WHERE {_ENDS}"
    f" AND id IN (SELECT id FROM invitations WHERE {_ENDS} AND expires_at <= :now AND metric <> 'enps'"
    " LIMIT :most)"
).bindparams(_NOW)

_STARTED = "COALESCE(sent_at, (SELECT max(started_at) FROM attempts WHERE message_id = :message), :now)"
_ARRIVED = Statement(
    f"UPDATE messages SET state = 'delivered', reason = NULL, sent_at = {_STARTED}"  # noqa: S608 - our own text
    " WHERE id = :message AND state IN ('unknown', 'attempting')"
)
_INVITATION_ARRIVED = Statement(
    f"UPDATE invitations SET state = 'delivered', reason = NULL, sent_at = {_STARTED}"  # noqa: S608
    " WHERE id = :invitation AND state IN ('unknown', 'sending')"
)


def arrived(session: Session, message_id: str, invitation_id: str, now: datetime) -> None:
    """A step: somebody used the link of this message, so it arrived, whatever we heard of its sending."""
    values = {"message": message_id, "invitation": invitation_id, "now": now}
    _ARRIVED.run(session, values)
    _INVITATION_ARRIVED.run(session, values)


def perhaps_left() -> ColumnElement[datetime | None]:
    """When an invitation's question left; of unknown end, as its latest attempt began."""
    its = Message.invitation_id == Invitation.id, Message.purpose == "invitation"
    tried = select(func.max(Attempt.started_at)).join(Message, Message.id == Attempt.message_id).where(*its)
    known = func.coalesce(Invitation.sent_at, tried.correlate(Invitation).scalar_subquery())
    return case((Invitation.state.in_(("sending", "unknown")), known), else_=Invitation.sent_at)


def end_leases(runtime: Runtime) -> int:
    """What a dead worker held: claimed goes back to the queue, attempted becomes unknown."""
    now = runtime.clock()
    void = {"claim_void": furthest(now, CLAIM_LEASE), "attempt_void": furthest(now, ATTEMPT_LEASE)}
    with runtime.db.read() as session:
        if session.execute(_HELD, {"now": now} | void).first() is None:
            return 0
    with runtime.db.write() as session:
        connection = session.connection()
        statements = (_CLAIM_ENDED, _REPEATED, _UNKNOWN_INVITATIONS, _UNKNOWN, _ENDED_NOW)
        return sum(connection.execute(each, {"now": now} | void).rowcount for each in statements)


def presume_sent(runtime: Runtime) -> int:
    """After a day without evidence an unknown attempt counts as sent, and says `presumed`."""
    before = runtime.clock() - PRESUMED_AFTER
    with runtime.db.write() as session:
        connection = session.connection()
        connection.execute(_PRESUMED_INVITATIONS, {"before": before})
        return connection.execute(_PRESUMED, {"before": before}).rowcount


def expire_invitations(runtime: Runtime) -> int:
    """Links that have ended: nobody answered in time. Some thousands in each transaction."""
    now, ended, number = runtime.clock(), 0, EXPIRED_AT_ONCE
    while number == EXPIRED_AT_ONCE and not runtime.stopping():
        with runtime.db.write() as session:
            values = {"now": now, "most": EXPIRED_AT_ONCE}
            number = session.connection().execute(_EXPIRED, values).rowcount
        ended += number
    return ended
