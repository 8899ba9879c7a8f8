"""Whom of its audience a run is about: all, one, those whom the step before asked, or whose turn it is.

The one place at which recurrence narrows whom planning expands.
"""

from collections.abc import Iterator
from datetime import datetime
from math import ceil

from sqlalchemy import ColumnElement, Select, and_, func, null, select, update
from sqlalchemy.orm import Session

from app.domain.cadence import Repeat
from app.domain.metrics import Metric
from app.domain.terms import Terms
from app.models import Contact, Invitation, Occurrence, Schedule, Survey
from app.runtime import Runtime
from app.services import asking_terms, audiences, coming_due, eligible, eligible_sql
from app.services.asking_terms import Asking
from app.services.coming_due import Ended

SOME = 5_000  # ids in one statement; databases take so many values and more


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
        early_days=coming_due.cadence_of(schedule).early_days if by_clock else 0,
        least_days=(schedule.every_days or 0) if by_clock else 0,
        occurrence_id=occurrence.id if occurrence else None,
        schedule_id=schedule.id,
        terms=asking_terms.NONE if metric is Metric.ENPS else terms,
        limits=occurrence.lots if occurrence else None,
    )


def narrow(occurrence: Occurrence, people: Select[Contact]) -> Select[Contact]:
    """A step: those of these people whom this run is about."""
    if occurrence.after_id is not None:
        asked = select(Invitation.contact_id).where(
            Invitation.occurrence_id == occurrence.after_id, Invitation.state.in_(asking_terms.COUNTED)
        )
        return people.where(Contact.id.in_(asked))
    if occurrence.contact_id is not None:
        return people.where(Contact.id == occurrence.contact_id)
    if occurrence.chosen is None:
        return people
    return people.where(Contact.id.in_(_left(occurrence)[:SOME]))


def in_parts(occurrence: Occurrence, people: Select[Contact]) -> Iterator[Select[Contact]]:
    """A step: everybody whom a run that has not begun is about, so many of the chosen in each statement."""
    if occurrence.chosen is None:
        yield narrow(occurrence, people)
        return
    for first in range(0, len(occurrence.chosen), SOME):
        yield people.where(Contact.id.in_(occurrence.chosen[first : first + SOME]))


def horizon(occurrence: Occurrence) -> str | None:
    """Of a run for chosen people: how far its next step sees, where more of them follow; else None."""
    left = _left(occurrence)
    return left[SOME - 1] if len(left) > SOME else None


def _left(occurrence: Occurrence) -> list[str]:
    return [each for each in occurrence.chosen or () if each > (occurrence.expanded_to or "")]


def waits_for_choice() -> ColumnElement[bool]:
    """Of a run and its schedule: nobody has looked yet whose turn it is."""
    by_person = and_(Schedule.repeat == Repeat.EACH_PERSON.value, Occurrence.origin == "schedule")
    return and_(by_person, Occurrence.chosen.is_(null()))


def choose(session: Session, runtime: Runtime, occurrence_id: str) -> list[str]:
    """A step: whose turn it is, by their ids. Only reads: it looks at the whole audience."""
    occurrence = session.get_one(Occurrence, occurrence_id)
    schedule = session.get_one(Schedule, occurrence.schedule_id)
    metric = Metric(session.get_one(Survey, occurrence.survey_id).metric)
    ask = asking(session, runtime, schedule, metric, occurrence)
    people = audiences.of_occurrence(session, runtime, occurrence, metric)
    return sorted(session.scalars(longest_waiting(session, schedule, ask, people)))


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


def keep(session: Session, occurrence_id: str, chosen: list[str]) -> None:
    """A step: the choice stands, so that after a restart the same people are asked. The first one wins."""
    session.execute(
        update(Occurrence)
        .where(Occurrence.id == occurrence_id, Occurrence.chosen.is_(null()))
        .values(chosen=chosen)
        .execution_options(synchronize_session=False)
    )


def a_day(session: Session, schedule: Schedule, people: Select[Contact], now: datetime) -> int:
    """A step: how many of these people a day may bring, so that all of them have their turn in one cycle.

    Days on which nobody is asked bring nobody, so the others bring more.
    """
    audience = session.scalar(
        select(func.count()).select_from(people.with_only_columns(Contact.id).subquery())
    )
    days_off = coming_due.days_off_of(session, schedule.workspace_id)
    days = coming_due.cadence_of(schedule, days_off).runs_in(now, schedule.every_days or 1)
    return ceil((audience or 0) / days)


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
