"""What a failure means beyond its message: a window that is shut, a run that should stop by itself."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.brakes import (
    LEAST_BOUNCED,
    REFUSED,
    Cause,
    Complained,
    is_worth_a_look,
    worth_counting_arrived,
)
from app.models import (
    Bounces,
    Complaint,
    Conversation,
    Invitation,
    Message,
    Occurrence,
    Schedule,
    Stop,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import run_ends, telling_managers, unsent
from app.services.access import Visitor

log = structlog.get_logger("brakes")
ARRIVED = ("sent", "delivered")
COMPLAINED = "complained"  # stands where a reason would, for those who were asked and called it spam
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass(frozen=True)
class Stopped:
    """A schedule that paused itself, as people read it."""

    schedule_id: str
    schedule_name: str
    occurrence_id: str
    why: str
    reason: str
    failed: int
    known: int | None
    at: datetime


def shut_window(session: Session, address_key: str | None) -> None:
    """A step: WhatsApp says that the person wrote too long ago; from now on its template is used."""
    session.execute(update(Conversation).where(Conversation.address_key == address_key).values(heard_at=None))


def stop_run(session: Session, message_id: str, reason: str, now: datetime) -> None:
    """A step: where several of one run were refused for its words or our right to say them, it is paused.

    Nothing of it is lost: whoever looks after it sees why, mends it and resumes. Runs of few people each, so
    after events, count together.
    """
    run = run_ends.run_of(session, message_id)
    if run is None:
        return
    alone(session, run.schedule_id)
    number = run_ends.refused(session, run, reason, now)
    if number >= REFUSED:
        _stop(session, run, Cause("refused", reason, number), now)


def bounced(session: Session, message_id: str, reason: str, now: datetime) -> None:
    """A step: one more message of a run came back for good; of too many of them the run stops.

    Only failures are counted as they come; what arrived is counted where the failures may be too many, and
    no further than it takes to tell. Runs of few people each count together.
    """
    run = run_ends.run_of(session, message_id)
    if run is None:
        return
    alone(session, run.schedule_id)
    returned = run_ends.returned(session, run, now)
    if returned is not None and returned.is_too_much:
        _stop(session, run, Cause("bounces", reason, returned.bounced, returned.known), now)


def complained(session: Session, complaint: Complaint, now: datetime) -> None:
    """A step, once we are `alone` with its schedule: one more ask of a run was called spam.

    Only what left since the schedule last went on counts, on both sides: it never stops twice for the same.
    """
    run = session.get(Occurrence, complaint.occurrence_id) if complaint.occurrence_id else None
    if run is None or run.schedule_id is None:
        return
    which = _since_it_went_on(session, run, now)
    called_spam = (
        select(func.count(Complaint.id))
        .join(Occurrence, Occurrence.id == Complaint.occurrence_id)
        .join(Message, Message.id == Complaint.message_id)
        .where(Complaint.schedule_id == run.schedule_id, *which)
    )
    number = session.scalar(called_spam) or 0
    if not is_worth_a_look(number):
        return
    arrived = (
        select(Message.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Occurrence, Occurrence.id == Invitation.occurrence_id)
        .where(*which, Message.purpose == "invitation", Message.state.in_(ARRIVED))
        .limit(worth_counting_arrived(number) + 1)
    )
    share = Complained(number, session.scalar(select(func.count()).select_from(arrived.subquery())) or 0)
    if share.is_too_much:
        _stop(session, run, Cause("complaints", COMPLAINED, share.complaints, share.arrived), now)


def _since_it_went_on(session: Session, run: Occurrence, now: datetime) -> list[ColumnElement[bool]]:
    """What left of this run, or of its schedule's late runs of few people each, for they count together.

    All of these and not only the latest, as of bounces: two in a thousand are one in two hundred by chance.
    """
    since = run_ends.went_on(session, run, "complaints")
    fresh = [] if since is None else [Message.sent_at >= since]
    if run_ends.is_of_few(run):
        return [*run_ends.lately(run, now), *fresh]
    return [Occurrence.id == run.id, *fresh]


def alone(session: Session, schedule_id: str | None) -> None:
    """A step: first of all, of whoever may stop a schedule or ends a stop (SQLite has one writer).

    The one takes the count and then the schedule, the other the schedule and then the count.
    """
    if is_postgresql(session):
        session.execute(_ALONE, {"name": f"brake:{schedule_id}"})


def lift(session: Session, schedule_id: str, now: datetime) -> None:
    """A step: somebody resumes or cancels the schedule. What came back so far stops it no second time.

    Nothing is counted here, where nothing may fail: whatever stops for bounces knows exactly of how many.
    """
    open_stops = session.scalars(
        select(Stop).where(Stop.schedule_id == schedule_id, Stop.ended_at.is_(None))
    ).all()
    for stop in open_stops:
        stop.ended_at = now
        row = session.get(Bounces, stop.occurrence_id, with_for_update=True)
        if row is not None and stop.why == "bounces":
            row.forgiven, row.look_at = row.number, LEAST_BOUNCED
            row.forgiven_known += stop.known or 0


def stopped(runtime: Runtime, who: Visitor) -> list[Stopped]:
    """The schedules of the visitor's workspace that paused themselves and still stand so."""
    with runtime.db.read() as session:
        return standing(session, who.workspace_id)


def standing(session: Session, workspace_id: str, schedule_id: str | None = None) -> list[Stopped]:
    """A step: the schedules of this workspace that paused themselves and still stand so, the newest first."""
    query = (
        select(Stop, Schedule.name)
        .join(Schedule, Schedule.id == Stop.schedule_id)
        .where(Stop.workspace_id == workspace_id, Stop.ended_at.is_(None))
        .order_by(Stop.stopped_at.desc(), Stop.id)
    )
    if schedule_id is not None:
        query = query.where(Stop.schedule_id == schedule_id)
    return [
        Stopped(
            row.schedule_id, name, row.occurrence_id, row.why, row.reason, row.failed, row.known,
            row.stopped_at,
        )
        for row, name in session.execute(query)
    ]  # fmt: skip


def _stop(session: Session, run: Occurrence, cause: Cause, now: datetime) -> None:
    """Pause the schedule if it goes on, keep why, and tell who looks after it."""
    schedule = session.get_one(Schedule, run.schedule_id, with_for_update=True, populate_existing=True)
    goes_on = schedule.state == "active"  # one that asks once has ended as its only run began
    if not goes_on and not (schedule.state == "ended" and unsent.is_under_way(session, schedule.id)):
        return
    schedule.state, schedule.updated_at = "paused", now
    schedule.revision += 1
    session.flush()
    unsent.follow(session, schedule, now)
    session.add(
        Stop(
            id=new_id(), workspace_id=run.workspace_id, schedule_id=schedule.id, occurrence_id=run.id,
            why=cause.why, reason=cause.reason, failed=cause.failed, known=cause.known, stopped_at=now,
        )
    )  # fmt: skip
    telling_managers.tell_of_stop(session, schedule, cause, now)
    log.warning("run_stopped", schedule_id=schedule.id, why=cause.why, reason=cause.reason)
