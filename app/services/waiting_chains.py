"""Steps of sequences and questions after events that wait: where they come by the days off of today.

A question and the steps that follow it are one chain: each counts from where the one before has moved to.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, select, update
from sqlalchemy.orm import Session, aliased

from app.db import changed
from app.domain.cadence import Cadence, Repeat, moment_of
from app.domain.days_off import DaysOff, OffDays
from app.engines import take_time
from app.models import Occurrence
from app.runtime import Runtime
from app.services import coming_due


@dataclass(frozen=True)
class Place:
    """One that waits: when it was due as we looked, and what becomes of it."""

    id: str
    schedule_id: str
    before: datetime
    values: dict[str, Any]  # its new moment; empty where it is left out
    off: str | None = None  # why it is


def moved(runtime: Runtime, workspace_id: str) -> list[list[Place]]:
    """Of a workspace: the chains of which something comes at another moment by its days off of today."""
    now = runtime.clock()
    with runtime.db.read() as session:
        take_time(session.connection())
        days_off = coming_due.days_off_of(session, workspace_id)
        rows = session.execute(_waiting(workspace_id, now)).all()
    rows = sorted(rows, key=lambda row: (_chain(row), row.step))
    chains = (list(_places(list(each), days_off, now)) for _, each in groupby(rows, key=_chain))
    return [each for each in chains if each]


def move(session: Session, chain: Sequence[Place], now: datetime) -> int:
    """A step: as many of these as wait where we saw them; the rest of a chain that has gone on stays."""
    done = 0
    for each in chain:
        its = Occurrence.id == each.id, Occurrence.state == "due", Occurrence.due_at == each.before
        if each.off is not None:
            held = session.scalar(select(Occurrence.id).where(*its).with_for_update())
            if held is not None:
                coming_due.skip(session, each.schedule_id, each.id, each.off, now)
            return done + (held is not None)
        if not changed(session, update(Occurrence).where(*its).values(each.values)):
            return done
        done += 1
    return done


def _waiting(workspace_id: str, now: datetime) -> Any:
    before = aliased(Occurrence)
    return (
        select(
            Occurrence.id, Occurrence.schedule_id, Occurrence.origin, Occurrence.key, Occurrence.step,
            Occurrence.due_at, Occurrence.local_at, Occurrence.named_at, Occurrence.time_zone,
            Occurrence.off_days, before.due_at.label("after"),
        )
        .outerjoin(before, before.id == Occurrence.after_id)
        .where(and_(Occurrence.state == "due", Occurrence.due_at > now, Occurrence.named_at.is_not(None)))
        .where(Occurrence.workspace_id == workspace_id)
    )  # fmt: skip


def _chain(row: Row[Any]) -> str:
    """The id of its first."""
    return str(row.key.split(":")[0]) if row.origin == "sequence" else str(row.id)


def _places(rows: Sequence[Row[Any]], days_off: DaysOff, now: datetime) -> Iterator[Place]:
    """Those of a chain that move, in their order."""
    shift, before = timedelta(0), None
    for row in rows:
        zone, off_days = ZoneInfo(row.time_zone), OffDays(row.off_days)
        stands = datetime.fromisoformat(row.local_at) if row.local_at else _on_the_wall(row.due_at, zone)
        named = datetime.fromisoformat(row.named_at) + shift
        comes: datetime | None
        if row.origin == "sequence":
            before = before or _on_the_wall(row.after, zone)
            wall = Cadence(Repeat.ONCE, named, zone, off_days=off_days, days_off=days_off)
            comes = wall.step_on(named, before)
        else:
            comes = days_off.moved(named, off_days)
        if comes is None:
            why = days_off.why_off(named.date(), off_days) or "day_off"
            yield Place(row.id, row.schedule_id, row.due_at, {}, why)
            return
        if moment_of(comes, zone) <= now:  # that day is over: it stays, or is the next after where it stands
            comes = days_off.moved(stands, off_days if off_days is OffDays.RUN else OffDays.NEXT) or stands
        shift, before = comes - stands, comes
        if shift or named.isoformat() != row.named_at:
            yield Place(row.id, row.schedule_id, row.due_at, _values(row, named, comes, zone))


def _values(row: Row[Any], named: datetime, comes: datetime, zone: ZoneInfo) -> dict[str, Any]:
    values: dict[str, Any] = {"named_at": named.isoformat(), "due_at": moment_of(comes, zone)}
    return values | ({"local_at": comes.isoformat()} if row.origin == "sequence" else {})


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
