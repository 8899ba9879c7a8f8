"""Schedules as pages and scripts read them: the list, one, its next runs, whom it would ask now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from app.domain.cadence import Repeat, Run
from app.domain.channel_choice import channel_problems
from app.domain.eligibility import Verdict
from app.domain.metrics import Metric
from app.errors import Invalid
from app.models import Contact, Schedule, Survey
from app.runtime import Runtime
from app.services import access, eligible, unsent
from app.services.access import Visitor
from app.services.paging import PAGE, Page, cursor_at, place_of
from app.services.planning import cadence_of
from app.services.runs import Outcome, latest
from app.services.schedules import is_under_way

RUNS = 5  # shown ahead; enough to see what a rule does to the ends of months
OVER = ("ended", "cancelled")


@dataclass(frozen=True)
class Sheet:
    """One schedule. `at` is the time on the wall that its rule counts from."""

    id: str
    name: str
    survey_id: str
    survey_name: str
    metric: Metric
    repeat: Repeat
    at: str
    time_zone: str
    channels: tuple[str, ...]
    state: str
    next_runs: tuple[Run, ...]  # also of a paused one: what they would be
    last: Outcome | None
    waiting: int  # people decided about and not asked yet
    under_way: bool
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def is_over(self) -> bool:
        return self.state in OVER


@dataclass(frozen=True)
class Preview:
    """Whom a schedule would ask now; `asked` and the reasons sum to `total`, the audience."""

    total: int
    asked: int
    not_asked: tuple[tuple[str, int], ...]  # reason and number, the largest first


@dataclass(frozen=True)
class Person:
    """One person of the audience and what would become of them."""

    id: str
    name: str
    verdict: Verdict


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
        return _sheet(session, schedule, survey, latest(session, [id]).get(id), runtime.clock())


def list_schedules(
    runtime: Runtime, who: Visitor, *, over: bool | None = None, cursor: str | None = None, limit: int = PAGE
) -> Page[Sheet]:
    """Schedules, the newest first: all, or those that are over, or those that are not."""
    query = (
        select(Schedule, Survey)
        .join(Survey, Survey.id == Schedule.survey_id)
        .where(Schedule.workspace_id == who.workspace_id)
        .order_by(Schedule.created_at.desc(), Schedule.id.desc())
    )
    if over is not None:
        query = query.where(Schedule.state.in_(OVER) if over else Schedule.state.not_in(OVER))
    if cursor:
        at, id = place_of(cursor, datetime, str)
        query = query.where(or_(Schedule.created_at < at, and_(Schedule.created_at == at, Schedule.id < id)))
    with runtime.db.read() as session:
        rows = session.execute(query.limit(limit + 1)).all()
        shown = rows[:limit]
        last = latest(session, [row[0].id for row in shown])
        now = runtime.clock()
        sheets = tuple(_sheet(session, row[0], row[1], last.get(row[0].id), now) for row in shown)
    more = cursor_at((shown[-1][0].created_at, shown[-1][0].id)) if len(rows) > limit else None
    return Page(sheets, more)


def preview(runtime: Runtime, who: Visitor, id: str) -> Preview:
    """How many people this schedule would ask now, how many not, by reason. Raises NotFound."""
    with runtime.db.read() as session:
        ask, people = _audience_of(session, runtime, access.own(session, who, Schedule, id))
        return _preview(session, ask, people)


def preview_of(
    runtime: Runtime,
    who: Visitor,
    survey_id: str,
    *,
    repeat: Repeat = Repeat.ONCE,
    channels: Sequence[str] = ("email",),
) -> Preview:
    """The same for a schedule that is not there yet. Raises NotFound, Invalid."""
    if problems := channel_problems(channels):
        raise Invalid(problems)
    with runtime.db.read() as session:
        survey = access.own(session, who, Survey, survey_id)
        metric = Metric(survey.metric)
        ask = eligible.asking(
            session, runtime, who.workspace_id, metric, channels=channels, repeat=repeat.value
        )
        return _preview(session, ask, eligible.audience(who.workspace_id, metric))


def people(
    runtime: Runtime, who: Visitor, id: str, *, reason: str | None = None, cursor: str | None = None
) -> Page[Person]:
    """Who would be asked now (no reason), or not for this reason, by name. Raises NotFound."""
    with runtime.db.read() as session:
        ask, everybody = _audience_of(session, runtime, access.own(session, who, Schedule, id))
        query = everybody.where(Contact.id.in_(eligible.because(ask, everybody, reason)))
        order = (Contact.search_name, Contact.id)
        if cursor:
            name, after = place_of(cursor, str, str)
            query = query.where(or_(order[0] > name, and_(order[0] == name, order[1] > after)))
        decided = eligible.verdicts(session, ask, query.order_by(*order).limit(PAGE + 1))
    shown = decided[:PAGE]
    last = shown[-1][0] if len(decided) > PAGE else None
    more = cursor_at((last.search_name, last.id)) if last else None
    told = Verdict(reason) if reason == "duplicate" else None
    return Page(tuple(Person(each.id, each.name, told or verdict) for each, verdict in shown), more)


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


def _audience_of(
    session: Session, runtime: Runtime, schedule: Schedule
) -> tuple[eligible.Asking, Select[Contact]]:
    metric = Metric(session.get_one(Survey, schedule.survey_id).metric)
    ask = eligible.asking(
        session,
        runtime,
        schedule.workspace_id,
        metric,
        channels=schedule.channels,
        repeat=schedule.repeat,
    )
    return ask, eligible.audience(schedule.workspace_id, metric)


def _preview(session: Session, ask: eligible.Asking, people: Select[Contact]) -> Preview:
    counts = eligible.counts(session, ask, people)
    asked = counts.pop(None, 0)
    reasons = sorted(((str(code), number) for code, number in counts.items()), key=lambda each: -each[1])
    return Preview(asked + sum(counts.values()), asked, tuple(reasons))


def _sheet(
    session: Session, schedule: Schedule, survey: Survey, last: Outcome | None, now: datetime
) -> Sheet:
    has_next = schedule.next_due_at is not None
    return Sheet(
        id=schedule.id,
        name=schedule.name,
        survey_id=survey.id,
        survey_name=survey.name,
        metric=Metric(survey.metric),
        repeat=Repeat(schedule.repeat),
        at=schedule.starts_at,
        time_zone=schedule.time_zone,
        channels=tuple(schedule.channels),
        state=schedule.state,
        next_runs=tuple(cadence_of(schedule).next_runs(now, RUNS)) if has_next else (),
        last=last,
        waiting=unsent.number(session, schedule.id),
        under_way=is_under_way(session, schedule.id),
        revision=schedule.revision,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
    )
