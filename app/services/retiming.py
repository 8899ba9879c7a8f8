"""Zones change their rules: with each new tzdata what lies ahead is counted anew from local rule and zone."""

from sqlalchemy import select

from app.models import Schedule
from app.runtime import Runtime
from app.services import coming_due


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
