"""What lies ahead is counted anew: with each new tzdata from local rule and zone, and as days off change."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain.cadence import moment_of
from app.engines import take_time
from app.models import Occurrence, Schedule, Setting, new_id
from app.runtime import Runtime
from app.services import coming_due, waiting_chains
from app.services.portions import pace, portions

AGAIN = "retime:"  # rows of `installation`: the workspaces whose days off have changed, a new value each time
Moved = tuple[str, datetime, datetime]  # a step, when it was due, and when it is


def retime_schedules(runtime: Runtime) -> int:
    """A job at the start of a worker, which is when a new tzdata is first read. How many schedules moved."""
    with runtime.db.read() as session:
        rows = session.scalars(select(Schedule).where(Schedule.next_due_at.is_not(None))).all()
        workspaces = {row.workspace_id for row in rows}
        days_off = {each: coming_due.days_off_of(session, each) for each in workspaces}
    moved = 0
    for row in rows:
        cadence = coming_due.cadence_of(row, days_off[row.workspace_id])
        if not coming_due.retime(row, cadence):  # the row was only read: nothing of it is written
            continue
        with runtime.db.write() as session:
            query = select(Schedule).where(Schedule.id == row.id).with_for_update()
            schedule = session.scalars(query).one()
            week = coming_due.days_off_of(session, schedule.workspace_id)
            moved += coming_due.retime(schedule, coming_due.cadence_of(schedule, week))
    return moved


def retime_steps(runtime: Runtime) -> int:
    """A job, then as well: later steps of sequences have no rule, each keeps its time on the wall."""
    done = 0
    for some in portions(runtime, list(_moved(runtime)), pace(runtime)):
        with runtime.db.write() as session:
            for id, before, due_at in some:
                step = update(Occurrence).where(Occurrence.id == id, Occurrence.state == "due")
                done += changed(session, step.where(Occurrence.due_at == before).values(due_at=due_at))
    return done


def _moved(runtime: Runtime) -> Iterator[Moved]:
    columns = (Occurrence.id, Occurrence.local_at, Occurrence.time_zone, Occurrence.due_at)
    ahead = select(*columns).where(Occurrence.state == "due", Occurrence.due_at > runtime.clock())
    with runtime.db.read() as session:
        take_time(session.connection())
        for id, local, zone, before in session.execute(ahead.execution_options(yield_per=1_000)):
            if local and zone:
                due_at = moment_of(datetime.fromisoformat(local), ZoneInfo(zone))
                if due_at != before:
                    yield id, before, due_at


def note(session: Session, workspace_id: str) -> None:
    """A step: the days off of this workspace have changed. Begins anew what is under way already."""
    adding = insert_into(session, Setting).values(name=AGAIN + workspace_id, value=new_id())
    new = {"value": adding.excluded.value}
    session.execute(adding.on_conflict_do_update(index_elements=["name"], set_=new))


def retime_waiting(runtime: Runtime) -> int:
    """A job: steps and questions after events that wait move with the days off, and back. How many moved."""
    done = 0
    while not runtime.stopping() and (noted := _noted(runtime)) is not None:
        name, value = noted
        chains = waiting_chains.moved(runtime, name.removeprefix(AGAIN))
        for some in portions(runtime, chains, pace(runtime)):
            with runtime.db.write() as session:
                done += sum(waiting_chains.move(session, each, runtime.clock()) for each in some)
            runtime.reach("retimed_some")
        if runtime.stopping():
            break
        with runtime.db.write() as session:
            session.execute(delete(Setting).where(Setting.name == name, Setting.value == value))
    return done


def _noted(runtime: Runtime) -> tuple[str, str] | None:
    noted = select(Setting.name, Setting.value).where(Setting.name.startswith(AGAIN, autoescape=True))
    with runtime.db.read() as session:
        found = session.execute(noted.order_by(Setting.name).limit(1)).first()
    return None if found is None else (found.name, found.value)
