"""Whom of its audience a run is about: all, one, those whom the step before asked, or whose turn it is.

The one place at which recurrence narrows whom planning expands.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from math import ceil

from sqlalchemy import ColumnElement, Select, and_, func, null, select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.models import Contact, Invitation, Occurrence, Schedule
from app.runtime import Runtime
from app.services import asking_terms, coming_due, eligible, eligible_sql
from app.services.asking_terms import Asking
from app.services.coming_due import Ended


def asking(
    session: Session,
    runtime: Runtime,
    schedule: Schedule,
    metric: Metric,
    occurrence: Occurrence | None = None,
) -> Asking:
    """A step: what decides about the people of a run, or of none yet, with rest as the schedule counts it.

    A pulse passes over the terms that older rows of schedules may still hold.
    """
    terms = Terms.from_json((occurrence or schedule).terms)
    by_clock = occurrence is None or occurrence.origin == "schedule"
    return asking_terms.asking(
        session,
        runtime,
        schedule.workspace_id,
        metric,
        channels=(occurrence or schedule).channels,
        early_days=occurrence.early_days if occurrence else coming_due.cadence_of(schedule).early_days,
        least_days=((occurrence or schedule).every_days or 0) if by_clock else 0,
        occurrence_id=occurrence.id if occurrence else None,
        schedule_id=schedule.id,
        terms=asking_terms.NONE if metric is Metric.ENPS else terms,
        limits=occurrence.lots if occurrence else None,
    )


def narrow(occurrence: Occurrence, people: Select[Contact]) -> Select[Contact]:
    """A step: those of these people whom this run is about."""
    if occurrence.after_id is not None:
        theirs = _asked_before(occurrence).where(Invitation.contact_id == Contact.id)
        return people.where(eligible_sql.found(theirs))
    if occurrence.contact_id is not None:
        return people.where(Contact.id == occurrence.contact_id)
    return people


def _asked_before(occurrence: Occurrence) -> Select[str]:
    """Whom the step before has asked."""
    return select(Invitation.contact_id).where(
        Invitation.occurrence_id == occurrence.after_id, Invitation.state.in_(asking_terms.COUNTED)
    )


def named(session: Session, occurrence: Occurrence, most: int) -> Sequence[str] | None:
    """A step: the next of those whom a run names by their ids, in their order; None where none are named."""
    after = occurrence.expanded_to or ""
    if occurrence.contact_id is not None:
        return [occurrence.contact_id][:most] if occurrence.contact_id > after else []
    if occurrence.chosen is not None:
        return occurrence.chosen[(first := bisect_right(occurrence.chosen, after)) : first + most]
    if occurrence.after_id is None:
        return None
    theirs = _asked_before(occurrence).where(Invitation.contact_id > after)
    return session.scalars(theirs.order_by(Invitation.contact_id).limit(most)).all()


def is_for_all() -> ColumnElement[bool]:
    """Of a run: does everybody come next, so that none of them has to be named?"""
    return and_(Occurrence.contact_id.is_(None), Occurrence.after_id.is_(None), ~_is_by_person())


def waits_for_choice() -> ColumnElement[bool]:
    """Of a run: nobody has looked yet whose turn it is."""
    return and_(_is_by_person(), Occurrence.chosen.is_(null()))


def _is_by_person() -> ColumnElement[bool]:
    return and_(Occurrence.every_days.is_not(None), Occurrence.origin == "schedule")


def longest_waiting(
    session: Session, schedule: Schedule, ask: Asking, people: Select[Contact]
) -> Select[str]:
    """A step: the ids of those whom a day brings, of those who may be asked.

    Who never was comes first, then who has waited longest, then by their random ids.
    """
    return (
        select(Contact.id)
        .where(Contact.id.in_(eligible.because(ask, people, None)))
        .order_by(eligible_sql.asked_at(ask, ask.metric).asc().nulls_first(), Contact.id)
        .limit(a_day(session, schedule, people, ask.now))
    )


def a_day(session: Session, schedule: Schedule, people: Select[Contact], now: datetime) -> int:
    """A step: how many of these people a day may bring, so that all of them have their turn in one cycle."""
    audience = session.scalar(
        select(func.count()).select_from(people.with_only_columns(Contact.id).subquery())
    )
    return of_a_day(session, schedule, audience or 0, now, schedule.every_days)


def most_a_day(session: Session, schedule: Schedule, now: datetime, every_days: int | None) -> int:
    """A step: the same where all who are there are meant; cheap to know, and never less."""
    people = select(func.count()).where(Contact.workspace_id == schedule.workspace_id)
    return of_a_day(session, schedule, session.scalar(people) or 0, now, every_days)


def of_a_day(session: Session, schedule: Schedule, number: int, now: datetime, every_days: int | None) -> int:
    """A step: the same of so many people, each of whom has their turn after so many days.

    Days on which nobody is asked bring nobody, so the others bring more.
    """
    days_off = coming_due.days_off_of(session, schedule.workspace_id)
    days = coming_due.cadence_of(schedule, days_off).runs_in(now, every_days or 1)
    return ceil(number / days)


def too_late(schedule: Schedule, occurrence: Occurrence, now: datetime) -> bool:
    """Has a run that has not begun waited so long that nobody is asked any more?"""
    if occurrence.origin == "schedule":
        latest = coming_due.latest_of(schedule, coming_due.cadence_of(schedule))
    else:
        latest = coming_due.latest_for_one(schedule)
    return now - occurrence.due_at > latest


def ended_before(session: Session, occurrence: Occurrence) -> Ended:
    """A step: how the run before it ended where that asked nobody: so does this one, for the same reason."""
    before = session.get_one(Occurrence, occurrence.after_id) if occurrence.after_id else None
    if before is None or before.state not in ("missed", "skipped"):
        return None
    return before.state, before.reason or before.state
