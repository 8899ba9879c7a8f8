"""Whom a schedule would ask now, and why not the others; also one that is not there yet."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.domain.cadence import Repeat
from app.domain.eligibility import Verdict
from app.domain.metrics import Metric
from app.domain.terms import seats
from app.errors import Unavailable
from app.models import Contact, Schedule, Survey
from app.runtime import Runtime
from app.services import access, asking_terms, audiences, eligible, whose_turn
from app.services.access import Visitor
from app.services.in_time import in_time
from app.services.many_rows import hashed
from app.services.paging import PAGE, Page, cut, in_order
from app.services.schedule_sheets import Sheet, sheet_of
from app.services.schedules import drafted

ANOTHER_DAY = "another_day"  # may be asked, but so many a day that the load is even
NOT_DRAWN = "sampled_out"  # may be asked; whom a run draws nobody knows before it


@dataclass(frozen=True)
class Preview:
    """`asked` and the reasons sum to `total`, the audience."""

    total: int
    asked: int
    not_asked: tuple[tuple[str, int], ...]  # reason and number, the largest first
    metric: Metric
    rest_days: int  # as this rule counts them: across all surveys
    rest_days_of_metric: int

    @property
    def is_drawn(self) -> bool:
        """Does it ask some whom nobody can name yet?"""
        return any(reason == NOT_DRAWN for reason, _ in self.not_asked)


@dataclass(frozen=True)
class Look:
    """A schedule that is not there yet: its runs, and whom it would ask now."""

    sheet: Sheet
    preview: Preview | None  # none: to count them takes too long


@dataclass(frozen=True)
class Person:
    """One person of the audience and what would become of them."""

    id: str
    name: str
    verdict: Verdict


def preview(runtime: Runtime, who: Visitor, id: str) -> Preview:
    """How many people this schedule would ask now, how many not, by reason.

    Raises NotFound, and Unavailable when to count them takes too long.
    """
    with runtime.db.read() as session:
        return _counted(session, runtime, access.own(session, who, Schedule, id))


def look(runtime: Runtime, who: Visitor, raw: Mapping[str, object]) -> Look:
    """What creating this schedule would mean; changes nothing. Raises Invalid as creating it would."""
    with runtime.db.read() as session:
        schedule = drafted(session, who, raw, runtime.clock())
        sheet = sheet_of(session, schedule, session.get_one(Survey, schedule.survey_id))
        try:
            return Look(sheet, _counted(session, runtime, schedule))
        except Unavailable:
            return Look(sheet, None)


def people(
    runtime: Runtime, who: Visitor, id: str, *, reason: str | None = None, cursor: str | None = None
) -> Page[Person]:
    """Who would be asked now (no reason), or not for this reason, by name.

    Raises NotFound, and Unavailable when to find them takes too long.
    """
    with runtime.db.read() as session, in_time(session):
        schedule = access.own(session, who, Schedule, id)
        ask, everybody = audience_of(session, runtime, schedule)
        because = None if reason == ANOTHER_DAY else reason
        query = eligible.because_by_name(ask, everybody, because)
        name, id_ = query.selected_columns
        if schedule.every_days is not None and because is None:
            today = whose_turn.longest_waiting(session, schedule, ask, everybody)
            query = query.where(id_.in_(today) if reason is None else id_.not_in(today))
        with hashed(session):
            rows = session.execute(in_order(query, cursor, name, id_).limit(PAGE + 1)).all()
        ids = [row[1] for row in rows]
        found = select(Contact).where(Contact.id.in_(ids))
        decided = eligible.verdicts(session, ask, in_order(found, None, Contact.search_name, Contact.id))
    shown, more = cut(decided, PAGE, lambda each: (each[0].search_name, each[0].id))
    told = Verdict(reason) if reason in ("duplicate", ANOTHER_DAY) else None
    return Page(tuple(Person(each.id, each.name, told or verdict) for each, verdict in shown), more)


def _counted(session: Session, runtime: Runtime, schedule: Schedule) -> Preview:
    ask, people = audience_of(session, runtime, schedule)
    with in_time(session):
        return told_of(session, schedule, ask, people, eligible.counts(session, ask, people))


def audience_of(
    session: Session, runtime: Runtime, schedule: Schedule
) -> tuple[asking_terms.Asking, Select[Contact]]:
    """A step: what decides about the people whom it would ask now, and who they are."""
    metric = Metric(session.get_one(Survey, schedule.survey_id).metric)
    ask = whose_turn.asking(session, runtime, schedule, metric)
    wanted = audiences.of_schedule(session, schedule)
    return ask, audiences.people(session, runtime, schedule.workspace_id, wanted, metric)


def told_of(
    session: Session,
    schedule: Schedule,
    ask: asking_terms.Asking,
    people: Select[Contact],
    found: Mapping[str | None, int],
) -> Preview:
    """A step: these numbers by reason, as eligible.counts finds them, and what a day of it brings."""
    counts = dict(found)
    asked = counts.pop(None, 0)
    if schedule.every_days is not None:
        today = min(asked, whose_turn.a_day(session, schedule, people, ask.now))
        if asked > today:
            counts[ANOTHER_DAY] = asked - today
        asked = today
    if ask.terms.sample is not None and schedule.repeat != Repeat.EVENT:  # that draws among its events
        drawn = sum(seats({"": asked}, ask.terms.sample).values())
        if asked > drawn:
            counts[NOT_DRAWN] = asked - drawn
        asked = drawn
    found_reasons = ((str(code), number) for code, number in counts.items())
    reasons = sorted(found_reasons, key=lambda each: (-each[1], each[0]))
    rest = ask.rest
    return Preview(
        total=asked + sum(counts.values()),
        asked=asked,
        not_asked=tuple(reasons),
        metric=ask.metric,
        rest_days=max(0, rest.days - rest.early_days),
        rest_days_of_metric=max(0, rest.metric_days - rest.early_days),
    )
