"""The planner: due schedules become occurrences, and these invitations; every due moment ends in a row."""

import time
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.cadence import Cadence, Repeat, Run, due_runs, late_runs
from app.domain.metrics import Metric
from app.models import Contact, Occurrence, Schedule, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import audiences, eligible, inviting, pulses, unsent

SCHEDULES = 50  # looked at in one tick; the next tick comes within a second
CHUNK = 50  # people planned in one commit: some ten milliseconds of the writer's lock
PAUSE = 0.005  # seconds between two chunks: whoever waits to write comes in between
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
        "audience": audiences.of_schedule(session, schedule),
        "channels": schedule.channels,
        "state": state,
        "reason": reason,
        "due_at": run.due_at,
        "created_at": now,
        "ended_at": now if ended else None,
    }
    session.execute(insert_into(session, Occurrence).values(values).on_conflict_do_nothing())


def expand_occurrences(runtime: Runtime) -> int:
    """Ask the people of every due occurrence, some at a time. How many people were decided about.

    One that fails keeps no other waiting; it is due again at the next tick. Raises the first failure.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.scalars(
            select(Occurrence.id)
            .join(Schedule, Schedule.id == Occurrence.schedule_id)
            .where(Occurrence.state.in_(("due", "running")), Occurrence.due_at <= now)
            .where(Occurrence.origin == "schedule", Schedule.state != "paused")
            .order_by(Occurrence.due_at)
        ).all()
    decided = 0
    failures: list[Exception] = []
    for each in due:
        try:
            decided += _expand(runtime, each)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return decided


def _expand(runtime: Runtime, occurrence_id: str) -> int:
    decided = 0
    while True:
        with runtime.db.write() as session:
            number = _expand_some(session, runtime, occurrence_id)
        runtime.reach("expanded_some")
        decided += number
        if number < CHUNK:
            return decided
        time.sleep(PAUSE)


def _expand_some(session: Session, runtime: Runtime, occurrence_id: str) -> int:
    """Decide about the next people in the order of their ids, and say how far we are, in one transaction."""
    now = runtime.clock()
    found = _lock(session, occurrence_id)
    if found is None:
        return 0
    occurrence, schedule = found
    metric = _begin(session, runtime, occurrence, schedule, now)
    if metric is None:
        return 0
    inviting.one_at_a_time(session, occurrence.workspace_id)
    ask = eligible.asking(
        session,
        runtime,
        occurrence.workspace_id,
        metric,
        channels=occurrence.channels,
        repeat=schedule.repeat,
        occurrence_id=occurrence.id,
    )
    people = audiences.of_occurrence(session, runtime, occurrence).order_by(Contact.id).limit(CHUNK)
    if occurrence.expanded_to is not None:
        people = people.where(Contact.id > occurrence.expanded_to)
    decided = eligible.decide(session, ask, people)
    locale = session.get_one(Workspace, occurrence.workspace_id).locale
    inviting.invite(session, occurrence, metric.value, decided, now, locale=locale)
    if decided:
        occurrence.expanded_to = decided[-1][0].id
    if len(decided) < CHUNK:
        occurrence.state, occurrence.ended_at = "run", now
    return len(decided)


def _lock(session: Session, occurrence_id: str) -> tuple[Occurrence, Schedule] | None:
    """The occurrence for us alone, and its schedule shared, so that pausing and cancelling wait for a chunk.

    None when there is nothing left to do, another worker does it, or the schedule is paused.
    """
    schedule_id = select(Occurrence.schedule_id).where(Occurrence.id == occurrence_id).scalar_subquery()
    schedule = session.scalars(
        select(Schedule).where(Schedule.id == schedule_id).with_for_update(read=True)
    ).one()
    if schedule.state == "paused":
        return None
    query = select(Occurrence).where(Occurrence.id == occurrence_id, Occurrence.state.in_(("due", "running")))
    occurrence = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
    return None if occurrence is None else (occurrence, schedule)


def _begin(
    session: Session, runtime: Runtime, occurrence: Occurrence, schedule: Schedule, now: datetime
) -> Metric | None:
    """Fix the version that is asked; None when nothing can be, or when a pulse asks in its own way."""
    survey = session.get_one(Survey, occurrence.survey_id)
    metric = Metric(survey.metric)
    if occurrence.state == "running":
        return metric
    if survey.published_version_id is None or survey.archived_at is not None:
        occurrence.state, occurrence.reason, occurrence.ended_at = "skipped", "unpublished", now
        return None
    occurrence.version_id, occurrence.state = survey.published_version_id, "running"
    session.flush()
    if metric is Metric.ENPS:
        pulses.open_occurrence(session, runtime, occurrence, schedule.repeat)
        return None
    return metric


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
