"""What a restored copy would do a second time: whatever was due by now may have left since it was made.

Nobody is asked twice for it, so all of that ends here, each moment with its row and its reason. What comes
due from now on goes its way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Update, and_, func, or_, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.models import Invitation, Message, Occurrence, Schedule, Survey, Workspace
from app.models.schedule import ORIGINS_OF_SCHEDULES
from app.runtime import Runtime
from app.services import asking_again, coming_due, expanding, pulse_reminders, settling, unsent
from app.services.reminding import DAYS

RESTORED = "restored"  # the reason of what may have been asked since the copy
WAITS = ("queued", "claimed")  # an attempt has perhaps left anyway, and is settled as such


@dataclass(frozen=True)
class Moment:
    """A run that did not take place, or not to its end: of which schedule, and when it was due."""

    schedule: str  # its name; of a pulse that was opened by hand its survey's
    workspace: str
    at: datetime


@dataclass(frozen=True)
class GivenUp:
    """What does not leave any more."""

    moments: tuple[Moment, ...] = ()
    asks: int = 0
    reminders: int = 0  # also those of pulses, as one each
    closures: int = 0  # of follow-ups, a week after which the question comes once more


def give_up(runtime: Runtime) -> GivenUp:
    """End whatever was due by now. Twice changes nothing."""
    now = runtime.clock()
    with runtime.db.write() as session:
        moments = [*_begun(session, now), *_by_the_clock(session, now)]
        closures = asking_again.give_up(session, now, RESTORED)
        asks, reminders = _queued(session, now)
        reminders += _reminders(session, now) + pulse_reminders.give_up(session, now)
    return GivenUp(tuple(sorted(moments, key=lambda each: each.at)), asks, reminders, closures)


def _by_the_clock(session: Session, now: datetime) -> Iterator[Moment]:
    due = select(Schedule).where(Schedule.state.in_(("active", "paused")), Schedule.next_due_at <= now)
    for schedule in session.scalars(due.order_by(Schedule.id).with_for_update()).all():
        slug = session.get_one(Workspace, schedule.workspace_id).slug
        for at in coming_due.come_due(session, schedule, now, give_up=("missed", RESTORED)):
            yield Moment(schedule.name, slug, at)


def _begun(session: Session, now: datetime) -> Iterator[Moment]:
    """Runs that wait for their people, after events and in sequences too, and those that were asking.

    A pulse that was opened by hand took place, and is open: as at its closing, it asks nobody any more.
    """
    due = (
        select(Occurrence, func.coalesce(Schedule.name, Survey.name), Workspace.slug)
        .outerjoin(Schedule, Schedule.id == Occurrence.schedule_id)
        .join(Survey, Survey.id == Occurrence.survey_id)
        .join(Workspace, Workspace.id == Occurrence.workspace_id)
        .where(Occurrence.state.in_(("due", "running")), Occurrence.due_at <= now)
        .where(Occurrence.origin.in_((*ORIGINS_OF_SCHEDULES, expanding.BY_HAND)))
        .order_by(Occurrence.id)
        .with_for_update(of=Occurrence)
    )
    for run, name, slug in session.execute(due).all():
        by_hand = run.origin == expanding.BY_HAND
        run.state, run.reason = ("run", None) if by_hand else ("missed", RESTORED)
        run.ended_at = now
        yield Moment(name, slug, run.due_at)


def _queued(session: Session, now: datetime) -> tuple[int, int]:
    """Asks and reminders that waited to leave, or for a pause to end: how many of each."""
    planned = select(Invitation.id).where(Invitation.state == "planned")
    held = and_(
        Message.state == "cancelled", Message.reason == unsent.HELD, Message.invitation_id.in_(planned)
    )
    ending = update(Message).where(Message.due_at <= now)
    ending = ending.values(state="cancelled", reason=RESTORED, lease_token=None, lease_until=None)
    reminders = _do(session, ending.where(Message.state.in_(WAITS), Message.purpose == "reminder"))
    _do(session, ending.where(or_(Message.state.in_(WAITS), held), Message.purpose == "invitation"))
    ended = select(Message.invitation_id).where(
        Message.state == "cancelled", Message.reason == RESTORED, Message.purpose == "invitation"
    )
    waits = update(Invitation).where(Invitation.id.in_(ended), Invitation.state.in_(unsent.WAITING))
    return _do(session, waits.values(state="cancelled", reason=RESTORED, until=None)), reminders


def _reminders(session: Session, now: datetime) -> int:
    """Whose reminder was due gets no further one; also where it was put aside with a paused schedule."""
    left = settling.perhaps_left()
    was_due = or_(
        *((func.abs(Invitation.remind_after) == days) & (left <= now - timedelta(days=days)) for days in DAYS)
    )
    return _do(session, update(Invitation).where(was_due).values(remind_after=None))


def _do(session: Session, statement: Update) -> int:
    return changed(session, statement.execution_options(synchronize_session=False))
