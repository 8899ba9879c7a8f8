"""So many an hour of one schedule, just before messages leave: the plan spreads them, waiting heaps them up.

A row of `installation` for each schedule that says so, held until the attempt is written. To count what has
left would read a whole large run for each group, or ask for an index that every invitation has to pay for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.hourly import Hour
from app.models import Setting
from app.services.departing import Departing

HOUR_OF = "hour_of:"


@dataclass
class Room:
    """The hours of the schedules of a group; those without a limit always have room."""

    hours: Mapping[str, Hour] = field(default_factory=dict)  # by schedule

    def has_room(self, each: Departing, now: datetime) -> bool:
        """May this one leave now?"""
        hour = self._of(each)
        return hour is None or hour.has_room(each.per_hour or 1, now)

    def turn(self, each: Departing, now: datetime) -> datetime:
        """When this one may leave, as there is no room now."""
        hour = self._of(each)
        return now if hour is None else hour.turn(each.per_hour or 1, now)

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
    session.execute(insert_into(session, Setting).values(fresh).on_conflict_do_nothing())
    rows = select(Setting).where(Setting.name.in_(names)).order_by(Setting.name).with_for_update()
    found = session.scalars(rows.execution_options(populate_existing=True))
    return Room({row.name.removeprefix(HOUR_OF): Hour.read(row.value) for row in found})


def keep(session: Session, room: Room) -> None:
    """A step: what has left, and which turns were given."""
    for schedule_id, hour in room.hours.items():
        session.get_one(Setting, HOUR_OF + schedule_id).value = hour.kept()
