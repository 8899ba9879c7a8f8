"""The later steps of a sequence: each comes so many days after the last ask of the step before has left."""

from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.cadence import moment_of
from app.engines import take_time
from app.models import Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime
from app.services.coming_due import cadence_of, days_off_of, local_time

NOT_LEFT = (
    "planned",
    "queued",
    "sending",
)  # what nobody knows the end of has perhaps left: it is not waited for


def put_off_what_follows(session: Session, schedule: Schedule, run: Occurrence, now: datetime) -> None:
    """A step: a run that asked its last people days after it was due puts its later steps off by as many.

    So nobody is asked two questions of a sequence at once because a pause or an outage lay between.
    """
    days = round((now - run.due_at) / timedelta(days=1))
    if days < 1:
        return
    cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
    before = local_time(now, cadence)
    for step in session.scalars(_later(run)):
        local = cadence.step_after(local_time(step.due_at, cadence), days)
        before = local if local > before else cadence.step_after(before, 1)
        step.due_at = moment_of(before, cadence.zone)


def last_to_leave(runtime: Runtime, run_id: str) -> datetime | None:
    """Of a step that is due: when the last ask of the step before leaves that has not yet; None if all have.

    Quiet nights, caps and retries hold them back, and nobody knew as the step before was planned.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        take_time(session.connection())
        before = select(Occurrence.after_id).where(Occurrence.id == run_id).scalar_subquery()
        waiting = (
            select(func.max(Message.due_at))
            .join(Invitation, Invitation.id == Message.invitation_id)
            .where(
                Invitation.occurrence_id == before,
                Invitation.state.in_(NOT_LEFT),
                Invitation.expires_at > now,
                Message.purpose == "invitation",
            )
        )
        return session.scalar(waiting)


def wait_for(session: Session, schedule: Schedule, run: Occurrence, last: datetime) -> None:
    """A step: this one comes as many days after that moment as its schedule says; later ones follow."""
    cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
    days = {number: step["after_days"] for number, step in enumerate(schedule.steps, start=1)}
    before = local_time(last, cadence)
    for step in (run, *session.scalars(_later(run))):
        local = cadence.step_after(before, days.get(step.step, 1))
        before = max(local, local_time(step.due_at, cadence))
        step.due_at = moment_of(before, cadence.zone)


def _later(run: Occurrence) -> Select[Occurrence]:
    """The steps after this one that have not begun, in their order."""
    first = run.key.split(":")[0] if run.after_id else run.id
    steps = select(Occurrence).where(
        Occurrence.schedule_id == run.schedule_id,
        Occurrence.origin == "sequence",
        Occurrence.key.startswith(f"{first}:", autoescape=True),
        Occurrence.state == "due",
        Occurrence.step > run.step,
    )
    return steps.order_by(Occurrence.step)
