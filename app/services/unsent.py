"""Those whom a schedule has decided to ask and not asked yet: they are counted, and follow its state."""

import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Update, and_, case, func, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.models import Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime

AT_ONCE = 5_000  # people in one transaction, which takes half a second
PAUSE = 0.01  # seconds between two: whoever waits to write comes in between
WAITING = ("planned", "queued")  # planned: held while the schedule is paused
HELD = "sending_paused"

_FIRST = and_(Message.invitation_id == Invitation.id, Message.purpose == "invitation")
# One that failed says nothing: what waits may be what is to leave instead
_IN_HAND = select(Message.id).where(_FIRST, Message.state.not_in(("cancelled", "failed")))


def number(session: Session, schedule_id: str) -> int:
    """A step: how many people it is."""
    query = select(func.count()).where(_of(schedule_id), Invitation.state.in_(WAITING))
    return session.scalar(query) or 0


def is_under_way(session: Session, schedule_id: str) -> bool:
    """A step: does a run of it still decide, or somebody still wait to be asked?"""
    runs = select(Occurrence.id).where(
        Occurrence.schedule_id == schedule_id, Occurrence.state.in_(("due", "running"))
    )
    if session.scalar(runs.limit(1)) is not None:
        return True
    waits = select(Invitation.id).where(_of(schedule_id), Invitation.state.in_(WAITING))
    return session.scalar(waits.limit(1)) is not None


def follow(session: Session, schedule: Schedule, now: datetime) -> int:
    """A step: whoever waits follows the state of their schedule: held, cancelled, or free to be asked.

    How many people that means. At most AT_ONCE of them follow here and now; the others do in `follow_all`,
    and meanwhile the sender looks at the state itself.
    """
    moved = _follow(session, schedule, now)
    if not schedule.unsettled:
        return moved
    return number(session, schedule.id) + (moved if schedule.state == "cancelled" else 0)


def follow_all(runtime: Runtime) -> int:
    """A job: the rest of those whose schedule was paused, resumed or cancelled, some at a time. How many."""
    done = 0
    with runtime.db.read() as session:
        unsettled = list(session.scalars(select(Schedule.id).where(Schedule.unsettled.is_(True))))
    while unsettled and not runtime.stopping():
        with runtime.db.write() as session:
            query = select(Schedule).where(Schedule.id == unsettled[-1]).with_for_update()
            schedule = session.scalars(query).one()
            done += _follow(session, schedule, runtime.clock())
            if not schedule.unsettled:
                unsettled.pop()
        runtime.reach("followed_some")
        time.sleep(PAUSE)
    return done


def _follow(session: Session, schedule: Schedule, now: datetime) -> int:
    act = {"paused": _hold, "cancelled": _cancel}.get(schedule.state, _release)
    looked_at, moved = act(session, schedule.id, now)
    schedule.unsettled = looked_at == AT_ONCE  # of those who wait, or of the reminders put aside
    return moved


def _cancel(session: Session, schedule_id: str, now: datetime) -> tuple[int, int]:
    """What has not left does not leave; what has stays answerable. Looked at, and not asked after all.

    What a worker has claimed leaves or is refused as its worker looks: whether it left decides, not we.
    """
    ids = _some(session, select(Invitation.id).where(_of(schedule_id), Invitation.state.in_(WAITING)))
    _do(session, _messages(ids, "queued").values(state="cancelled", reason="cancelled"))
    waiting = _invitations(ids, *WAITING).where(~_IN_HAND.exists())
    return len(ids), _do(session, waiting.values(state="cancelled", reason="cancelled"))


def _hold(session: Session, schedule_id: str, now: datetime) -> tuple[int, int]:
    """What has not left waits until the schedule goes on. What a worker has claimed it holds back itself."""
    queued = (
        select(Invitation.id)
        .join(Message, and_(_FIRST, Message.state == "queued"))
        .where(_of(schedule_id), Invitation.state == "queued")
    )
    ids = _some(session, queued)
    _do(session, _messages(ids, "queued").values(state="cancelled", reason=HELD))
    held = _invitations(ids, "queued").where(~_IN_HAND.exists())
    return len(ids), _do(session, held.values(state="planned", reason=HELD))


def _release(session: Session, schedule_id: str, now: datetime) -> tuple[int, int]:
    """What was held may leave, unless its time to answer is over; reminders that were put aside are due."""
    ids = _some(session, select(Invitation.id).where(_of(schedule_id), Invitation.state == "planned"))
    late = _invitations(ids, "planned").where(Invitation.expires_at <= now)
    _do(session, late.values(state="skipped", reason="expired"))  # `expired` has left, and was not answered
    free = select(Invitation.id).where(Invitation.id.in_(ids), Invitation.state == "planned")
    held = _messages(ids, "cancelled").where(Message.reason == HELD, Message.invitation_id.in_(free))
    # A turn that lies ahead stays: of so many an hour, all would be due at once
    turn = case((Message.due_at > now, Message.due_at), else_=now)
    _do(session, held.values(state="queued", reason=None, due_at=turn))
    aside = _some(
        session,
        select(Invitation.id).where(Invitation.remind_after < 0, Invitation.schedule_id == schedule_id),
    )
    back = update(Invitation).where(Invitation.id.in_(aside), Invitation.remind_after < 0)
    _do(session, back.values(remind_after=-Invitation.remind_after))
    moved = _do(session, _invitations(ids, "planned").values(state="queued", reason=None))
    return max(len(ids), len(aside)), moved


def _some(session: Session, query: Select[str]) -> Sequence[str]:
    return session.scalars(query.limit(AT_ONCE)).all()


def _of(schedule_id: str) -> ColumnElement[bool]:
    # By the occurrence, whose index begins with it
    return Invitation.occurrence_id.in_(select(Occurrence.id).where(Occurrence.schedule_id == schedule_id))


def _invitations(ids: Sequence[str], *states: str) -> Update:
    return update(Invitation).where(Invitation.id.in_(ids), Invitation.state.in_(states))


def _messages(ids: Sequence[str], state: str) -> Update:
    """The first messages of these; reminders follow what their pulse does."""
    return update(Message).where(
        Message.state == state, Message.purpose == "invitation", Message.invitation_id.in_(ids)
    )


def _do(session: Session, statement: Update) -> int:
    return changed(session, statement.execution_options(synchronize_session=False))
