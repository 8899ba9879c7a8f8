"""Answers of customers as a page. Those of pulses are not in these tables and never can be."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.models import Answer, Contact, Survey, SurveyVersion, Workspace
from app.runtime import Runtime
from app.services import audit, outbox
from app.services.access import Visitor, own
from app.services.answer_rows import (
    Conditions,
    Line,
    Wanted,
    check,
    conditions_of,
    is_set_aside,
    line,
    lines_query,
    ours,
)
from app.services.counting import scope_of
from app.services.followup_opening import calendar_of, open_for_answer
from app.services.paging import PAGE, Page, cut, in_order


@dataclass(frozen=True)
class Choice:
    """Something to filter by."""

    id: str
    name: str


@dataclass(frozen=True)
class Answers:
    """A page of answers with what its filters offer; `person` is named when it is one person's answers."""

    page: Page[Line]
    total: int
    with_words: int
    set_aside: int
    surveys: tuple[Choice, ...]
    channels: tuple[str, ...]
    person: str | None
    any_at_all: bool


def answers(runtime: Runtime, who: Visitor, wanted: Wanted, cursor: str | None = None) -> Answers:
    """The page of answers, latest first. Raises Invalid for filters that cannot be, NotFound for a person."""
    check(wanted)
    scope = scope_of(runtime, who)
    conditions = conditions_of(scope, wanted)
    with runtime.db.read() as session:
        total, with_words = session.execute(
            select(func.count(), func.count(Answer.comment)).where(*conditions)
        ).one()
        all_of_them = ours(scope)
        return Answers(
            page=_page(session, conditions, wanted, cursor, PAGE),
            total=total,
            with_words=with_words,
            set_aside=session.scalar(select(func.count()).where(*all_of_them, is_set_aside())) or 0,
            surveys=_surveys(session, who),
            channels=tuple(
                session.scalars(
                    select(Answer.channel).where(*all_of_them).distinct().order_by(Answer.channel)
                )
            ),
            person=_person(session, who, wanted.filters.contact),
            any_at_all=session.scalar(select(Answer.id).where(*all_of_them).limit(1)) is not None,
        )


def listed(
    runtime: Runtime, who: Visitor, wanted: Wanted, cursor: str | None = None, limit: int = PAGE
) -> Page[Line]:
    """The same for the API; with `changed_since`, in the order in which they changed."""
    check(wanted)
    with runtime.db.read() as session:
        return _page(session, conditions_of(scope_of(runtime, who), wanted), wanted, cursor, limit)


def get(runtime: Runtime, who: Visitor, id: str) -> Line:
    """One answer. Raises NotFound."""
    with runtime.db.read() as session:
        own(session, who, Answer, id)
        return line(session.execute(lines_query([Answer.id == id])).one())


def confirm(runtime: Runtime, who: Visitor, id: str) -> None:
    """A suspect answer is a person's after all: it counts, and opens what it would have. Once only."""
    now = runtime.clock()
    with runtime.db.write() as session:
        answer = own(session, who, Answer, id)
        if not _marked(session, answer, suspect=False, now=now):
            return
        audit.note(session, who, now, "answer.confirmed", answer.id)
        row = {name: getattr(answer, name) for name in ("id", "workspace_id", "contact_id", "metric", "band")}
        version = session.get_one(SurveyVersion, answer.version_id)
        row |= {"contact_me": answer.contact_me, "opens_followup": version.opens_followup}
        calendar = calendar_of(session.get_one(Workspace, who.workspace_id))
        followup_id = open_for_answer(session, row, calendar, now)
        if followup_id is not None:
            outbox.enqueue_alerts(session, who.workspace_id, followup_id, now)


def set_aside(runtime: Runtime, who: Visitor, id: str) -> None:
    """This was no person: it stays, and does not count until somebody confirms it. Twice is harmless."""
    with runtime.db.write() as session:
        if _marked(session, own(session, who, Answer, id), suspect=True, now=runtime.clock()):
            audit.note(session, who, runtime.clock(), "answer.set_aside", id)


def _marked(session: Session, answer: Answer, *, suspect: bool, now: datetime) -> bool:
    change = (
        update(Answer)
        .where(Answer.id == answer.id, Answer.suspect.is_(not suspect))
        .values(suspect=suspect, updated_at=now)
    )
    return changed(session, change) == 1


def _page(
    session: Session, conditions: Conditions, wanted: Wanted, cursor: str | None, limit: int
) -> Page[Line]:
    changes = wanted.changed_since is not None
    moment = Answer.updated_at if changes else Answer.recorded_at
    query = in_order(lines_query(conditions), cursor, moment, Answer.id, latest_first=not changes)
    found = [line(row) for row in session.execute(query.limit(limit + 1))]
    kept, more = cut(found, limit, lambda each: (each.updated_at if changes else each.recorded_at, each.id))
    return Page(tuple(kept), more)


def _surveys(session: Session, who: Visitor) -> tuple[Choice, ...]:
    query = (
        select(Survey.id, Survey.name)
        .where(Survey.workspace_id == who.workspace_id)
        .order_by(Survey.archived_at.is_not(None), func.lower(Survey.name), Survey.id)
    )
    return tuple(Choice(id, name) for id, name in session.execute(query))


def _person(session: Session, who: Visitor, contact_id: str | None) -> str | None:
    return own(session, who, Contact, contact_id).label if contact_id else None
