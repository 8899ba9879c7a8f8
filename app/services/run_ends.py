"""How the messages of a run ended, counted no further than it takes to tell whether it should stop."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.domain.brakes import (
    BOUNCES,
    LATEST,
    LEAST_BOUNCED,
    MORE,
    RECENT,
    REFUSED,
    Returned,
    next_look,
    worth_counting,
)
from app.domain.metrics import Metric
from app.models import Bounces, Invitation, Message, Occurrence, Stop
from app.services.many_rows import rows_with

KNOWN = ("sent", "delivered", "failed")
# Of a pulse the questions alone: its reminders go to the silent, whom nobody is to count
_ASKS = or_(
    Message.purpose == "invitation",
    and_(Message.purpose == "reminder", Invitation.metric != Metric.ENPS.value),
)


def run_of(session: Session, message_id: str) -> Occurrence | None:
    """A step: the run that this message asks for; none where its end counts nowhere."""
    query = (
        select(Occurrence)
        .join(Invitation, Invitation.occurrence_id == Occurrence.id)
        .join(Message, Message.invitation_id == Invitation.id)
        .where(Message.id == message_id, _ASKS)
    )
    return session.scalar(query)


def is_of_few(run: Occurrence) -> bool:
    """Is it for one person, after an event, or for a day's share of everybody?

    Alone such a run hardly says enough: its complaints count together with the others' of its schedule.
    """
    return run.contact_id is not None or is_one_by_one(run) or _is_a_share(run)


def is_one_by_one(run: Occurrence) -> bool:
    """Did a member or a key ask one person, without a schedule?"""
    return run.schedule_id is None and run.origin != "pulse"


def _is_a_share(run: Occurrence) -> bool:
    return run.every_days is not None


def _says_too_little(run: Occurrence) -> bool:
    """Does it ask so few that what came back counts together with the latest before it?"""
    if run.contact_id is not None or is_one_by_one(run):
        return True
    return run.asked < LATEST and _is_a_share(run)


def lately(run: Occurrence, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions: the runs that count together with this one and still say something of today."""
    recent = Occurrence.due_at.between(now - RECENT, now)
    if not is_one_by_one(run):
        return Occurrence.schedule_id == run.schedule_id, recent
    return *_one_by_one(run, now), recent


def _one_by_one(run: Occurrence, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Conditions on asks, which have an index of their own: those of its workspace, but for pulses."""
    here = Invitation.workspace_id == run.workspace_id, Invitation.metric != Metric.ENPS.value
    return *here, Invitation.schedule_id.is_(None), Invitation.created_at.between(now - RECENT, now)


def went_on(session: Session, run: Occurrence, why: str) -> datetime | None:
    """A step: when somebody resumed it after such a stop, who answers for what was before."""
    lifted = select(func.max(Stop.ended_at)).where(Stop.why == why)
    if run.schedule_id is not None:
        return session.scalar(lifted.where(Stop.schedule_id == run.schedule_id))
    here = lifted.where(Stop.workspace_id == run.workspace_id, Stop.schedule_id.is_(None))
    if not is_one_by_one(run):
        return session.scalar(here.where(Stop.occurrence_id == run.id))
    return session.scalar(
        here.join(Occurrence, Occurrence.id == Stop.occurrence_id).where(Occurrence.origin != "pulse")
    )


def refused(session: Session, run: Occurrence, reason: str, now: datetime) -> int:
    """A step: how many were refused for this, of its run or of those that it counts with."""
    if _says_too_little(run):
        return _latest(session, run, "refused", now, LATEST)[reason]
    conditions = [Message.state == "failed", Message.reason == reason]
    since = went_on(session, run, "refused")
    if since is not None:
        conditions.append(Message.due_at >= since)
    return _number(session, run, REFUSED, *conditions)


def returned(session: Session, run: Occurrence, now: datetime) -> Returned | None:
    """A step, with one bounce more: how many came back. None where they cannot be too many."""
    if _says_too_little(run):
        found = _returned_lately(session, run, now, LATEST)
        is_unsure = found.known >= LATEST and found.may_be_chance
        return _returned_lately(session, run, now, MORE) if is_unsure else found
    row = _count_one(session, run.id)
    fresh = row.number - row.forgiven
    if fresh < row.look_at:
        return None
    most = row.forgiven_known + worth_counting(fresh) + 1
    known = _number(session, run, most, Message.state.in_(KNOWN))
    found = Returned(fresh, known - row.forgiven_known, _is_a_share(run))
    row.look_at = next_look(found)
    return found


def _returned_lately(session: Session, run: Occurrence, now: datetime, most: int) -> Returned:
    ends = _latest(session, run, "bounces", now, most)
    return Returned(sum(ends[each] for each in BOUNCES), ends.total(), is_one_of_many=True)


def _latest(session: Session, run: Occurrence, why: str, now: datetime, most: int) -> Counter[str | None]:
    """How the latest messages ended, of this run and those around it since the schedule went on.

    So many messages, not runs: most runs after events may find somebody who rests. None of those that left
    after the last that failed: they may still wait, or come back. Looked up by the ids of the runs.
    """
    since = went_on(session, run, why) or now - RECENT
    reason = case((Message.state == "failed", Message.reason))
    known = (
        select(Invitation.occurrence_id, reason)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(_ASKS, Message.state.in_(KNOWN), Message.due_at >= since)
    )
    later = _ids(session, run, now, most, later=True)
    found: Any = rows_with(session, known, Invitation.occurrence_id, [id for id, _ in later])
    failed = {row[0] for row in found if row[1] is not None}
    last = max((at for at, (id, _) in enumerate(later) if id in failed), default=-1)
    counted = {id for id, _ in later[: last + 1]}
    ends: Counter[str | None] = Counter(row[1] for row in found if row[0] in counted)
    for ids in _portions(_ids(session, run, now, 2 * most), most):
        if ends.total() >= most:
            break
        found = rows_with(session, known, Invitation.occurrence_id, ids)
        ends.update(row[1] for row in found)
    return ends


def _ids(
    session: Session, run: Occurrence, now: datetime, most: int, *, later: bool = False
) -> Sequence[tuple[str, int]]:
    """Runs of few with how many they ask: this one and those before it, or those later, the nearest first."""
    if is_one_by_one(run):
        moment = Invitation.created_at
        query = select(Invitation.occurrence_id, literal(1)).where(*_one_by_one(run, now))
        at = run.created_at
    else:
        moment, at = Occurrence.due_at, run.due_at
        small = Occurrence.asked.between(1, LATEST - 1)
        query = select(Occurrence.id, Occurrence.asked).where(*lately(run, now), small)
    query = (
        query.where(moment > at).order_by(moment)
        if later
        else query.where(moment <= at).order_by(moment.desc())
    )
    return [(id, asked) for id, asked in session.execute(query.limit(most))]


def _portions(runs: Sequence[tuple[str, int]], asks: int) -> Iterator[Sequence[str]]:
    """About so many asks in each."""
    some: list[str] = []
    number = 0
    for id, asked in runs:
        some.append(id)
        number += asked
        if number >= asks:
            yield some
            some, number = [], 0
    yield some


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
