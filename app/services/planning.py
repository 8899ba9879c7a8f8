"""The planner: due schedules become occurrences; every due moment ends in a row."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.cadence import Cadence, Repeat, Run, due_runs, late_runs
from app.models import Occurrence, Schedule, new_id
from app.runtime import Runtime
from app.services import unsent

SCHEDULES = 50  # looked at in one tick; the next tick comes within a second
Ended = tuple[str, str] | None  # the state and the reason of a run that ends before it begins


def plan_schedules(runtime: Runtime) -> int:
    """Turn what is due into occurrences. How many schedules were due."""
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.scalars(
            select(Schedule.id)
            .where(Schedule.state.in_(("active", "paused")), Schedule.next_due_at <= now)
            .order_by(Schedule.next_due_at)
            .limit(SCHEDULES)
        ).all()
    for schedule_id in due:
        with runtime.db.write() as session:
            schedule = session.scalars(
                select(Schedule).where(Schedule.id == schedule_id).with_for_update()
            ).one()
            come_due(session, schedule, now)
        runtime.reach("planned")
    return len(due)


def cadence_of(schedule: Schedule) -> Cadence:
    """The rule of a schedule's row."""
    starts_at = datetime.fromisoformat(schedule.starts_at)
    return Cadence(Repeat(schedule.repeat), starts_at, ZoneInfo(schedule.time_zone))


def come_due(session: Session, schedule: Schedule, now: datetime) -> None:
    """A step: a row for every moment of this locked schedule that has come, and when the next one is.

    What comes due while it is paused is skipped and not made up for: nobody is asked by surprise.
    """
    if schedule.state not in ("active", "paused") or not schedule.next_due_at or schedule.next_due_at > now:
        return  # another worker was quicker, or somebody cancelled it
    cadence = cadence_of(schedule)
    if schedule.state == "paused":
        for each in due_runs(cadence, schedule.next_due_at, now):
            _occur(session, schedule, each, now, ("skipped", "paused"))
    else:
        missed, run = late_runs(cadence, schedule.next_due_at, now)
        for each in missed:
            _occur(session, schedule, each, now, ("missed", "late"))
        if run is not None:
            _occur(session, schedule, run, now)
    wait_for(schedule, cadence.next_run(now))


def wait_for(schedule: Schedule, run: Run | None) -> None:
    """A step: this is its next run; without one it has ended."""
    schedule.next_due_at = run.due_at if run else None
    if run is None:
        schedule.state = "ended"


def _occur(session: Session, schedule: Schedule, run: Run, now: datetime, ended: Ended = None) -> None:
    """One row for one due moment. Unique by schedule, local time and zone: a second planner adds nothing."""
    state, reason = ended or ("due", None)
    values = {
        "id": new_id(),
        "workspace_id": schedule.workspace_id,
        "schedule_id": schedule.id,
        "survey_id": schedule.survey_id,
        "origin": "schedule",
        "key": f"{schedule.id}:{run.local}:{schedule.time_zone}",
        "audience": schedule.audience,
        "channels": schedule.channels,
        "terms": schedule.terms,
        "state": state,
        "reason": reason,
        "due_at": run.due_at,
        "created_at": now,
        "ended_at": now if ended else None,
    }
    session.execute(insert_into(session, Occurrence).values(values).on_conflict_do_nothing())


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
