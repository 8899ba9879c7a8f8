"""So many an hour of one schedule, just before messages leave: the plan spreads them, waiting heaps them up.

A row of `installation` for each schedule that says so, held until the attempt is written. To count what has
left would read a whole large run for each group, or ask for an index that every invitation has to pay for.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, literal, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain.caps import Rule
from app.domain.hourly import Hour
from app.models import Invitation, Message, Setting
from app.runtime import Runtime
from app.services.departing import Departing

HOUR_OF = "hour_of:"
WITH_TURNS = ("quiet_hours", "blackout")  # what holds a whole run back: its people leave in turn afterwards


@dataclass
class Room:
    """The hours of the schedules of a group; those without a limit always have room."""

    hours: Mapping[str, Hour] = field(default_factory=dict)  # by schedule

    def has_room(self, each: Departing, now: datetime) -> bool:
        """May this one leave now?"""
        hour = self._of(each)
        return hour is None or hour.has_room(each.per_hour or 1, now)

    def turn(self, each: Departing, begin: datetime, *rules: Rule, alike: Hashable = None) -> datetime:
        """When this one may leave, as there is no room before: from then on, at no wrong moment.

        Those who are `alike` have the same wrong moments.
        """
        hour = self._of(each)
        return begin if hour is None else hour.turn(each.per_hour or 1, begin, *rules, alike=alike)

    def leaves(self, each: Departing, now: datetime) -> None:
        """This one goes."""
        if hour := self._of(each):
            hour.leaves(now)

    def _of(self, each: Departing) -> Hour | None:
        return self.hours.get(each.schedule_id or "") if each.per_hour else None


def room(session: Session, group: Sequence[Departing]) -> Room:
    """A step: held for this transaction alone; no statement where nothing of the group has a limit."""
    names = sorted({HOUR_OF + each.schedule_id for each in group if each.per_hour and each.schedule_id})
    if not names:
        return Room()
    fresh = [{"name": name, "value": Hour().kept()} for name in names]
    adding = insert_into(session, Setting).values(fresh)
    # One that is there is held by being written as it is: between two statements it might be forgotten
    held = adding.on_conflict_do_update(index_elements=["name"], set_={"name": adding.excluded.name})
    found = session.execute(held.returning(Setting.name, Setting.value))
    return Room({name.removeprefix(HOUR_OF): Hour.read(value) for name, value in found})


def keep(session: Session, room: Room) -> None:
    """A step: what has left, and which turns were given."""
    for schedule_id, hour in room.hours.items():
        row = update(Setting).where(Setting.name == HOUR_OF + schedule_id)
        changed(session, row.values(value=hour.kept()))


def forget_turns(session: Session, messages: Collection[str], done: Collection[str] = ()) -> set[str]:
    """A step before what was held back is due again: its turns are given anew, none behind its own.

    But for hours that are `done`, and were perhaps given again since: the names of those that are done now.
    Somebody else may have had one of these turns and keep it: there is room for both, or one gets another.
    """
    its_hour = literal(HOUR_OF).concat(Invitation.schedule_id)
    theirs = (
        select(its_hour)
        .join(Message, Message.invitation_id == Invitation.id)
        .where(Message.id.in_(messages), Message.reason.in_(WITH_TURNS))
    )
    kept = select(Setting.name).where(Setting.name.startswith(HOUR_OF, autoescape=True))
    if not messages or not set(session.scalars(kept)) - set(done):
        return set()
    hours = select(Setting).where(Setting.name.in_(theirs), Setting.name.not_in(done))
    names = set()
    for row in session.scalars(hours.order_by(Setting.name).with_for_update()):
        hour = Hour.read(row.value)
        hour.forget_turns()
        row.value = hour.kept()
        names.add(row.name)
    session.flush()
    return names


def forget_old(runtime: Runtime) -> int:
    """A job: hours in which nothing leaves any more; how many. Whoever needs one makes it again."""
    query = select(Setting.name, Setting.value).where(Setting.name.startswith(HOUR_OF, autoescape=True))
    with runtime.db.read() as session:
        idle = [
            (name, value)
            for name, value in session.execute(query.order_by(Setting.name))
            if Hour.read(value).is_idle(runtime.clock())
        ]
    with runtime.db.write() as session:
        return sum(
            changed(session, delete(Setting).where(Setting.name == name, Setting.value == value))
            for name, value in idle
        )
