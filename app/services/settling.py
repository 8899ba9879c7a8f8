"""After a crash: leases end, attempts without an outcome become unknown, and time settles the rest."""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.delivery import PRESUMED_AFTER
from app.models.base import UtcDateTime
from app.runtime import Runtime

_NOW = bindparam("now", type_=UtcDateTime)
_BEFORE = bindparam("before", type_=UtcDateTime)

_CLAIM_ENDED = text(
    "UPDATE messages SET state = 'queued', lease_token = NULL, lease_until = NULL"
    " WHERE state = 'claimed' AND lease_until <= :now"
).bindparams(_NOW)
_REPEATED = text(
    "UPDATE messages SET state = 'queued', lease_token = NULL, lease_until = NULL"
    " WHERE state = 'attempting' AND lease_until <= :now AND purpose IN ('alert', 'account')"
).bindparams(_NOW)
# The lease token stays: a worker that was only slow may still say how its attempt ended.
_UNKNOWN_INVITATIONS = text(
    "UPDATE invitations SET state = 'unknown' WHERE state = 'sending' AND id IN (SELECT invitation_id"
    " FROM messages WHERE state = 'attempting' AND lease_until <= :now AND purpose = 'invitation')"
).bindparams(_NOW)
_UNKNOWN = text(
    "UPDATE messages SET state = 'unknown' WHERE state = 'attempting' AND lease_until <= :now"
).bindparams(_NOW)
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


def end_leases(runtime: Runtime) -> int:
    """What a dead worker held: claimed goes back to the queue, attempted becomes unknown."""
    now = runtime.clock()
    with runtime.db.read() as session:
        held = text(
            "SELECT 1 FROM messages WHERE state IN ('claimed', 'attempting') AND lease_until <= :now LIMIT 1"
        ).bindparams(_NOW)
        if session.execute(held, {"now": now}).first() is None:
            return 0
    with runtime.db.write() as session:
        connection = session.connection()
        statements = (_CLAIM_ENDED, _REPEATED, _UNKNOWN_INVITATIONS, _UNKNOWN)
        return sum(connection.execute(each, {"now": now}).rowcount for each in statements)


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
