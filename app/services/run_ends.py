"""How the messages of a run ended, counted no further than it takes to tell whether it should stop."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.brakes import (
    BOUNCES,
    LATEST,
    LEAST_BOUNCED,
    RECENT,
    REFUSED,
    Returned,
    next_look,
    worth_counting,
)
from app.domain.metrics import Metric
from app.models import Bounces, Invitation, Message, Occurrence, Stop

KNOWN = ("sent", "delivered", "failed")
# Of a pulse the questions alone: its reminders go to the silent, whom nobody is to count
_ASKS = or_(
    Message.purpose == "invitation",
    and_(Message.purpose == "reminder", Invitation.metric != Metric.ENPS.value),
)


def run_of(session: Session, message_id: str) -> Occurrence | None:
    """A step: the run of a schedule that this message asks for; none where its end counts nowhere."""
    query = (
        select(Occurrence)
        .join(Invitation, Invitation.occurrence_id == Occurrence.id)
        .join(Message, Message.invitation_id == Invitation.id)
        .where(Message.id == message_id, _ASKS, Invitation.schedule_id.is_not(None))
    )
    return session.scalar(query)


def is_of_few(run: Occurrence) -> bool:
    """Is it for one person, after an event, or for a day's share of everybody?

    Alone such a run never says enough: it counts together with the others of its schedule.
    """
    return run.contact_id is not None or run.every_days is not None


def lately(run: Occurrence, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions: the runs of its schedule that still say something of today."""
    return Occurrence.schedule_id == run.schedule_id, Occurrence.due_at.between(now - RECENT, now)


def went_on(session: Session, run: Occurrence, why: str) -> datetime | None:
    """A step: when somebody resumed its schedule after such a stop, who answers for what was before."""
    lifted = select(func.max(Stop.ended_at)).where(Stop.schedule_id == run.schedule_id, Stop.why == why)
    return session.scalar(lifted)


def refused(session: Session, run: Occurrence, reason: str, now: datetime) -> int:
    """A step: how many were refused for this, of its run or of those that it counts with."""
    if is_of_few(run):
        return _latest(session, run, "refused", now).count(reason)
    conditions = [Message.state == "failed", Message.reason == reason]
    since = went_on(session, run, "refused")
    if since is not None:
        conditions.append(Message.due_at >= since)
    return _number(session, run, REFUSED, *conditions)


def returned(session: Session, run: Occurrence, now: datetime) -> Returned | None:
    """A step, with one bounce more: how many came back. None where they cannot be too many."""
    if is_of_few(run):
        reasons = _latest(session, run, "bounces", now)
        return Returned(sum(each in BOUNCES for each in reasons), len(reasons))
    row = _count_one(session, run.id)
    fresh = row.number - row.forgiven
    if fresh < row.look_at:
        return None
    most = row.forgiven_known + worth_counting(fresh) + 1
    known = _number(session, run, most, Message.state.in_(KNOWN))
    found = Returned(fresh, known - row.forgiven_known)
    row.look_at = next_look(found)
    return found


def _latest(session: Session, run: Occurrence, why: str, now: datetime) -> Sequence[str | None]:
    """How the latest messages of its schedule ended, since it went on after such a stop: None or the reason.

    Messages and not runs are the latest: most runs after events may find somebody who rests, or still wait.
    """
    since = went_on(session, run, why) or now - RECENT
    asked = *lately(run, now), Occurrence.asked > 0, Message.due_at >= since
    ends = (
        select(Message.reason)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Occurrence, Occurrence.id == Invitation.occurrence_id)
        .where(*asked, _ASKS, Message.state.in_(KNOWN))
        .order_by(Occurrence.due_at.desc(), Message.due_at.desc(), Message.id.desc())
    )
    return session.scalars(ends.limit(LATEST)).all()


def _number(session: Session, run: Occurrence, most: int, *conditions: ColumnElement[bool]) -> int:
    """How many messages of this run are like this, up to so many."""
    found = (
        select(Message.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Invitation.occurrence_id == run.id, _ASKS, *conditions)
        .limit(most)
    )
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def _count_one(session: Session, run_id: str) -> Bounces:
    """The run's counter with one more on it, ours until the end of the transaction."""
    adding = insert_into(session, Bounces).values(occurrence_id=run_id, number=1, look_at=LEAST_BOUNCED)
    session.execute(
        adding.on_conflict_do_update(index_elements=["occurrence_id"], set_={"number": Bounces.number + 1})
    )
    query = select(Bounces).where(Bounces.occurrence_id == run_id)
    return session.scalars(query.execution_options(populate_existing=True)).one()
