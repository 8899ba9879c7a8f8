"""What a failure means beyond its message: a window that is shut, a run that should stop by itself."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, Select, func, or_, select, text, update
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
from app.domain.metrics import Metric
from app.models import (
    Bounces,
    Complaint,
    Conversation,
    Invitation,
    Message,
    Occurrence,
    Pulse,
    Schedule,
    Stop,
    Survey,
    new_id,
)  # fmt: skip
from app.runtime import Runtime
from app.services import run_ends, standstill, telling_managers, unsent
from app.services.access import Visitor
from app.services.departing import Departing
from app.services.telling_managers import Topic

log = structlog.get_logger("brakes")
ARRIVED = ("sent", "delivered")
COMPLAINED = "complained"  # stands where a reason would, for those who were asked and called it spam
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


@dataclass(frozen=True)
class Stopped:
    """A schedule or a pulse that paused itself, as people read it."""

    name: str
    page: str  # of its workspace, where it is resumed
    schedule_id: str | None
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
    alone(session, brake_of(run))
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
    alone(session, brake_of(run))
    returned = run_ends.returned(session, run, now)
    if returned is not None and returned.is_too_much:
        _stop(session, run, Cause("bounces", reason, returned.bounced, returned.known), now)


def complained(session: Session, complaint: Complaint, now: datetime) -> None:
    """A step, once we are `alone` with its schedule: one more ask of a run was called spam.

    Only what left since the schedule last went on counts, on both sides: it never stops twice for the same.
    """
    run = session.get(Occurrence, complaint.occurrence_id) if complaint.occurrence_id else None
    if run is None:
        return
    which = _since_it_went_on(session, run, now)
    called_spam = (
        select(func.count(Complaint.id))
        .join(Message, Message.id == Complaint.message_id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Occurrence, Occurrence.id == Complaint.occurrence_id)
        .where(Complaint.workspace_id == run.workspace_id, Complaint.schedule_id == run.schedule_id, *which)
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


def brake_of(run: Occurrence) -> str:
    """Under which name whoever counts for this run is alone: what counts together has one."""
    return run.schedule_id or (run.workspace_id if run_ends.is_one_by_one(run) else run.id)


def name_of(each: Departing) -> str:
    """The same of a message, without a look at its run: eNPS without a schedule is a pulse opened by hand."""
    by_hand = each.occurrence_id if each.metric == Metric.ENPS else each.workspace_id
    return each.schedule_id or by_hand or ""


def alone(session: Session, brake: str) -> None:
    """A step: first of all, of whoever may stop something or ends a stop (SQLite has one writer).

    The one takes the count and then the schedule, the other the schedule and then the count.
    """
    if is_postgresql(session):
        session.execute(_ALONE, {"name": f"brake:{brake}"})


def lift(session: Session, schedule_id: str, now: datetime) -> None:
    """A step: somebody resumes or cancels the schedule. What came back so far stops it no second time."""
    _end(session, select(Stop).where(Stop.schedule_id == schedule_id, Stop.ended_at.is_(None)), now)


def lift_of_pulse(session: Session, occurrence_id: str, now: datetime) -> bool:
    """A step: the same of a pulse that was opened by hand. Did it stand still?"""
    by_hand = Stop.schedule_id.is_(None), Stop.ended_at.is_(None)
    return _end(session, select(Stop).where(Stop.occurrence_id == occurrence_id, *by_hand), now)


def _end(session: Session, open_stops: Select[Stop], now: datetime) -> bool:
    """Nothing is counted here, where nothing may fail: what stops for bounces knows exactly of how many."""
    stops = session.scalars(open_stops).all()
    for stop in stops:
        stop.ended_at = now
        row = session.get(Bounces, stop.occurrence_id, with_for_update=True)
        if row is not None and stop.why == "bounces":
            row.forgiven, row.look_at = row.number, LEAST_BOUNCED
            row.forgiven_known += stop.known or 0
    return bool(stops)


def stopped(runtime: Runtime, who: Visitor) -> list[Stopped]:
    """What paused itself in the visitor's workspace and still stands so."""
    with runtime.db.read() as session:
        return standing(session, who.workspace_id)


