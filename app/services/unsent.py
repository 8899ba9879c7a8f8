"""Those whom a schedule has decided to ask and not asked yet: counted, held, released, cancelled."""

from datetime import datetime

from sqlalchemy import ColumnElement, Update, func, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.models import Invitation, Message, Occurrence

WAITING = ("planned", "queued")  # planned: held while the schedule is paused
HELD = "sending_paused"


def number(session: Session, schedule_id: str) -> int:
    """A step: how many people it is."""
    query = select(func.count()).where(_of(schedule_id), Invitation.state.in_(WAITING))
    return session.scalar(query) or 0


def is_under_way(session: Session, schedule_id: str) -> bool:
    """A step: does a run of it still decide, or somebody still wait to be asked?"""
    runs = select(Occurrence.id).where(
        Occurrence.schedule_id == schedule_id, Occurrence.state.in_(("due", "running"))
    )
    return session.scalar(runs.limit(1)) is not None or number(session, schedule_id) > 0


def cancel(session: Session, schedule_id: str) -> int:
    """A step: what has not left does not leave; what has stays answerable. How many are not asked after all.

    A message that a worker has claimed is refused when it is about to leave.
    """
    _do(session, _messages(schedule_id, "queued").values(state="cancelled", reason="cancelled"))
    return _do(session, _invitations(schedule_id, *WAITING).values(state="cancelled", reason="cancelled"))


def hold(session: Session, schedule_id: str) -> int:
    """A step: what has not left waits until `release`. How many people. What a worker has claimed leaves."""
    _do(session, _messages(schedule_id, "queued").values(state="cancelled", reason=HELD))
    claimed = select(Message.id).where(
        Message.invitation_id == Invitation.id, Message.purpose == "invitation", Message.state != "cancelled"
    )
    held = _invitations(schedule_id, "queued").where(~claimed.exists())
    return _do(session, held.values(state="planned", reason=HELD))


def release(session: Session, schedule_id: str, now: datetime) -> int:
    """A step: what was held may leave, unless its time to answer is over. How many people."""
    late = _invitations(schedule_id, "planned").where(Invitation.expires_at <= now)
    _do(session, late.values(state="expired", reason="expired"))
    held = _messages(schedule_id, "cancelled").where(Message.reason == HELD)
    _do(session, held.values(state="queued", reason=None, due_at=now))
    return _do(session, _invitations(schedule_id, "planned").values(state="queued", reason=None))


def _of(schedule_id: str) -> ColumnElement[bool]:
    # By the occurrence, whose index begins with it
    return Invitation.occurrence_id.in_(select(Occurrence.id).where(Occurrence.schedule_id == schedule_id))


def _invitations(schedule_id: str, *states: str) -> Update:
    return update(Invitation).where(_of(schedule_id), Invitation.state.in_(states))


def _messages(schedule_id: str, state: str) -> Update:
    """The first messages of those who wait; reminders follow what their pulse does."""
    theirs = select(Invitation.id).where(_of(schedule_id), Invitation.state.in_(WAITING))
    return update(Message).where(
        Message.state == state, Message.purpose == "invitation", Message.invitation_id.in_(theirs)
    )


def _do(session: Session, statement: Update) -> int:
    return changed(session, statement.execution_options(synchronize_session=False))
