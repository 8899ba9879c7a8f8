"""What a run has to know before its first person: whose turn it is, and who is left out by lot.

Both look at everybody whom it is about, some thousands at a time, so that other runs come in between. What
was found is kept, so that whoever goes on after a crash begins where it ended.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, null, select, update
from sqlalchemy.orm import Session

from app.db import changed, insert_into, planned_anew
from app.domain.metrics import Metric
from app.domain.pace import Pace
from app.engines import take_time
from app.models import Contact, Occurrence, Schedule, Setting, Survey
from app.models.base import ID_LENGTH
from app.runtime import Runtime
from app.services import at_leisure, eligible_sql, lots, whose_turn
from app.services.asking_terms import Asking
from app.services.many_rows import once_more
from app.services.sieves import Drawn, Found, Longest, Sieve

SECONDS = 0.25  # of one look: so long the other runs wait
FIRST, MOST = 500, 5_000  # people in one look
PAUSE = 0.005  # seconds between two: whoever waits to write comes in between
TURN, LOTS = "turn_of:", "lots_of:"  # rows of `installation`, one for each look: the run, and its number
_KNOWN = {TURN: Occurrence.chosen, LOTS: Occurrence.lots}


@dataclass(frozen=True)
class Part:
    """What one look has found, as it is kept."""

    upto: str  # the last person whom it may have met
    number: int  # how many people it met
    shared: list[str]  # addresses of those who may be asked, where somebody else has them as well
    found: Found


@dataclass
class Course:
    """How far the looks have come."""

    sieve: Sieve
    parts: int = 0
    after: str = ""
    number: int = 0
    shared: set[str] = field(default_factory=set)

    def take(self, part: Part) -> Part:
        """Go on to the next; what of this one is worth keeping."""
        self.parts, self.after, self.number = self.parts + 1, part.upto, self.number + part.number
        self.shared.update(part.shared)
        return Part(part.upto, part.number, part.shared, self.sieve.take(part.found))


@dataclass
class Search:
    """The looks for one run, as this worker knows of them."""

    run: str
    what: str  # TURN or LOTS
    pace: Pace = field(default_factory=lambda: Pace(SECONDS, FIRST, MOST))
    course: Course | None = None  # none: nobody has read what is kept of earlier looks
    is_over: bool = False


def look(runtime: Runtime, search: Search) -> bool:
    """Look at the next few people of a run, and keep what was found. False: the run waits, or has ended."""
    began = time.perf_counter()
    with runtime.db.read() as session:
        take_time(session.connection())
        run = session.get_one(Occurrence, search.run)
        schedule = session.get_one(Schedule, run.schedule_id)
        if run.state not in ("due", "running") or schedule.state == "paused":
            return False
        metric = Metric(session.get_one(Survey, run.survey_id).metric)
        ask = whose_turn.asking(session, runtime, schedule, metric, run)
        if not _is_wanted(search, run, ask):
            search.is_over = True
            return True
        course = search.course or _read(session, search, schedule, run, ask)
        some, upto = _next(session, run, course.after, search.pace.people)
        people = at_leisure.people_of(session, runtime, run, metric).where(*some)
        with planned_anew(session):
            part = course.take(_found(session, course, ask, people, upto or ""))
        result = None if upto is not None else _result(session, course, schedule, run, ask)
    search.course = course
    search.pace.took(time.perf_counter() - began)
    with runtime.db.write() as session:
        if upto is None:
            _conclude(session, search, result)
        elif not _keep(session, search, course.parts, part):
            search.course = None  # another worker was quicker
    search.is_over = upto is None
    runtime.reach("looked_for_some")
    if not search.is_over:
        time.sleep(PAUSE)
    return True


def _is_wanted(search: Search, run: Occurrence, ask: Asking) -> bool:
    if search.what == TURN:
        return run.chosen is None
    # Of a pulse there are none, whatever an older row says
    return run.lots is None and not run.expanded_to and ask.terms.sample is not None


def _read(session: Session, search: Search, schedule: Schedule, run: Occurrence, ask: Asking) -> Course:
    """With what earlier looks of this run have found."""
    course = Course(Drawn())
    if search.what == TURN:
        course = Course(Longest(whose_turn.most_a_day(session, schedule, ask.now, run.every_days)))
    prefix = search.what + search.run
    kept = select(Setting.value).where(Setting.name.startswith(prefix, autoescape=True))
    for value in session.scalars(kept.order_by(Setting.name)):
        course.take(Part(**json.loads(value)))
    return course


def _next(
    session: Session, run: Occurrence, after: str, number: int
) -> tuple[Sequence[ColumnElement[bool]], str | None]:
    """Which people come next, as conditions, and the last of them; None when these are the last."""
    if run.contact_id is not None:
        return (Contact.id == run.contact_id,), None
    if run.chosen is not None:
        left = [each for each in run.chosen if each > after]
        return (Contact.id.in_(left[:number]),), left[number - 1] if len(left) > number else None
    theirs = select(Contact.id).where(Contact.workspace_id == run.workspace_id, Contact.id > after)
    upto = session.scalar(theirs.order_by(Contact.id).offset(number - 1).limit(1))
    return (Contact.id > after, *(() if upto is None else (Contact.id <= upto,))), upto


def _found(session: Session, course: Course, ask: Asking, people: Select[Contact], upto: str) -> Part:
    """Of several people with one address the first counts, also where earlier looks have met that one."""
    told = eligible_sql.told(ask, people)
    may_be_asked = told.c.code.is_(None)
    query = select(
        told.c.id,
        told.c.code,
        told.c.group,
        case((may_be_asked, course.sieve.column(ask, told)), else_=null()).label("fact"),
        case((may_be_asked & _is_shared(ask, told.c), told.c.key), else_=null()).label("shared"),
    ).join(Contact, Contact.id == told.c.id)
    rows = session.execute(query).all()
    asked = [row for row in rows if row.code is None and row.shared not in course.shared]
    shared = [row.shared for row in asked if row.shared is not None]
    return Part(upto, len(rows), shared, course.sieve.sort(asked))


def _is_shared(ask: Asking, each: Any) -> ColumnElement[bool]:
    """Does anybody else here have the address on which this one would be asked?"""
    theirs = once_more(Contact)
    here = select(func.count()).where(theirs.workspace_id == ask.workspace_id)
    number = [
        (
            each.channel == way.channel,
            here.where(getattr(theirs, Contact.key_of(way.channel).key) == each.key).scalar_subquery(),
        )
        for way in ask.ways
    ]
    return case(*number, else_=0) > 1


def _result(session: Session, course: Course, schedule: Schedule, run: Occurrence, ask: Asking) -> object:
    sieve, every_days = course.sieve, run.every_days
    if isinstance(sieve, Longest):
        return sieve.first(whose_turn.of_a_day(session, schedule, course.number, ask.now, every_days))
    return lots.limits(ask, sieve.by_group)


def _conclude(session: Session, search: Search, result: object) -> None:
    """It stands, so that after a restart the same people are asked. The first one wins."""
    known = _KNOWN[search.what]
    session.execute(
        update(Occurrence)
        .where(Occurrence.id == search.run, known.is_(null()))
        .values({known: result})
        .execution_options(synchronize_session=False)
    )


def _keep(session: Session, search: Search, number: int, part: Part) -> bool:
    row = {"name": f"{search.what}{search.run}:{number:05}", "value": json.dumps(asdict(part))}
    adding = insert_into(session, Setting).values(row).on_conflict_do_nothing()
    return session.scalar(adding.returning(Setting.name)) is not None


def forget_old(runtime: Runtime) -> int:
    """A job: what looks have found for runs that know by now, or have ended; how many looks."""
    gone: list[str] = []
    with runtime.db.read() as session:
        for what, known in _KNOWN.items():
            waits = select(Occurrence.id).where(
                Occurrence.id == func.substr(Setting.name, len(what) + 1, ID_LENGTH),
                Occurrence.state.in_(("due", "running")),
                known.is_(null()),
            )
            kept = select(Setting.name).where(Setting.name.startswith(what, autoescape=True))
            gone += session.scalars(kept.where(~waits.exists()))
    for name in gone:
        with runtime.db.write() as session:
            changed(session, delete(Setting).where(Setting.name == name))
        time.sleep(PAUSE)
    return len(gone)
