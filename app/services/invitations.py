"""Invitations as scripts read them: whom we asked what, in which state, or why not."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, select

from app.errors import NotFound
from app.models import Contact, Invitation
from app.runtime import Runtime
from app.services import access
from app.services.access import Visitor
from app.services.paging import PAGE, Page, cut, in_order


@dataclass(frozen=True)
class Line:
    """One contact asked one survey once; references are ids."""

    id: str
    survey: str
    contact: str
    schedule: str | None
    state: str
    reason: str | None
    until: datetime | None
    channel: str | None
    created_at: datetime
    sent_at: datetime | None
    expires_at: datetime


@dataclass(frozen=True)
class Wanted:
    """Which invitations: ids, and a state as it is shown."""

    survey: str | None = None
    schedule: str | None = None
    contact: str | None = None
    state: str | None = None


def get(runtime: Runtime, who: Visitor, id: str) -> Line:
    """One of them. Raises NotFound."""
    with runtime.db.read() as session:
        return _line(who, access.own(session, who, Invitation, id))


def listed(
    runtime: Runtime, who: Visitor, wanted: Wanted, cursor: str | None = None, limit: int = PAGE
) -> Page[Line]:
    """The latest first."""
    query = select(Invitation).where(Invitation.workspace_id == who.workspace_id, *_conditions(who, wanted))
    query = in_order(query, cursor, Invitation.created_at, Invitation.id, latest_first=True)
    with runtime.db.read() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
    shown, more = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(tuple(_line(who, row) for row in shown), more)


def contact_with(runtime: Runtime, who: Visitor, external_id: str) -> str:
    """The id of the contact whom a script knows by its own id. Raises NotFound."""
    query = select(Contact.id).where(
        Contact.workspace_id == who.workspace_id,
        Contact.external_id == external_id,
        Contact.erased_at.is_(None),
    )
    with runtime.db.read() as session:
        found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def _conditions(who: Visitor, wanted: Wanted) -> list[ColumnElement[bool]]:
    given = (
        (Invitation.survey_id, wanted.survey),
        (Invitation.schedule_id, wanted.schedule),
        (Invitation.contact_id, wanted.contact),
    )
    found: list[ColumnElement[bool]] = [column == value for column, value in given if value is not None]
    if wanted.state is not None:
        shown = case((Invitation.state == "answered", "sent"), else_=Invitation.state)
        found.append((shown if who.is_people else Invitation.state) == wanted.state)
    return found


def _line(who: Visitor, row: Invitation) -> Line:
    # In a people workspace no state tells who took part; the rows do not know it, and this makes sure.
    state = "sent" if who.is_people and row.state == "answered" else row.state
    return Line(
        id=row.id,
        survey=row.survey_id,
        contact=row.contact_id,
        schedule=row.schedule_id,
        state=state,
        reason=row.reason,
        until=row.until,
        channel=row.channel,
        created_at=row.created_at,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
    )
