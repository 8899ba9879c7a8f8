"""The planner: due schedules become occurrences, occurrences become invitations; every due moment ends in a row."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.domain.cadence import Cadence, Repeat, Run, late_runs
from app.domain.eligibility import Verdict, may_ask
from app.domain.metrics import Metric
from app.models import Contact, Occurrence, Schedule, Survey, Workspace, new_id
from app.runtime import Runtime
from app.services import eligible, inviting, pulses

SCHEDULES = 50  # looked at in one tick; the next tick comes within a second
CHUNK = 100  # people planned in one commit: some milliseconds of the writer's lock


def plan_schedules(runtime: Runtime) -> int:
    """Turn what is due into occurrences. How many schedules were due."""
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.scalars(
            select(Schedule.id)
            .where(Schedule.state == "active", Schedule.next_due_at <= now)
            .order_by(Schedule.next_due_at)
            .limit(SCHEDULES)
        ).all()
    for schedule_id in due:
        with runtime.db.write() as session:
            _plan(session, schedule_id, now)
        runtime.reach("planned")
    return len(due)


def cadence_of(schedule: Schedule) -> Cadence:
    """The rule of a schedule's row."""
    starts_at = datetime.fromisoformat(schedule.starts_at)
    return Cadence(Repeat(schedule.repeat), starts_at, ZoneInfo(schedule.time_zone))


def _plan(session: Session, schedule_id: str, now: datetime) -> None:
    schedule = session.scalars(select(Schedule).where(Schedule.id == schedule_id).with_for_update()).one()
    if schedule.state != "active" or schedule.next_due_at is None or schedule.next_due_at > now:
        return  # another worker was quicker, or somebody paused it
    cadence = cadence_of(schedule)
    missed, run = late_runs(cadence, schedule.next_due_at, now)
    for each in missed:
        _occur(session, schedule, each, now, state="missed", reason="late")
    if run is not None:
        _occur(session, schedule, run, now, state="due", reason=None)
    following = cadence.next_run(now)
    schedule.next_due_at = following.due_at if following else None
    schedule.next_local = following.local if following else None
    if following is None:
        schedule.state = "ended"


def _occur(
    session: Session, schedule: Schedule, run: Run, now: datetime, *, state: str, reason: str | None
) -> None:
    """One row for one due moment; unique by schedule and local time, so a second planner adds nothing."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "id": new_id(),
        "workspace_id": schedule.workspace_id,
        "schedule_id": schedule.id,
        "survey_id": schedule.survey_id,
        "origin": "schedule",
        "key": f"{schedule.id}:{run.local}",
        "audience": schedule.audience,
        "channels": schedule.channels,
        "state": state,
        "reason": reason,
        "due_at": run.due_at,
        "created_at": now,
        "ended_at": now if state == "missed" else None,
    }
    session.execute(make(Occurrence).values(values).on_conflict_do_nothing())


def expand_occurrences(runtime: Runtime) -> int:
    """Ask the people of every due occurrence, some at a time. How many people were decided about."""
    now = runtime.clock()
    with runtime.db.read() as session:
        due = session.scalars(
            select(Occurrence.id)
            .where(Occurrence.state.in_(("due", "running")), Occurrence.due_at <= now)
            .where(Occurrence.origin == "schedule")
            .order_by(Occurrence.due_at)
        ).all()
    return sum(_expand(runtime, each) for each in due)


def _expand(runtime: Runtime, occurrence_id: str) -> int:
    decided = 0
    while True:
        with runtime.db.write() as session:
            number = _expand_some(session, runtime, occurrence_id)
        runtime.reach("expanded_some")
        decided += number
        if number < CHUNK:
            return decided


def _expand_some(session: Session, runtime: Runtime, occurrence_id: str) -> int:
    """Decide about the next people in the order of their ids, and say how far we are, in one transaction."""
    now = runtime.clock()
    occurrence = session.scalars(
        select(Occurrence).where(Occurrence.id == occurrence_id).with_for_update(skip_locked=True)
    ).one_or_none()
    if occurrence is None or occurrence.state not in ("due", "running"):
        return 0
    if not _begin(session, runtime, occurrence, now):
        return 0
    inviting.one_at_a_time(session, occurrence.workspace_id)
    survey = session.get_one(Survey, occurrence.survey_id)
    repeat = session.scalar(select(Schedule.repeat).where(Schedule.id == occurrence.schedule_id))
    ask = eligible.asking(session, occurrence.workspace_id, Metric(survey.metric), now, repeat)
    query = eligible.audience(occurrence.workspace_id).order_by(Contact.id).limit(CHUNK)
    if occurrence.expanded_to is not None:
        query = query.where(Contact.id > occurrence.expanded_to)
    people = [(row[0], row[1]) for row in session.execute(query.add_columns(eligible.reason(ask)))]
    decided = _decide(session, ask, people)
    locale = session.scalars(select(Workspace.locale).where(Workspace.id == occurrence.workspace_id)).one()
    inviting.invite(session, occurrence, survey.metric, decided, now, locale=locale)
    if people:
        occurrence.expanded_to = people[-1][0].id
    if len(people) < CHUNK:
        occurrence.state, occurrence.ended_at = "run", now
    return len(people)


def _decide(
    session: Session, ask: eligible.Asking, people: Sequence[tuple[Contact, str | None]]
) -> list[tuple[Contact, Verdict]]:
    """The verdict for each; of two people with one address only the first is asked."""
    addresses: set[str] = set()
    decided = []
    for contact, reason in people:
        verdict = Verdict(reason)
        if reason == "resting":
            verdict = may_ask(eligible.facts(session, ask, contact.id), ask.rest, ask.now)
        elif reason is None and contact.email_key in addresses:
            verdict = Verdict("duplicate")
        if verdict.reason is None and contact.email_key:
            addresses.add(contact.email_key)
        decided.append((contact, verdict))
    return decided


def _begin(session: Session, runtime: Runtime, occurrence: Occurrence, now: datetime) -> bool:
    """Fix the version that is asked; False when there is nothing to ask, or a pulse does it in its own way."""
    if occurrence.state == "running":
        return True
    survey = session.get_one(Survey, occurrence.survey_id)
    if survey.published_version_id is None or survey.archived_at is not None:
        occurrence.state, occurrence.reason, occurrence.ended_at = "skipped", "unpublished", now
        return False
    occurrence.version_id, occurrence.state = survey.published_version_id, "running"
    session.flush()
    if Metric(survey.metric) is Metric.ENPS:
        pulses.open_occurrence(session, runtime, occurrence)
        return False
    return True


def stop_unsent(session: Session, now: datetime, *, schedule_id: str) -> int:
    """A cancelled schedule: what has not left does not leave; what has, stays answerable."""
    from_schedule = or_(Occurrence.state == "due", Occurrence.state == "running")
    session.execute(
        update(Occurrence)
        .where(Occurrence.schedule_id == schedule_id, from_schedule)
        .values(state="cancelled", reason="cancelled", ended_at=now)
    )
    return inviting.cancel_queued(session, schedule_id)
