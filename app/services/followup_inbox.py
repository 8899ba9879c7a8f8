"""The inbox: who is waiting, by urgency; the counts beside the choices; how well the loop is kept."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.domain.business_time import BusinessCalendar
from app.domain.followups import Clock, Group, State, clock, group
from app.errors import NotFound
from app.models import FollowUp, Workspace
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.followup_opening import calendar_of
from app.services.followup_rows import (
    Found,
    Record,
    Whose,
    in_state,
    is_contacted,
    is_open,
    is_overdue,
    next_due,
    of_whom,
    records,
    records_query,
)
from app.services.paging import PAGE, Page, cut, in_order

Shown = Literal["open", "overdue", "closed"]


@dataclass(frozen=True)
class Waiting:
    """One line of the inbox; a closed one has neither group nor clock."""

    record: Record
    group: Group | None
    clock: Clock | None


@dataclass(frozen=True)
class Counts:
    """How many there are behind each choice, and in each group of what is chosen."""

    all: int
    mine: int
    unassigned: int
    overdue: int
    by_group: dict[Group, int]
    contacted_late: int  # of those whose first contact is made, past the time to close


@dataclass(frozen=True)
class Inbox:
    page: Page[Waiting]
    counts: Counts
    now: datetime
    closes_at: time  # of a business day, local


@dataclass(frozen=True)
class Tally:
    """The loop in three numbers; the share is None while no first contact was due."""

    open: int
    overdue: int
    contacted_in_time: float | None
    first_contacts_due: int


def inbox(
    runtime: Runtime, who: Visitor, whose: Whose = "all", shown: Shown = "open", cursor: str | None = None
) -> Inbox:
    """Who waits, most urgent first; closed ones, latest first."""
    now = runtime.clock()
    with runtime.db.read() as session:
        calendar = calendar_of(session.get_one(Workspace, who.workspace_id))
        query = records_query(who).where(of_whom(who, whose))
        read = _closed if shown == "closed" else _open
        if shown == "overdue":
            query = query.where(is_overdue(now))
        page = read(session, query, cursor)
        waiting = tuple(_waiting(record, now, calendar) for record in page.items)
        counts = _counts(session, who, (whose, shown), calendar, now)
        return Inbox(Page(waiting, page.next_cursor), counts, now, calendar.closes)


def listed(
    runtime: Runtime,
    who: Visitor,
    *,
    state: State | None = None,
    assignee: str | None = None,
    contact: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Record]:
    """All of them for the API, oldest first; the filters are joined by AND."""
    query = records_query(who)
    if state is not None:
        query = query.where(in_state(state))
    if assignee is not None:
        query = query.where(FollowUp.assignee_id == assignee)
    if contact is not None:
        query = query.where(FollowUp.contact_id == contact)
    query = in_order(query, cursor, FollowUp.opened_at, FollowUp.id)
    with runtime.db.read() as session:
        found = records(session.execute(query.limit(limit + 1)))
    kept, more = cut(found, limit, lambda record: (record.moments.opened_at, record.id))
    return Page(tuple(kept), more)


def get(runtime: Runtime, who: Visitor, id: str) -> Record:
    """One of them. Raises NotFound."""
    with runtime.db.read() as session:
        found = records(session.execute(records_query(who).where(FollowUp.id == id)))
    if not found:
        raise NotFound
    return found[0]


def urgent(session: Session, who: Visitor, now: datetime, limit: int = 3) -> tuple[Waiting, ...]:
    """The first lines of the inbox, for the home page."""
    calendar = calendar_of(session.get_one(Workspace, who.workspace_id))
    query = records_query(who).where(is_open()).order_by(is_contacted(), next_due(), FollowUp.id).limit(limit)
    return tuple(_waiting(record, now, calendar) for record in records(session.execute(query)))


def tally(session: Session, who: Visitor, now: datetime, since: datetime | None = None) -> Tally:
    """Open and overdue now; and of the first contacts that were due or made since then, how many in time."""
    made_in_time = FollowUp.first_contact_at <= FollowUp.first_contact_due_at
    decided = or_(FollowUp.first_contact_at.is_not(None), FollowUp.first_contact_due_at < now)
    # Closed before its first contact was due, and without any: no promise was broken, and none was kept
    counted = and_(decided, or_(FollowUp.first_contact_at.is_not(None), _not_closed_before_due()))
    if since is not None:
        counted = and_(counted, FollowUp.opened_at >= since)
    query = select(
        func.count().filter(is_open()),
        func.count().filter(is_overdue(now)),
        func.count().filter(counted),
        func.count().filter(and_(counted, made_in_time)),
    ).where(FollowUp.workspace_id == who.workspace_id)
    opened, overdue, due, kept = session.execute(query).one()
    return Tally(opened, overdue, kept / due if due else None, due)


def _not_closed_before_due() -> ColumnElement[bool]:
    return or_(FollowUp.closed_at.is_(None), FollowUp.closed_at > FollowUp.first_contact_due_at)


def _open(session: Session, query: Found, cursor: str | None) -> Page[Record]:
    query = in_order(query.where(is_open()), cursor, is_contacted(), next_due(), FollowUp.id)

    def place(record: Record) -> tuple[int, datetime, str]:
        contacted = record.moments.first_contact_at is not None
        due_at = record.moments.close_due_at if contacted else record.moments.first_contact_due_at
        return int(contacted), due_at, record.id

    kept, more = cut(records(session.execute(query.limit(PAGE + 1))), PAGE, place)
    return Page(tuple(kept), more)


def _closed(session: Session, query: Found, cursor: str | None) -> Page[Record]:
    query = query.where(FollowUp.closed_at.is_not(None))
    query = in_order(query, cursor, FollowUp.closed_at, FollowUp.id, latest_first=True)

    def place(record: Record) -> tuple[datetime, str]:
        assert record.moments.closed_at is not None
        return record.moments.closed_at, record.id

    kept, more = cut(records(session.execute(query.limit(PAGE + 1))), PAGE, place)
    return Page(tuple(kept), more)


def _waiting(record: Record, now: datetime, calendar: BusinessCalendar) -> Waiting:
    if record.state is State.CLOSED:
        return Waiting(record, None, None)
    return Waiting(record, group(record.moments, now, calendar), clock(record.moments, now, calendar))


def _counts(
    session: Session,
    who: Visitor,
    view: tuple[Whose, Shown],
    calendar: BusinessCalendar,
    now: datetime,
) -> Counts:
    whose, shown = view
    chosen = FollowUp.closed_at.is_not(None) if shown == "closed" else is_open()
    if shown == "overdue":
        chosen = is_overdue(now)
    tomorrow = _start_of_tomorrow(now, calendar)
    waits = and_(chosen, of_whom(who, whose), FollowUp.first_contact_at.is_(None))
    contacted = and_(chosen, of_whom(who, whose), FollowUp.first_contact_at.is_not(None))
    due = FollowUp.first_contact_due_at
    query = select(
        func.count().filter(chosen),
        func.count().filter(chosen, of_whom(who, "mine")),
        func.count().filter(chosen, of_whom(who, "unassigned")),
        func.count().filter(is_overdue(now), of_whom(who, whose)),
        func.count().filter(waits, due < now),
        func.count().filter(waits, due >= now, due < tomorrow),
        func.count().filter(waits, due >= tomorrow),
        func.count().filter(contacted),
        func.count().filter(contacted, FollowUp.close_due_at < now),
    ).where(FollowUp.workspace_id == who.workspace_id)
    counted = session.execute(query).one()
    return Counts(
        *counted[:4], by_group=dict(zip(Group, counted[4:8], strict=True)), contacted_late=counted[8]
    )


def _start_of_tomorrow(now: datetime, calendar: BusinessCalendar) -> datetime:
    local = calendar.local(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (midnight + timedelta(days=1)).astimezone(UTC)
