"""Whom of its audience a run is about: all, one, those whom the step before asked, or whose turn it is.

The one place at which recurrence narrows whom planning expands.
"""

from datetime import datetime
from math import ceil

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.domain.cadence import Repeat
from app.domain.metrics import Metric
from app.models import Contact, Invitation, Occurrence, Schedule
from app.runtime import Runtime
from app.services import coming_due, eligible
from app.services.eligible import Asking


def asking(
    session: Session,
    runtime: Runtime,
    schedule: Schedule,
    metric: Metric,
    occurrence: Occurrence | None = None,
) -> Asking:
    """A step: what decides about the people of a run, or of none yet, with rest as the schedule counts it."""
    by_clock = occurrence is None or occurrence.origin == "schedule"
    return eligible.asking(
        session,
        runtime,
        schedule.workspace_id,
        metric,
        channels=(occurrence or schedule).channels,
        early_days=coming_due.cadence_of(schedule).early_days if by_clock else 0,
        least_days=(schedule.every_days or 0) if by_clock else 0,
        occurrence_id=occurrence.id if occurrence else None,
    )


def narrow(
    session: Session, schedule: Schedule, occurrence: Occurrence, ask: Asking, people: Select[Contact]
) -> Select[Contact]:
    """A step: those of these people whom this run is about."""
    if occurrence.contact_id is not None and occurrence.after_id is None:
        return people.where(Contact.id == occurrence.contact_id)
    if occurrence.after_id is not None:
        asked = select(Invitation.contact_id).where(
            Invitation.occurrence_id == occurrence.after_id, Invitation.state.in_(eligible.COUNTED)
        )
        return people.where(Contact.id.in_(asked))
    if schedule.repeat != Repeat.EACH_PERSON:
        return people
    decided = select(Invitation.contact_id).where(Invitation.occurrence_id == occurrence.id)
    number = session.scalar(select(func.count()).select_from(decided.subquery())) or 0
    left = max(0, a_day(session, schedule, people) - number)
    return people.where(Contact.id.in_(_longest_waiting(ask, people, left, decided)))


def a_day(session: Session, schedule: Schedule, people: Select[Contact]) -> int:
    """A step: how many of these people a day may bring, so that all of them have their turn in one cycle."""
    audience = session.scalar(
        select(func.count()).select_from(people.with_only_columns(Contact.id).subquery())
    )
    return ceil((audience or 0) / (schedule.every_days or 1))


def _longest_waiting(ask: Asking, people: Select[Contact], number: int, decided: Select[str]) -> Select[str]:
    """So many of those who may be asked: who never was first, then who waits longest, by their random ids.

    Whoever this very run has decided about is out, so that it chooses the same people after a restart.
    """
    may_be_asked = eligible.because(ask, people, None)
    return (
        select(Contact.id)
        .where(Contact.id.in_(may_be_asked), Contact.id.not_in(decided))
        .order_by(eligible.asked_at(ask, ask.metric).asc().nulls_first(), Contact.id)
        .limit(number)
    )


def too_late(schedule: Schedule, occurrence: Occurrence, now: datetime) -> bool:
    """Has a question for one person, or of a sequence, waited so long that it is not asked any more?"""
    return occurrence.origin != "schedule" and now - occurrence.due_at > coming_due.latest_for_one(schedule)
