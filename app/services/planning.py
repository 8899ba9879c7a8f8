"""The planner: due schedules become occurrences; every due moment ends in a row."""

import time
from collections.abc import Collection, Sequence
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
    """Turn what is due into occurrences, each schedule in a transaction of its own. How many were due.

    One that fails keeps no other waiting; it is due again at the next tick. Raises the first failure.
    """
    now = runtime.clock()
    planned = 0
    failures: dict[str, Exception] = {}
    while due := _due_schedules(runtime, now, but=failures):
        for schedule_id in due:
            try:
                _plan(runtime, schedule_id, now)
            except Exception as error:
                failures[schedule_id] = error
        planned += len(due)
        if len(due) < SCHEDULES:
            break
        time.sleep(PAUSE)
    if failures:
        raise next(iter(failures.values()))
    return planned


def _plan(runtime: Runtime, schedule_id: str, now: datetime) -> None:
    with runtime.db.write() as session:
        query = select(Schedule).where(Schedule.id == schedule_id).with_for_update()
        come_due(session, session.scalars(query).one(), now)
    runtime.reach("planned")


def _due_schedules(runtime: Runtime, now: datetime, but: Collection[str]) -> Sequence[str]:
    with runtime.db.read() as session:
        return session.scalars(
            select(Schedule.id)
            .where(Schedule.state.in_(("active", "paused")), Schedule.next_due_at <= now)
            .where(Schedule.id.not_in(but))
            .order_by(Schedule.next_due_at)
            .limit(SCHEDULES)
        ).all()


def stop_asking(session: Session, schedule: Schedule, now: datetime) -> int:
    """A step: the runs under way end, and what has not left does not leave. How many people here and now."""
    session.execute(
        update(Occurrence)
        .where(
            Occurrence.schedule_id == schedule.id,
            Occurrence.state.in_(("due", "running")),
        )
        .values(state="cancelled", reason="cancelled", ended_at=now)
    )
    return unsent.follow(session, schedule, now)