def standing(
    session: Session, workspace_id: str, schedule_id: str | None = None, occurrence_id: str | None = None
) -> list[Stopped]:
    """A step: what paused itself in this workspace and still stands so, the newest first."""
    query = (
        select(Stop, func.coalesce(Schedule.name, Survey.name), Pulse.id)
        .join(Occurrence, Occurrence.id == Stop.occurrence_id)
        .join(Survey, Survey.id == Occurrence.survey_id)
        .outerjoin(Schedule, Schedule.id == Stop.schedule_id)
        .outerjoin(Pulse, Pulse.occurrence_id == Stop.occurrence_id)
        .where(Stop.workspace_id == workspace_id, Stop.ended_at.is_(None))
        .where(or_(Stop.schedule_id.is_not(None), Pulse.state == "open"))
        .order_by(Stop.stopped_at.desc(), Stop.id)
    )
    if schedule_id is not None:
        query = query.where(Stop.schedule_id == schedule_id)
    if occurrence_id is not None:
        query = query.where(Stop.occurrence_id == occurrence_id)
    return [_stopped(row, name, pulse_id) for row, name, pulse_id in session.execute(query)]


def _stopped(row: Stop, name: str, pulse_id: str) -> Stopped:
    page = f"schedules/{row.schedule_id}" if row.schedule_id else f"pulses/{pulse_id}"
    which = name, page, row.schedule_id, row.occurrence_id
    return Stopped(*which, row.why, row.reason, row.failed, row.known, row.stopped_at)


def _stop(session: Session, run: Occurrence, cause: Cause, now: datetime) -> None:
    """Pause what goes on, keep why, and tell who looks after it."""
    topic = _pause(session, run, now)
    if topic is None:
        return
    session.add(
        Stop(
            id=new_id(), workspace_id=run.workspace_id, schedule_id=run.schedule_id, occurrence_id=run.id,
            why=cause.why, reason=cause.reason, failed=cause.failed, known=cause.known, stopped_at=now,
            ended_at=now if topic.name is None else None,
        )
    )  # fmt: skip
    telling_managers.tell_of_stop(session, topic, cause, now)
    log.warning("run_stopped", schedule_id=run.schedule_id, why=cause.why, reason=cause.reason)


def _pause(session: Session, run: Occurrence, now: datetime) -> Topic | None:
    """What is paused now, or was asked one by one, where nothing waits; None: it stands still already."""
    if run_ends.is_one_by_one(run):
        return Topic(run.workspace_id, None, "contacts")
    if run.schedule_id is None:
        return _pause_pulse(session, run, now)
    schedule = session.get_one(Schedule, run.schedule_id, with_for_update=True, populate_existing=True)
    goes_on = schedule.state == "active"  # one that asks once has ended as its only run began
    if not goes_on and not (schedule.state == "ended" and unsent.is_under_way(session, schedule.id)):
        return None
    schedule.state, schedule.updated_at = "paused", now
    schedule.revision += 1
    session.flush()
    unsent.follow(session, schedule, now)
    return Topic(run.workspace_id, schedule.name, f"schedules/{schedule.id}")


def _pause_pulse(session: Session, run: Occurrence, now: datetime) -> Topic | None:
    """Whoever was not asked yet waits. The pulse is not held: whoever closes it ends what waits as well."""
    pulse = session.scalars(select(Pulse).where(Pulse.occurrence_id == run.id, Pulse.state == "open")).first()
    if pulse is None or standing(session, run.workspace_id, occurrence_id=run.id):
        return None
    standstill.follow(session, run.id, now, is_held=True)
    return Topic(run.workspace_id, session.get_one(Survey, run.survey_id).name, f"pulses/{pulse.id}")
