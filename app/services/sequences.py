"""The later steps of a sequence: each comes so many days after the last ask of the step before has left."""

from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.domain.cadence import Cadence
from app.engines import take_time
from app.models import Invitation, Message, Occurrence, Schedule
from app.runtime import Runtime
from app.services.coming_due import cadence_of, days_off_of, local_time, on_the_wall

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
        _comes(step, before, cadence)


def held_until(runtime: Runtime, run_id: str) -> datetime | None:
    """Of a step that is due too soon: when the last ask of the step before has left, or will; else None.

    Quiet nights, caps and retries hold asks back, and nobody knew as the step before was planned.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        take_time(session.connection())
        run = session.get_one(Occurrence, run_id)
        schedule = session.get_one(Schedule, run.schedule_id)
        asks = Invitation.occurrence_id == run.after_id
        waits = and_(asks, Invitation.state.in_(NOT_LEFT), Invitation.expires_at > now)
        coming = select(func.max(Message.due_at)).join(Invitation, Invitation.id == Message.invitation_id)
        last = session.scalar(coming.where(waits, Message.purpose == "invitation"))
        if last is not None:
            return max(last, now)
        left = session.scalar(select(func.max(Invitation.sent_at)).where(asks))
        if left is None:
            return None
        cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
        own = local_time(run.due_at, cadence)
        return left if _after(local_time(left, cadence), schedule, run, cadence) > own else None


def put_off(session: Session, schedule: Schedule, run: Occurrence, last: datetime) -> None:
    """A step: this one comes as many days after that day as its schedule says, at its own hour.

    The later ones follow.
    """
    cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
    before = local_time(last, cadence)
    for step in (run, *session.scalars(_later(run))):
        before = max(local_time(step.due_at, cadence), _after(before, schedule, step, cadence))
        _comes(step, before, cadence)


def _comes(step: Occurrence, local: datetime, cadence: Cadence) -> None:
    for name, value in on_the_wall(local, cadence).items():
        setattr(step, name, value)


def _after(before: datetime, schedule: Schedule, step: Occurrence, cadence: Cadence) -> datetime:
    """On the wall: so many days after that day as the schedule says, the least of one that it has no more."""
    day = datetime.combine(before.date(), local_time(step.due_at, cadence).time())
    has_it = len(schedule.steps) >= step.step
    return cadence.step_after(day, schedule.steps[step.step - 1]["after_days"] if has_it else 1)


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
