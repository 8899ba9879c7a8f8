"""A pulse that was opened by hand and stopped by itself: until somebody resumes it, it asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, select
from sqlalchemy.orm import Session

from app.db import changed, insert_into, is_postgresql
from app.engines import take_time
from app.models import Invitation, Message, Occurrence, Pulse, Setting, Stop, new_id
from app.runtime import Runtime
from app.services import unsent
from app.services.portions import pace, portions

FOLLOW = "follow_stop:"  # a row of `installation` for each run of which some are still to follow its state
_BY_HAND = Stop.schedule_id.is_(None), Stop.ended_at.is_(None)
# Shared, so that whoever resumes it waits for us, and then finds whom we held back
STOP_NOW = (
    select(Stop.id)
    .where(Stop.workspace_id == bindparam("workspace_id"), Stop.occurrence_id == bindparam("id"), *_BY_HAND)
    .with_for_update(read=True)
)


@dataclass(frozen=True)
class Look:
    """The next of those who are to follow a stop, or its end, as it was at this mark."""

    occurrence_id: str
    mark: str
    is_held: bool
    ids: Sequence[str]

    def ends_with(self, some: Sequence[str]) -> bool:
        """Is nobody left after these?"""
        return len(self.ids) < unsent.AT_ONCE and some[-1:] == self.ids[-1:]


def stands_still() -> ColumnElement[bool]:
    """Of the `Occurrence` of a query: it stopped by itself, and nobody has resumed it yet."""
    its = Stop.workspace_id == Occurrence.workspace_id, Stop.occurrence_id == Occurrence.id
    return select(Stop.id).where(*its, *_BY_HAND).exists()


def number(runtime: Runtime, pulse_id: str) -> int:
    """How many people wait to be asked, counted while nobody else waits."""
    its_run = select(Pulse.occurrence_id).where(Pulse.id == pulse_id)
    waiting = Invitation.occurrence_id.in_(its_run), Invitation.state.in_(unsent.WAITING)
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).where(*waiting)) or 0


def follow(session: Session, occurrence_id: str, now: datetime, *, is_held: bool) -> None:
    """A step: whoever waits to be asked by this run is held, or asked after all; of very many some.

    The others follow in `follow_all`. Meanwhile the last gate looks at the stop itself.
    """
    noted = {"name": FOLLOW + occurrence_id, "value": new_id()}
    adding = insert_into(session, Setting).values(noted)  # first of all: whoever follows already ends before
    session.execute(adding.on_conflict_do_update(index_elements=["name"], set_={"value": noted["value"]}))
    most = unsent.AT_ONCE if is_postgresql(session) else min(unsent.AT_ONCE, unsent.ON_SQLITE)
    ids = _those(session, occurrence_id, most, is_held=is_held)
    _move(session, ids, now, is_held=is_held)
    if len(ids) < most:
        changed(session, delete(Setting).where(Setting.name == noted["name"]))


def follow_all(runtime: Runtime) -> int:
    """A job: the rest of those whose pulse stopped or was resumed, some at a time. How many."""
    done, steps = 0, pace(runtime)
    while not runtime.stopping() and (look := _look(runtime)) is not None:
        row = select(Setting).where(Setting.name == FOLLOW + look.occurrence_id, Setting.value == look.mark)
        for ids in portions(runtime, look.ids, steps):
            with runtime.db.write() as session:
                mark = session.scalars(row.with_for_update()).one_or_none()
                if mark is None:  # it was resumed, or stopped once more
                    break
                done += _move(session, ids, runtime.clock(), is_held=look.is_held)
                if look.ends_with(ids):
                    session.delete(mark)
            runtime.reach("followed_some")
    return done


def _look(runtime: Runtime) -> Look | None:
    noted = select(Setting.name, Setting.value).where(Setting.name.startswith(FOLLOW, autoescape=True))
    with runtime.db.read() as session:
        found = session.execute(noted.order_by(Setting.name).limit(1)).first()
        if found is None:
            return None
        take_time(session.connection())
        id = found.name.removeprefix(FOLLOW)
        stop = select(Stop.id).where(Stop.occurrence_id == id, *_BY_HAND)
        is_held = session.scalar(stop.limit(1)) is not None
        return Look(id, found.value, is_held, _those(session, id, unsent.AT_ONCE, is_held=is_held))


def _those(session: Session, occurrence_id: str, most: int, *, is_held: bool) -> Sequence[str]:
    """Invitations of this run that are to be held, or to be asked after all."""
    its = select(Invitation.id).where(Invitation.occurrence_id == occurrence_id).limit(most)
    if not is_held:
        return session.scalars(its.where(Invitation.state == "planned")).all()
    waits = and_(
        Message.invitation_id == Invitation.id, Message.purpose == "invitation", Message.state == "queued"
    )
    return session.scalars(its.join(Message, waits).where(Invitation.state == "queued")).all()


def _move(session: Session, ids: Sequence[str], now: datetime, *, is_held: bool) -> int:
    return unsent.hold(session, ids, now) if is_held else unsent.release(session, ids, now)
