"""When the worker next has something to do: where the clock may leap to."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, union_all

from app.domain.delivery import PRESUMED_AFTER
from app.models import Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime

_ASKED = ("sent", "delivered")


def _earliest(column: Any, *conditions: Any) -> Select[Any]:
    return select(func.min(column, type_=Message.due_at.type).label("at")).where(*conditions)


_DUE = union_all(
    _earliest(Schedule.next_due_at, Schedule.state.in_(("active", "paused"))),
    _earliest(Message.due_at, Message.state == "queued"),
    _earliest(Message.lease_until, Message.state.in_(("claimed", "attempting"))),
    _earliest(Occurrence.due_at, Occurrence.state.in_(("due", "running"))),
)
_UNKNOWN = _earliest(Message.lease_until, Message.state == "unknown")
_REMINDED = (
    select(Invitation.remind_after, func.min(Invitation.sent_at, type_=Message.due_at.type))
    .where(Invitation.remind_after.is_not(None), Invitation.sent_at.is_not(None))
    .group_by(Invitation.remind_after)
)


def next_due(runtime: Runtime) -> datetime | None:
    """The earliest moment at which anything is due; it may have passed."""
    with runtime.db.read() as session:
        moments = [at for at in session.scalars(_DUE) if at is not None]
        moments += [at + PRESUMED_AFTER for at in session.scalars(_UNKNOWN) if at is not None]
        moments += [at + timedelta(days=days) for days, at in session.execute(_REMINDED) if at is not None]
    return min(moments, default=None)
