"""Expansion: the people of due occurrences become invitations, some at a time, resumed where it stopped."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.metrics import Metric
from app.domain.pace import Pace
from app.domain.terms import Terms
from app.models import Occurrence, Schedule, Survey, Workspace
from app.models.schedule import ORIGINS_OF_SCHEDULES
from app.runtime import Runtime
from app.services import (
    at_leisure,
    choosing,
    inviting,
    inviting_many,
    pulse_opening,
    sequences,
    standstill,
    whose_turn,
)
from app.services.asking_terms import Asking
from app.services.at_leisure import Next
from app.services.choosing import LOTS, TURN, Search
from app.services.inviting_many import Statements
from app.services.pulse_opening import Opening

FIRST = 50  # people planned in the first commit, and the fewest; how long it takes says how many come next
MOST = 5_000  # no more than one statement names
HELD = {"sqlite": 0.015, "postgresql": 1.0}  # seconds: the one pen of all; the planning of one workspace
BY_HAND = "pulse"  # the origin of one that somebody opened: its verb began with it
LOOK_AGAIN = 5  # seconds until we look what came due while a large run is under way
PAUSE = 0.005  # seconds between two commits: whoever waits to write comes in between

# Built once: a commit is too short to say them anew
_ITS_SCHEDULE = (
    select(Schedule)
    .where(
        Schedule.id
        == select(Occurrence.schedule_id).where(Occurrence.id == bindparam("id")).scalar_subquery()
    )
    .with_for_update(read=True)
)
_OPEN = (
    select(Occurrence)
    .where(Occurrence.id == bindparam("id"), Occurrence.state.in_(("due", "running")))
    .with_for_update(skip_locked=True)
)


@dataclass
class Course:
    """What this worker knows of a run between two commits."""

    pace: Pace
    follows: bool  # somebody has to look whether all asks of the step before have left
    searches: list[Search]  # what somebody has to look up before the first person
    looks_up: bool  # somebody has to look up its next people before each commit
    said: tuple[object, Statements] | None = None  # the statements of the last step, and for what they hold
    opening: Opening | None = None  # of a pulse that has begun: it asks in its own way


def expand_occurrences(runtime: Runtime) -> int:
    """Ask the people of every due occurrence, some at a time. How many people were decided about.

    They take turns, so that a large one lets all others begin, also those that come due meanwhile. One that
    fails keeps no other waiting, and is tried again soon. Raises the first failure.
    """
    decided = 0
    failure: Exception | None = None
    failed_at: dict[str, float] = {}
    courses = _welcome(runtime, {})
    looked = time.monotonic()
    while courses and not runtime.stopping():
        for each in tuple(courses):
            if runtime.stopping():
                break
            try:
                number, more = _expand(runtime, each, courses[each])
            except Exception as error:
                failure = failure or error
                failed_at[each] = time.monotonic()
                number, more = 0, False
            decided += number
            if not more:
                del courses[each]
        if courses and time.monotonic() - looked > LOOK_AGAIN:
            looked = time.monotonic()
            lately = {id for id, at in failed_at.items() if looked - at < LOOK_AGAIN * 2}
            courses = _welcome(runtime, courses, but=lately)
    if failure:
        raise failure
    return decided


def _welcome(runtime: Runtime, courses: dict[str, Course], but: Collection[str] = ()) -> dict[str, Course]:
    """Those that are under way and those that came due."""
    seconds = HELD[runtime.db.engine.dialect.name]
    chooses, is_for_all = whose_turn.waits_for_choice(), whose_turn.is_for_all()
    with runtime.db.read() as session:
        ready = _due(runtime).add_columns(
            chooses, is_for_all, Occurrence.terms, Occurrence.audience, _is_due_after_another(),
            Occurrence.origin == BY_HAND,
        )  # fmt: skip
        rows = session.execute(ready.order_by(Occurrence.due_at, Occurrence.step)).all()
    return courses | {
        id: Course(
            Pace(seconds, FIRST, MOST),
            follows,
            [Search(id, what) for what, is_so in ((TURN, waits), (LOTS, "sample" in terms)) if is_so],
            looks_up=bool(audience) or not for_all,
            opening=pulse_opening.opening(runtime, audience) if by_hand else None,
        )
        for id, waits, for_all, terms, audience, follows, by_hand in rows
        if id not in courses and id not in but
    }


def _due(runtime: Runtime) -> Select[str]:
    """A step waits until the one before has come to all its people: it is about whom that one asked."""
    of_a_schedule = and_(Occurrence.origin.in_(ORIGINS_OF_SCHEDULES), Schedule.state != "paused")
    before = aliased(Occurrence)
    still_asks = select(before.id).where(
        before.id == Occurrence.after_id, before.state.in_(("due", "running"))
    )
    return (
        select(Occurrence.id)
        .outerjoin(Schedule, Schedule.id == Occurrence.schedule_id)
        .where(Occurrence.state.in_(("due", "running")), Occurrence.due_at <= runtime.clock())
        .where(or_(of_a_schedule, and_(Occurrence.origin == BY_HAND, ~standstill.stands_still())))
        .where(~still_asks.exists())
    )


def _is_due_after_another() -> ColumnElement[bool]:
    return and_(Occurrence.after_id.is_not(None), Occurrence.state == "due")


def _expand(runtime: Runtime, occurrence_id: str, course: Course) -> tuple[int, bool]:
    """The next people of one occurrence: how many, and whether there may be more."""
    if course.opening is not None:
        number, more = pulse_opening.open_some(runtime, occurrence_id, course.opening)
        if more:
            time.sleep(PAUSE)
        return number, more
    if course.follows and (last := sequences.held_until(runtime, occurrence_id)):
        _put_off(runtime, occurrence_id, last)
        return 0, False
    course.follows = False
    if course.searches:
        goes_on = choosing.look(runtime, course.searches[0])
        if course.searches[0].is_over:
            del course.searches[0]
        if course.searches or not goes_on:
            return 0, goes_on
    found = at_leisure.whom_next(runtime, occurrence_id, course.pace.people) if course.looks_up else None
    course.looks_up = found is not None
    began = time.perf_counter()
    with runtime.db.write() as session:
        number, more = _expand_some(session, runtime, occurrence_id, course, found)
    course.pace.took(time.perf_counter() - began)
    runtime.reach("expanded_some")
    if more:
        time.sleep(PAUSE)
    return number, more


def _put_off(runtime: Runtime, occurrence_id: str, last: datetime) -> None:
    """A step would come too soon after the last ask of the one before, or even before that."""
    with runtime.db.write() as session:
        locked = _lock(session, occurrence_id)
        if locked is not None and locked[0].state == "due":
            sequences.put_off(session, locked[0], last)


def _expand_some(
    session: Session, runtime: Runtime, occurrence_id: str, course: Course, found: Next | None
) -> tuple[int, bool]:
    """Decide about the next people in the order of their ids, and say how far we are, in one transaction."""
    now = runtime.clock()
    locked = _lock(session, occurrence_id)
    if locked is None:
        return 0, False
    occurrence, schedule = locked
    if found is not None and found.after != occurrence.expanded_to:  # another worker came to them first
        return 0, True
    metric = _begin(session, occurrence, schedule, now)
    if metric is Metric.ENPS:
        course.opening = pulse_opening.opening(runtime, occurrence.audience)
    if metric is None or course.opening:
        return 0, metric is not None
    inviting.one_at_a_time(session, occurrence.workspace_id)
    ask = whose_turn.asking(session, runtime, schedule, metric, occurrence)
    most = at_leisure.most_of(occurrence, course.pace.people)
    said = _said(session, runtime, occurrence, ask, course)
    due_at = _due_at(occurrence, ask.terms, now)
    these = None if found is None else found.ids
    done = inviting_many.invite_some(session, occurrence, ask, said, most=most, due_at=due_at, these=these)
    occurrence.asked += done.asked
    if done.number:
        occurrence.expanded_to = done.last
    if found is None and done.number == most:
        return done.number, True
    if found is not None and found.has_more:  # though some of these may be gone since
        occurrence.expanded_to = found.ids[-1]
        return done.number, True
    occurrence.state, occurrence.ended_at = "run", now
    if occurrence.contact_id is not None and occurrence.expanded_to is None:
        # Inactive, or not meant
        occurrence.state, occurrence.reason = "skipped", "nobody"
    # The next step comes when the last of them has left, not when they were planned
    last = max(now, _due_at(occurrence, ask.terms, now))
    sequences.put_off_what_follows(session, occurrence, last)
    return done.number, False


def _said(
    session: Session, runtime: Runtime, occurrence: Occurrence, ask: Asking, course: Course
) -> Statements:
    """The statements of this step: those of the last one, as long as they would be built alike.

    Whatever depends on the time depends on the day somewhere, so it is the same within a minute.
    """
    locale = session.get_one(Workspace, occurrence.workspace_id).locale
    minute = replace(ask, now=ask.now.replace(second=0, microsecond=0))
    holds_for = (minute, locale)
    if course.said is None or course.said[0] != holds_for:
        people = at_leisure.people_of(session, runtime, occurrence, ask.metric, by_ids=course.looks_up)
        next_of = inviting_many.looked_up if course.looks_up else inviting_many.in_order
        course.said = holds_for, inviting_many.statements(occurrence, ask, next_of(people), locale)
    return course.said[1]


def _due_at(occurrence: Occurrence, terms: Terms, now: datetime) -> datetime:
    """When the next messages may leave: at once, or in their turn where so many an hour are allowed."""
    if terms.per_hour is None:
        return now
    return max(now, occurrence.due_at + timedelta(hours=1) * (occurrence.asked / terms.per_hour))


def _lock(session: Session, occurrence_id: str) -> tuple[Occurrence, Schedule] | None:
    """The occurrence for us alone, and its schedule shared, so that pausing and cancelling wait for a chunk.

    None when there is nothing left to do, another worker does it, or the schedule is paused.
    """
    schedule = session.scalars(_ITS_SCHEDULE, {"id": occurrence_id}).one()
    if schedule.state == "paused":
        return None
    occurrence = session.scalars(_OPEN, {"id": occurrence_id}).one_or_none()
    return None if occurrence is None else (occurrence, schedule)


def _begin(session: Session, occurrence: Occurrence, schedule: Schedule, now: datetime) -> Metric | None:
    """Fix the version that is asked; None when nothing can be."""
    survey = session.get_one(Survey, occurrence.survey_id)
    metric = Metric(survey.metric)
    if occurrence.state == "running":
        return metric
    if ended := whose_turn.ended_before(session, occurrence):
        (occurrence.state, occurrence.reason), occurrence.ended_at = ended, now
        return None
    if whose_turn.too_late(schedule, occurrence, now):
        occurrence.state, occurrence.reason, occurrence.ended_at = "missed", "late", now
        return None
    if survey.published_version_id is None or survey.archived_at is not None:
        occurrence.state, occurrence.reason, occurrence.ended_at = "skipped", "unpublished", now
        return None
    occurrence.version_id, occurrence.state = survey.published_version_id, "running"
    session.flush()
    return metric
