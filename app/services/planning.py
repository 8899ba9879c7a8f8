"""The planner: due schedules become occurrences; every due moment ends in a row."""

import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import Occurrence, Schedule
from app.runtime import Runtime
from app.services import unsent
from app.services.coming_due import come_due

SCHEDULES = 200  # read at once; a tick goes on until none is due
PAUSE = 0.005  # seconds between two looks: whoever waits to write comes in between


def plan_schedules(runtime: Runtime) -> int:
    """Turn what is due into occurrences, each schedule in a transaction of its own. How many were due."""
    now = runtime.clock()
    planned = 0
    while due := _due_schedules(runtime, now):
        for schedule_id in due:
            with runtime.db.write() as session:
                schedule = session.scalars(
                    select(Schedule).where(Schedule.id == schedule_id).with_for_update()
                ).one()
                come_due(session, schedule, now)
            runtime.reach("planned")
        planned += len(due)
        if len(due) < SCHEDULES:
            break
        time.sleep(PAUSE)
    return planned


def _due_schedules(runtime: Runtime, now: datetime) -> Sequence[str]:
    with runtime.db.read() as session:
        return session.scalars(
            select(Schedule.id)
            .where(Schedule.state.in_(("active", "paused")), Schedule.next_due_at <= now)
            .order_by(Schedule.next_due_at)
            .limit(SCHEDULES)
        ).all()


def stop_asking(session: Session, schedule_id: str, now: datetime) -> int:
    """A step: the runs under way end, and what has not left does not leave. How many people it was."""
    session.execute(
        update(Occurrence)
        .where(
            Occurrence.schedule_id == schedule_id,
            Occurrence.state.in_(("due", "running")),
        )
        .values(state="cancelled", reason="cancelled", ended_at=now)
    )
    return unsent.cancel(session, schedule_id)
