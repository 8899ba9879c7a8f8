"""Schedules as pages and scripts read them: the list, and one with its next runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, or_, select, true
from sqlalchemy.orm import Session

from app.domain.audience import Group
from app.domain.audience_reading import read_audience
from app.domain.cadence import Cadence, Repeat, Run
from app.domain.days_off import OffDays
from app.domain.metrics import Metric
from app.domain.schedules import Step
from app.domain.terms import Terms
from app.domain.triggers import Trigger, read_trigger
from app.errors import Unavailable
from app.models import Invitation, Occurrence, Schedule, Segment, Survey
from app.runtime import Runtime
from app.services import access, brakes
from app.services.access import Visitor
from app.services.brakes import Stopped
from app.services.coming_due import cadence_of, days_off_of
from app.services.in_time import in_time
from app.services.inviting import OPEN_FOR
from app.services.paging import PAGE, Page, cut, in_order
from app.services.runs import Outcome, latest
from app.services.unsent import WAITING

RUNS = 5  # shown ahead; enough to see what a rule does to the ends of months
A_MOMENT = timedelta(microseconds=1)
OVER = ("ended", "cancelled")  # nothing comes due by its own rule any more
OPEN = ("due", "running")  # runs that decide about people, or will
Found = TypeVarTuple("Found")
FAR = datetime(9000, 1, 1, tzinfo=UTC)  # later than whatever comes due


@dataclass(frozen=True)
class Follows(Step):
    """A step of a sequence, with the name of its survey."""

    survey_name: str


@dataclass(frozen=True)
class Sheet:
    """One schedule. `at` is the time on the wall that its rule counts from."""

    id: str
    name: str
    survey_id: str
    survey_name: str
    metric: Metric
    cadence: Cadence
    at: str
    time_zone: str
    channels: tuple[str, ...]
    every_days: int | None
    trigger: Trigger | None
    steps: tuple[Follows, ...]
    late_hours: int | None
    terms: Terms
    audience: Group  # of the segment, if it has one
    segment: tuple[str, str] | None  # id and name
    state: str
    next_runs: tuple[Run, ...]  # also of a paused one: what they would be
    last: Outcome | None
    waiting: int | None  # people decided about and not asked yet; none: to count them takes too long
    coming: int  # questions after an event or in a sequence that are not due yet
    under_way: bool
    stopped: Stopped | None  # it paused itself
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def rrule(self) -> str | None:
        """The rule as scripts read it, with nothing left open."""
        rule = self.cadence.rule
        if rule is None or self.every_days is not None:
            return None
        return str(rule.from_beginning(self.cadence.starts_at))

    @property
    def repeat(self) -> Repeat:
        return self.cadence.repeat

    @property
    def off_days(self) -> OffDays:
        return self.cadence.off_days

    @property
    def is_over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True)
class Askable:
    """A survey that a schedule can ask."""

    id: str
    name: str
    metric: Metric


def get(runtime: Runtime, who: Visitor, id: str) -> Sheet:
    """One schedule. Raises NotFound."""
    with runtime.db.read() as session:
        schedule = access.own(session, who, Schedule, id)
        survey = session.get_one(Survey, schedule.survey_id)
        last = latest(session, [id], numbers=False).get(id)
        return sheet_of(session, schedule, survey, last, _waiting(session, [id])[id])


def list_schedules(
    runtime: Runtime, who: Visitor, *, cursor: str | None = None, limit: int = PAGE
) -> Page[Sheet]:
    """Every schedule, the newest first."""
    with runtime.db.read() as session:
        rows = session.execute(_newest(_sheets(who, true()), cursor, limit)).all()
        return _page(session, rows, limit)


def going_on(runtime: Runtime, who: Visitor, *, cursor: str | None = None) -> Page[Sheet]:
    """Those that ask, or will: whatever leaves next comes first, what is paused comes last."""
    far = literal(FAR, Schedule.next_due_at.type)
    comes = case((Schedule.state == "active", func.coalesce(Schedule.next_due_at, far)), else_=far)

    def goes_on(is_over: ColumnElement[bool]) -> Select[Schedule, Survey, datetime]:
        query = _sheets(who, ~is_over).add_columns(comes)
        return in_order(query, cursor, comes, Schedule.id).limit(PAGE + 1)

    with runtime.db.read() as session:
        rows = _in_time(session, who, runtime.clock(), goes_on)
        shown, more = cut(rows, PAGE, lambda row: (row[2], row[0].id))
        return Page(_read(session, [(row[0], row[1]) for row in shown]), more)


def over(runtime: Runtime, who: Visitor, *, cursor: str | None = None) -> Page[Sheet]:
    """The others, the newest first: nothing of them is still to be asked."""
    with runtime.db.read() as session:
        now = runtime.clock()
        rows = _in_time(session, who, now, lambda is_over: _newest(_sheets(who, is_over), cursor, PAGE))
        return _page(session, rows, PAGE)


def _newest(query: Select[Schedule, Survey], cursor: str | None, limit: int) -> Select[Schedule, Survey]:
    newest = in_order(query, cursor, Schedule.created_at, Schedule.id, latest_first=True)
    return newest.limit(limit + 1)


def _page(session: Session, rows: Sequence[Row[Schedule, Survey]], limit: int) -> Page[Sheet]:
    shown, more = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page(_read(session, [(row[0], row[1]) for row in shown]), more)


def _sheets(who: Visitor, which: ColumnElement[bool]) -> Select[Schedule, Survey]:
    query = select(Schedule, Survey).join(Survey, Survey.id == Schedule.survey_id)
    return query.where(Schedule.workspace_id == who.workspace_id, which)


def _in_time(
    session: Session, who: Visitor, now: datetime, query: Callable[[ColumnElement[bool]], Select[*Found]]
) -> Sequence[Row[*Found]]:
    """What is found by what is over.

    Where to look who waits takes too long, those that ran lately are not: a question waits no longer.
    """
    try:
        with in_time(session):
            return session.execute(query(_is_over(~_waits(who)))).all()
    except Unavailable:
        lately = Occurrence.schedule_id == Schedule.id, Occurrence.due_at > now - OPEN_FOR
        ran = select(Occurrence.id).where(*lately)
        return session.execute(query(_is_over(~ran.exists()))).all()


def _is_over(nobody_waits: ColumnElement[bool]) -> ColumnElement[bool]:
    """Cancelled, or without a next moment: and no run decides or is to come, and nobody waits for one."""
    runs = select(Occurrence.id).where(Occurrence.schedule_id == Schedule.id, Occurrence.state.in_(OPEN))
    return or_(Schedule.state == "cancelled", and_(Schedule.state == "ended", ~runs.exists(), nobody_waits))


def _waits(who: Visitor) -> ColumnElement[bool]:
    """Does somebody wait to be asked?

    Found once for the workspace, among those who wait alone: a run asked perhaps a million.
    """
    surveys = select(Survey.id).where(Survey.workspace_id == who.workspace_id)
    asking = select(Invitation.schedule_id).where(
        Invitation.survey_id.in_(surveys),
        Invitation.state.in_(WAITING),
        Invitation.schedule_id.is_not(None),
    )
    return Schedule.id.in_(asking.distinct())


def _read(session: Session, rows: Sequence[tuple[Schedule, Survey]]) -> tuple[Sheet, ...]:
    ids = [schedule.id for schedule, _ in rows]
    last, waiting = latest(session, ids), _waiting(session, ids)
    return tuple(sheet_of(session, *row, last.get(row[0].id), waiting[row[0].id]) for row in rows)


def askable(runtime: Runtime, who: Visitor) -> list[Askable]:
    """Every survey that a schedule of this workspace can ask, by name."""
    query = (
        select(Survey.id, Survey.name, Survey.metric)
        .where(
            Survey.workspace_id == who.workspace_id,
            Survey.published_version_id.is_not(None),
            Survey.archived_at.is_(None),
        )
        .order_by(Survey.name, Survey.id)
    )
    with runtime.db.read() as session:
        return [Askable(row.id, row.name, Metric(row.metric)) for row in session.execute(query)]


def sheet_of(
    session: Session,
    schedule: Schedule,
    survey: Survey,
    last: Outcome | None = None,
    waiting: int | None = 0,
) -> Sheet:
    """A step: the row as it is read, with what was counted of it."""
    due = schedule.next_due_at
    cadence = cadence_of(schedule, days_off_of(session, schedule.workspace_id))
    segment = session.get_one(Segment, schedule.segment_id) if schedule.segment_id else None
    return Sheet(
        id=schedule.id,
        name=schedule.name,
        survey_id=survey.id,
        survey_name=survey.name,
        metric=Metric(survey.metric),
        cadence=cadence,
        at=schedule.starts_at,
        time_zone=schedule.time_zone,
        channels=tuple(schedule.channels),
        every_days=schedule.every_days,
        trigger=read_trigger(schedule.trigger) if schedule.trigger else None,
        steps=tuple(_steps(session, schedule)),
        late_hours=schedule.late_hours,
        terms=Terms.from_json(schedule.terms),
        audience=read_audience(segment.audience if segment else schedule.audience, kept=True),
        segment=(segment.id, segment.name) if segment else None,
        state=schedule.state,
        next_runs=tuple(cadence.next_runs(due - A_MOMENT, RUNS)) if due else (),
        last=last,
        waiting=waiting,
        coming=_coming(session, schedule.id),
        under_way=waiting != 0 or _runs(session, schedule.id),
        stopped=next(iter(brakes.standing(session, schedule.workspace_id, schedule.id)), None),
        revision=schedule.revision,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
    )


def _steps(session: Session, schedule: Schedule) -> Iterator[Follows]:
    for step in schedule.steps:
        yield Follows(step["survey"], step["after_days"], session.get_one(Survey, step["survey"]).name)


def _waiting(session: Session, ids: Sequence[str]) -> dict[str, int | None]:
    """How many people each of these schedules has decided about and not asked yet, in one statement."""
    query = (
        select(Occurrence.schedule_id, func.count())
        .join(Invitation, Invitation.occurrence_id == Occurrence.id)
        .where(Occurrence.schedule_id.in_(ids), Invitation.state.in_(WAITING))
        .group_by(Occurrence.schedule_id)
    )
    try:
        with in_time(session):
            found = {str(row[0]): int(row[1]) for row in session.execute(query)}
    except Unavailable:
        return dict.fromkeys(ids)
    return {id: found.get(id, 0) for id in ids}


def _runs(session: Session, schedule_id: str) -> bool:
    """Does a run of it still decide, or wait to?"""
    query = select(Occurrence.id).where(Occurrence.schedule_id == schedule_id, Occurrence.state.in_(OPEN))
    return session.scalar(query.limit(1)) is not None


def _coming(session: Session, schedule_id: str) -> int:
    query = select(func.count()).where(
        Occurrence.schedule_id == schedule_id, Occurrence.state == "due", Occurrence.origin != "schedule"
    )
    return session.scalar(query) or 0
