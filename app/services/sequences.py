"""The later steps of a sequence: each comes so many days after the last ask of the step before has left."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from app.domain.cadence import Cadence, Repeat
from app.domain.days_off import OffDays
from app.engines import take_time
from app.models import Invitation, Message, Occurrence
from app.runtime import Runtime
from app.services.coming_due import days_off_of, local_time, on_the_wall

NOT_LEFT = (
    "planned",
    "queued",
    "sending",
)  # what nobody knows the end of has perhaps left: it is not waited for


def put_off_what_follows(session: Session, run: Occurrence, now: datetime) -> None:
    """A step: a run that asked its last people days after it was due puts its later steps off by as many.

    So nobody is asked two questions of a sequence at once because a pause or an outage lay between.
    """
    days = round((now - run.due_at) / timedelta(days=1))
    steps = session.scalars(_later(run)).all() if days > 0 else ()
    if not steps:
        return
    cadence = _cadence(session, steps[0])
    before = local_time(now, cadence)
    for step in steps:
        named = local_time(step.due_at, cadence) + timedelta(days=days)
        local = cadence.step_on(named, named - timedelta(days=days))
        if local <= before:
            named = before + timedelta(days=1)
            local = cadence.step_on(named, before)
        _comes(step, local, cadence, named)
        before = local


def held_until(runtime: Runtime, run_id: str) -> datetime | None:
    """Of a step that is due too soon: when the last ask of the step before has left, or will; else None.

    Quiet nights, caps and retries hold asks back, and nobody knew as the step before was planned.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        take_time(session.connection())
        run = session.get_one(Occurrence, run_id)
        asks = Invitation.occurrence_id == run.after_id
        waits = and_(asks, Invitation.state.in_(NOT_LEFT), Invitation.expires_at > now)
        coming = select(func.max(Message.due_at)).join(Invitation, Invitation.id == Message.invitation_id)
        last = session.scalar(coming.where(waits, Message.purpose == "invitation"))
        if last is not None:
            return max(last, now)
        left = session.scalar(select(func.max(Invitation.sent_at)).where(asks))
        if left is None:
            return None
        cadence = _cadence(session, run)
        own = local_time(run.due_at, cadence)
        return left if _after(local_time(left, cadence), run, cadence)[0] > own else None


def put_off(session: Session, run: Occurrence, last: datetime) -> None:
    """A step: this one comes as many days after that day as was said, at its own hour.

    The later ones follow.
    """
    cadence = _cadence(session, run)
    before = local_time(last, cadence)
    for step in (run, *session.scalars(_later(run))):
        local, named = _after(before, step, cadence)
        if local > (before := local_time(step.due_at, cadence)):
            _comes(step, local, cadence, named)
            before = local


def _cadence(session: Session, step: Occurrence) -> Cadence:
    """The wall that it hangs on: its own zone, what it does on days off, and its workspace's days."""
    assert step.local_at and step.time_zone and step.off_days
    return Cadence(
        Repeat.ONCE,
        datetime.fromisoformat(step.local_at),
        ZoneInfo(step.time_zone),
        off_days=OffDays(step.off_days),
        days_off=days_off_of(session, step.workspace_id),
    )


def _comes(step: Occurrence, local: datetime, cadence: Cadence, named: datetime) -> None:
    for name, value in on_the_wall(local, cadence, named).items():
        setattr(step, name, value)


def _after(before: datetime, step: Occurrence, cadence: Cadence) -> tuple[datetime, datetime]:
    """On the wall: so many days after that day as was said when the sequence began; and without days off."""
    assert step.after_days is not None
    day = datetime.combine(before.date(), local_time(step.due_at, cadence).time())
    named = day + timedelta(days=step.after_days)
    return cadence.step_on(named, day), named


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
