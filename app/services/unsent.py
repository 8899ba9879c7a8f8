"""Those whom a schedule has decided to ask and not asked yet: they are counted, and follow its state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, and_, case, func, select, update
from sqlalchemy.orm import Session

from app.db import changed, is_postgresql
from app.engines import take_time
from app.models import Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime
from app.services import hourly, looking_again
from app.services.portions import pace, portions

AT_ONCE = 5_000  # people in one look; on PostgreSQL also those who follow in the transaction of a pause
ON_SQLITE = 100  # so many there: respondents wait for its one pen meanwhile
WAITING = ("planned", "queued")  # planned: held while the schedule is paused
HELD = "sending_paused"

# Where people are named by their ids: SQLite took the index by state, and read all of a run for each few
_STATE = Invitation.state.concat("")
_FIRST = and_(Message.invitation_id == Invitation.id, Message.purpose == "invitation")
# One that failed says nothing: what waits may be what is to leave instead
_IN_HAND = select(Message.id).where(_FIRST, Message.state.not_in(("cancelled", "failed")))


def number(runtime: Runtime, schedule_id: str) -> int:
    """How many people it is, counted while nobody waits: of a large run it takes longer than to act."""
    query = select(func.count()).where(_of(schedule_id), Invitation.state.in_(WAITING))
    with runtime.db.read() as session:
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

    How many of them follow here and now. Where the schedule stays `unsettled` the others do in `follow_all`,
    and meanwhile the sender looks at the state itself.
    """
    most = AT_ONCE if is_postgresql(session) else min(AT_ONCE, ON_SQLITE)
    ids = _those(session, schedule.id, schedule.state, most)
    schedule.unsettled = len(ids) == most
    return _follow(session, schedule.state, ids, now)


def follow_all(runtime: Runtime) -> int:
    """A job: the rest of those whose schedule was paused, resumed or cancelled, some at a time. How many."""
    done, steps = 0, pace(runtime)
    while not runtime.stopping() and (look := _look(runtime)) is not None:
        for ids in portions(runtime, look.ids, steps):
            with runtime.db.write() as session:
                schedule = session.get_one(Schedule, look.schedule_id, with_for_update=True)
                if not schedule.unsettled or schedule.revision != look.revision:
                    break
                done += _follow(session, schedule.state, ids, runtime.clock())
                schedule.unsettled = not look.ends_with(ids)
            runtime.reach("followed_some")
    return done


@dataclass(frozen=True)
class Look:
    """The next of those who are to follow a schedule, as it stood at this revision."""

    schedule_id: str
    revision: int
    ids: Sequence[str]

    def ends_with(self, some: Sequence[str]) -> bool:
        """Is nobody left after these?"""
        return len(self.ids) < AT_ONCE and some[-1:] == self.ids[-1:]


def _look(runtime: Runtime) -> Look | None:
    with runtime.db.read() as session:
        take_time(session.connection())
        schedule = session.scalars(select(Schedule).where(Schedule.unsettled.is_(True)).limit(1)).first()
        if schedule is None:
            return None
        ids = _those(session, schedule.id, schedule.state, AT_ONCE)
        return Look(schedule.id, schedule.revision, ids)


def _those(session: Session, schedule_id: str, state: str, most: int) -> Sequence[str]:
    """Invitations that are to follow a schedule into this state."""
    its = select(Invitation.id).where(_of(schedule_id))
    if state == "cancelled":
        return session.scalars(its.where(Invitation.state.in_(WAITING)).limit(most)).all()
    if state == "paused":
        queued = its.join(Message, and_(_FIRST, Message.state == "queued"))
        return session.scalars(queued.where(Invitation.state == "queued").limit(most)).all()
    held = session.scalars(its.where(Invitation.state == "planned").limit(most)).all()
    aside = select(Invitation.id).where(Invitation.remind_after < 0, Invitation.schedule_id == schedule_id)
    return [*held, *session.scalars(aside.limit(most - len(held)))]


def _follow(session: Session, state: str, ids: Sequence[str], now: datetime) -> int:
    return {"paused": hold, "cancelled": _cancel}.get(state, release)(session, ids, now)


def _cancel(session: Session, ids: Sequence[str], now: datetime) -> int:
    """What has not left does not leave; what has stays answerable. How many are not asked after all.

    What a worker has claimed leaves or is refused as its worker looks: whether it left decides, not we.
    """
    return take_back(session, ids, "cancelled")


def take_back(session: Session, ids: Sequence[str], reason: str) -> int:
    """A step: of these asks those of which nothing has left, nor is in hand, do not leave. How many."""
    _do(session, _messages(ids, "queued").values(state="cancelled", reason=reason))
    waiting = _invitations(ids, *WAITING).where(~_IN_HAND.exists())
    return _do(session, waiting.values(state="cancelled", reason=reason))


def hold(session: Session, ids: Sequence[str], now: datetime) -> int:
    """A step: what has not left waits until it goes on. What a worker has claimed it holds back itself."""
    # A turn is kept; what quiet, a cap or a date holds back is judged by the rules of when it goes on
    theirs = looking_again.held().where(Message.invitation_id.in_(ids), Message.purpose == "invitation")
    waiting = session.scalars(theirs).all()
    hourly.forget_turns(session, waiting)
    looking_again.make_due(session, waiting, now)
    _do(session, _messages(ids, "queued").values(state="cancelled", reason=HELD))
    held = _invitations(ids, "queued").where(~_IN_HAND.exists())
    return _do(session, held.values(state="planned", reason=HELD))


def release(session: Session, ids: Sequence[str], now: datetime) -> int:
    """A step: what was held may leave, unless its time to answer is over; reminders put aside are due."""
    late = _invitations(ids, "planned").where(Invitation.expires_at <= now)
    _do(session, late.values(state="skipped", reason="expired"))  # `expired` has left, and was not answered
    free = select(Invitation.id).where(Invitation.id.in_(ids), _STATE == "planned")
    held = _messages(ids, "cancelled").where(Message.reason == HELD, Message.invitation_id.in_(free))
    # A turn that lies ahead stays: of so many an hour, all would be due at once
    turn = case((Message.due_at > now, Message.due_at), else_=now)
    _do(session, held.values(state="queued", reason=None, due_at=turn))
    aside = update(Invitation).where(Invitation.id.in_(ids), Invitation.remind_after < 0)
    _do(session, aside.values(remind_after=-Invitation.remind_after))
    return _do(session, _invitations(ids, "planned").values(state="queued", reason=None))


def _of(schedule_id: str) -> ColumnElement[bool]:
    # By the occurrence, whose index begins with it
    return Invitation.occurrence_id.in_(select(Occurrence.id).where(Occurrence.schedule_id == schedule_id))


def _invitations(ids: Sequence[str], *states: str) -> Update:
    return update(Invitation).where(Invitation.id.in_(ids), _STATE.in_(states))


def _messages(ids: Sequence[str], state: str) -> Update:
    """The first messages of these; reminders follow what their pulse does."""
    return update(Message).where(
        Message.state == state, Message.purpose == "invitation", Message.invitation_id.in_(ids)
    )


def _do(session: Session, statement: Update) -> int:
    return changed(session, statement.execution_options(synchronize_session=False))
