"""The planner: due schedules become occurrences, and these invitations; every due moment ends in a row."""

import time
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.models import Contact, Occurrence, Schedule, Survey, Workspace
from app.models.schedule import ORIGINS_OF_SCHEDULES
from app.runtime import Runtime
from app.services import eligible, inviting, pulses, unsent, whose_turn
from app.services.coming_due import cadence_of, come_due

SCHEDULES = 200  # read at once; a tick goes on until none is due
CHUNK = 50  # people planned in one commit: some ten milliseconds of the writer's lock
PAUSE = 0.005  # seconds between two chunks: whoever waits to write comes in between


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


def expand_occurrences(runtime: Runtime) -> int:
    """Ask the people of every due occurrence, some at a time. How many people were decided about.

    They take turns, so that a large one lets all others begin. One that fails keeps no other waiting; it is
    due again at the next tick. Raises the first failure.
    """
    decided = 0
    failures: list[Exception] = []
    _choose(runtime)
    going = list(_due_occurrences(runtime))
    while going:
        for each in tuple(going):
            try:
                with runtime.db.write() as session:
                    number = _expand_some(session, runtime, each)
                runtime.reach("expanded_some")
            except Exception as error:
                failures.append(error)
                number = 0
            decided += number
            if number < CHUNK:
                going.remove(each)
            else:
                time.sleep(PAUSE)
    if failures:
        raise failures[0]
    return decided


def _choose(runtime: Runtime) -> None:
    """Of runs that ask each person by their own clock: whose turn it is, looked up while nobody waits."""
    with runtime.db.read() as session:
        chosen = {
            each: whose_turn.choose(session, runtime, each)
            for each in session.scalars(_due(runtime).where(whose_turn.waits_for_choice())).all()
        }
    for each, ids in chosen.items():
        with runtime.db.write() as session:
            whose_turn.keep(session, each, ids)


def _due_occurrences(runtime: Runtime) -> Sequence[str]:
    with runtime.db.read() as session:
        ready = _due(runtime).where(~whose_turn.waits_for_choice())
        return session.scalars(ready.order_by(Occurrence.due_at, Occurrence.step)).all()


def _due(runtime: Runtime) -> Select[str]:
    return (
        select(Occurrence.id)
        .join(Schedule, Schedule.id == Occurrence.schedule_id)
        .where(Occurrence.state.in_(("due", "running")), Occurrence.due_at <= runtime.clock())
        .where(Occurrence.origin.in_(ORIGINS_OF_SCHEDULES), Schedule.state != "paused")
    )


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
    ask = whose_turn.asking(session, runtime, schedule, metric, occurrence)
    people = whose_turn.narrow(occurrence, eligible.audience(occurrence.workspace_id))
    people = people.order_by(Contact.id).limit(CHUNK)
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
    if whose_turn.too_late(schedule, occurrence, now):
        occurrence.state, occurrence.reason, occurrence.ended_at = "missed", "late", now
        return None
    if survey.published_version_id is None or survey.archived_at is not None:
        occurrence.state, occurrence.reason, occurrence.ended_at = "skipped", "unpublished", now
        return None
    occurrence.version_id, occurrence.state = survey.published_version_id, "running"
    session.flush()
    if metric is Metric.ENPS:
        pulses.open_occurrence(session, runtime, occurrence, cadence_of(schedule).early_days)
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
