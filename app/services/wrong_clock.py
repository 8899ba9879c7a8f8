"""A clock that was ahead and went back: what it made wait is looked at again, or would wait for as long.

Leases and rests that it wrote are void by themselves, wherever they are read (`domain/clock_jumps`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into
from app.domain.clock_jumps import Waiting, furthest, waits_for_nothing
from app.domain.terms import Terms
from app.engines import take_time
from app.models import Attempt, Invitation, Message, Occurrence, Setting, new_id
from app.models.base import UtcDateTime
from app.runtime import Runtime
from app.services import hourly, looking_again
from app.services.portions import pace, portions

AT_ONCE = 5_000  # messages in one look
LATEST = "worker_beat_at"  # a row of `installation` by machine: when a worker there was last alive
NAME = 64  # letters of such a row's name
KEPT = timedelta(days=30)  # for a machine that is not heard of: containers get new names
WENT_BACK = "clock_went_back"  # a row of `installation`, until what waits was looked at
HOUR = timedelta(hours=1)

log = structlog.get_logger("worker")
_DUE_NOW = (
    update(Message.__table__)  # type: ignore[arg-type]
    .where(Message.__table__.c.id == bindparam("its_id"), Message.__table__.c.state == "queued")
    .where(Message.__table__.c.due_at > bindparam("now", type_=UtcDateTime()))
    .values(due_at=bindparam("now", type_=UtcDateTime()))
)


def watch(session: Session, now: datetime, machine: str) -> None:
    """A step of every beat: was a worker of this machine alive later than now? Then its clock went back.

    One that was never heard of looks at all others once: it may be a container's new name. Then machines
    whose clocks differ say nothing of each other, or every beat of the one behind would. The row stays when a
    worker leaves: whoever sets a clock right may stop the workers for that.
    """
    name = f"{LATEST}:{machine}"[:NAME]
    query = select(Setting.name, Setting.value).where(Setting.name.startswith(LATEST, autoescape=True))
    beats = {each: datetime.fromisoformat(at) for each, at in session.execute(query)}
    _keep(session, name, now.isoformat())
    old = [each for each, at in beats.items() if each != name and at < now - KEPT]
    if old:
        session.execute(delete(Setting).where(Setting.name.in_(old)))
    latest = beats.get(name, max(beats.values(), default=now))
    if latest > furthest(now):
        log.error("clock went back", do="look after the time service")
        _keep(session, WENT_BACK, new_id())


def look_at_waiting(runtime: Runtime) -> int:
    """A job: once a clock went back, what it may have made wait is due. How many messages.

    Killed anywhere, it begins anew. What the last gate holds back once more is not met again.
    """
    with runtime.db.read() as session:
        mark = session.scalar(select(Setting.value).where(Setting.name == WENT_BACK))
    if mark is None:
        return 0
    done, last, steps = 0, "", pace(runtime)
    anew: set[str] = set()  # hours whose turns were forgotten, once in each look
    while True:
        ids, last = _next(runtime, last)
        for some in portions(runtime, ids, steps):
            with runtime.db.write() as session:
                anew |= hourly.forget_turns(session, some, anew)
                done += _make_due(session, some, runtime.clock())
        if runtime.stopping():
            return done
        if not last:
            break
    with runtime.db.write() as session:  # unless it went back once more
        changed(session, delete(Setting).where(Setting.name == WENT_BACK, Setting.value == mark))
    return done


def _keep(session: Session, name: str, value: str) -> None:
    adding = insert_into(session, Setting).values(name=name, value=value)
    session.execute(adding.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def _make_due(session: Session, some: Sequence[str], now: datetime) -> int:
    """What was held back first: it goes where it was in its run."""
    held = looking_again.make_due(session, some, now)
    rows = [{"its_id": id, "now": now} for id in some]
    return held + (session.connection().execute(_DUE_NOW, rows).rowcount if rows else 0)


def _next(runtime: Runtime, last: str) -> tuple[list[str], str]:
    """Of the next messages by their ids, those that wait for nothing; and where we are, empty at the end."""
    tried_at = (
        select(func.max(Attempt.started_at, type_=Attempt.started_at.type))
        .where(Attempt.message_id == Message.id)
        .scalar_subquery()
    )
    now = runtime.clock()
    query = (
        select(Message, tried_at, Occurrence)
        .outerjoin(Invitation, Invitation.id == Message.invitation_id)
        .outerjoin(Occurrence, Occurrence.id == Invitation.occurrence_id)
        .where(Message.state == "queued", Message.due_at > furthest(now), Message.id > last)
    )
    with runtime.db.read() as session:
        take_time(session.connection())
        rows = session.execute(query.order_by(Message.id).limit(AT_ONCE)).all()
        ids = [each.id for each, tried, run in rows if waits_for_nothing(_waiting(each, tried, run), now)]
        return ids, rows[-1][0].id if len(rows) == AT_ONCE else ""


def _waiting(message: Message, tried_at: datetime | None, run: Occurrence | None) -> Waiting:
    """A failure is the only other reason that a waiting message has, beside what holds it back."""
    is_held = message.reason in looking_again.HELD
    per_hour = Terms.from_json(run.terms).per_hour if run is not None else None
    planned_to = None
    if run is not None and per_hour and message.purpose == "invitation" and not is_held:
        planned_to = max(run.due_at, message.created_at) + HOUR * (run.asked / per_hour) + timedelta(days=1)
    return Waiting(
        message.created_at,
        message.due_at,
        tried_at,
        retried=message.reason is not None and not is_held,
        planned_to=planned_to,
        by_day=message.purpose == "alert",
    )
