"""The runs of schedules that were due: how each ended, how many people it asked, and why not the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from app.errors import NotFound, Unavailable
from app.models import Complaint, Contact, Invitation, Occurrence, Pulse, Schedule
from app.runtime import Runtime
from app.services import access
from app.services.access import Visitor
from app.services.brakes import COMPLAINED
from app.services.few import are_few
from app.services.in_time import in_time
from app.services.paging import PAGE, Page, cut, in_order
from app.services.unsent import WAITING

RUNS = 12  # of a page: a year of a monthly schedule
WAITS = "waits"  # stands where a reason would, for those who are about to be asked
FELL_OUT = ("skipped", "failed", "cancelled")


@dataclass(frozen=True)
class Outcome:
    """One run. `asked`, `waiting` and the reasons sum to the people that it has decided about.

    None of them is known of one that was not counted.
    """

    id: str
    due_at: datetime
    state: str
    reason: str | None
    origin: str = "schedule"
    step: int = 0  # of a sequence
    contact_id: str | None = None  # a run for one person
    asked: int = 0  # a message left, or is leaving
    waiting: int = 0
    not_asked: tuple[tuple[str, int], ...] = field(default=())  # reason and number, the largest first
    complaints: int = 0  # of those asked
    pulse_id: str | None = None
    counted: bool = True
    is_counting: bool = False  # cancelled just now: whom it had not come to is still to be counted

    @property
    def decided(self) -> int:
        return self.asked + self.waiting + sum(number for _, number in self.not_asked)


@dataclass(frozen=True)
class Invited:
    """One person of a run, and what became of asking them."""

    contact_id: str
    name: str
    state: str
    reason: str | None
    until: datetime | None


def history(
    runtime: Runtime, who: Visitor, schedule_id: str, cursor: str | None = None, limit: int = RUNS
) -> Page[Outcome]:
    """What a schedule has done, the latest first. Raises NotFound."""
    query = select(Occurrence).where(Occurrence.schedule_id == schedule_id)
    query = in_order(query, cursor, Occurrence.due_at, Occurrence.id, latest_first=True)
    with runtime.db.read() as session:
        access.own(session, who, Schedule, schedule_id)
        rows = session.scalars(query.limit(limit + 1)).all()
        shown, more = cut(rows, limit, lambda run: (run.due_at, run.id))
        return Page(tuple(_outcomes(session, shown)), more)


def one(runtime: Runtime, who: Visitor, schedule_id: str, id: str) -> Outcome:
    """One run of a schedule. Raises NotFound."""
    with runtime.db.read() as session:
        return next(iter(_outcomes(session, [_own(session, who, schedule_id, id)])))


def people(
    runtime: Runtime,
    who: Visitor,
    schedule_id: str,
    id: str,
    *,
    reason: str | None = None,
    cursor: str | None = None,
) -> Page[Invited]:
    """Whom a run asked or is about to (no reason), did not for this reason, or asked and they complained.

    By the index of a run's people, so that a page of a million is there at once; names would sort them all.
    Raises NotFound, and Unavailable when to find them takes too long.
    """
    query = select(Invitation, Contact).join(Contact, Contact.id == Invitation.contact_id)
    wanted = Invitation.occurrence_id == id, _complained(id) if reason == COMPLAINED else _which(reason)
    with runtime.db.read() as session:
        _own(session, who, schedule_id, id)
        these = select(Invitation.id).where(*wanted)
        if are_few(session, these):
            those = these.cte().prefix_with("MATERIALIZED")
            query = query.join(those, those.c.id == Invitation.id)
        query = in_order(query.where(*wanted), cursor, Invitation.contact_id)
        rows = session.execute(query.limit(PAGE + 1)).all()
    shown, more = cut(rows, PAGE, lambda row: (row[0].contact_id,))
    return Page(
        tuple(Invited(contact.id, contact.label, row.state, row.reason, row.until) for row, contact in shown),
        more,
    )


def latest(session: Session, schedule_ids: Sequence[str], *, numbers: bool = True) -> dict[str, Outcome]:
    """A step: the last run of each of these schedules that had one; what only comes due is none."""
    last = (
        select(Occurrence.id)
        .where(Occurrence.schedule_id == Schedule.id, Occurrence.state != "due")
        .order_by(Occurrence.due_at.desc(), Occurrence.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # By the end of their index: after an event there is a run for each person
    ids = session.scalars(select(last).select_from(Schedule).where(Schedule.id.in_(schedule_ids))).all()
    rows = session.scalars(select(Occurrence).where(Occurrence.id.in_(ids))).all()
    found = _outcomes(session, rows, numbers=numbers)
    return {str(row.schedule_id): outcome for row, outcome in zip(rows, found, strict=True)}


def _own(session: Session, who: Visitor, schedule_id: str, id: str) -> Occurrence:
    run = access.own(session, who, Occurrence, id)
    if run.schedule_id != schedule_id:
        raise NotFound
    return run


def _which(reason: str | None) -> ColumnElement[bool]:
    return _why() == reason if reason else _why().is_(None)


def _complained(run_id: str) -> ColumnElement[bool]:
    """Did they report what this run asked as spam?"""
    theirs = Complaint.occurrence_id == run_id, Complaint.contact_id == Invitation.contact_id
    return select(Complaint.id).where(*theirs).exists()


def _why() -> ColumnElement[str | None]:
    """Why this person was not asked after all, or NULL."""
    return case((Invitation.state.in_(FELL_OUT), func.coalesce(Invitation.reason, "cancelled")), else_=None)


def _outcomes(session: Session, rows: Sequence[Occurrence], *, numbers: bool = True) -> Iterator[Outcome]:
    """These runs, in the same order, with their numbers if they are wanted and can be had in time."""
    ids = [row.id for row in rows]
    found = _numbers(session, ids) if numbers else None
    opened = select(Pulse.occurrence_id, Pulse.id).where(Pulse.occurrence_id.in_(ids))
    pulses = {row.occurrence_id: row.id for row in session.execute(opened)}
    complaints = _complaints(session, rows)
    for row in rows:
        told = dict((found or {}).get(row.id, {}))
        asked, waiting = told.pop(None, 0), told.pop(WAITS, 0)
        if row.spared:
            told["cancelled"] = told.get("cancelled", 0) + row.spared
        reasons = sorted(((str(code), number) for code, number in told.items()), key=lambda each: -each[1])
        yield Outcome(
            id=row.id,
            due_at=row.due_at,
            state=row.state,
            reason=row.reason,
            origin=row.origin,
            step=row.step,
            contact_id=row.contact_id,
            asked=asked,
            waiting=waiting,
            not_asked=tuple(reasons),
            complaints=complaints.get(row.id, 0),
            pulse_id=pulses.get(row.id),
            counted=found is not None,
            is_counting=row.state == "cancelled" and row.spared is None and row.version_id is not None,
        )


def _complaints(session: Session, rows: Sequence[Occurrence]) -> dict[str, int]:
    """How many of those whom each of these runs asked reported it as spam."""
    of_them = Complaint.schedule_id.in_({row.schedule_id for row in rows if row.schedule_id})
    query = select(Complaint.occurrence_id, func.count(Complaint.id)).where(
        of_them, Complaint.occurrence_id.in_([row.id for row in rows])
    )
    return {str(run): number for run, number in session.execute(query.group_by(Complaint.occurrence_id))}


def _numbers(session: Session, ids: Sequence[str]) -> dict[str, dict[str | None, int]] | None:
    """How many invitations of each run were asked (None), wait, or fell out, by reason; if that is quick."""
    became = case((Invitation.state.in_(WAITING), literal(WAITS)), else_=_why()).label("became")
    each = select(Invitation.occurrence_id, became).where(Invitation.occurrence_id.in_(ids)).subquery()
    query = select(each.c.occurrence_id, each.c.became, func.count()).group_by(
        each.c.occurrence_id, each.c.became
    )
    found: dict[str, dict[str | None, int]] = {}
    try:
        with in_time(session):
            for run, code, number in session.execute(query):
                found.setdefault(run, {})[code] = number
    except Unavailable:
        return None
    return found
