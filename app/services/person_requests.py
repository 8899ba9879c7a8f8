"""What people asked of us about themselves, and by when it has to be done (N03)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.errors import Invalid, problem
from app.models import Contact, PersonRequest, new_id
from app.models.privacy import REQUESTS
from app.runtime import Runtime
from app.services import access, audit, contact_rows
from app.services.access import Visitor

DUE = timedelta(days=15)  # LGPD, article 19, II; the month of the GDPR is longer
KINDS = REQUESTS
SHOWN = 200  # open ones on the page; nobody honest has as many


@dataclass(frozen=True)
class Request:
    """One of them, as people read it."""

    id: str
    contact_id: str
    name: str
    kind: str
    received_at: datetime
    due_at: datetime
    done_at: datetime | None


def receive(runtime: Runtime, who: Visitor, contact_id: str, kind: str) -> str:
    """Somebody asked today: its id. The same twice while it is open is one request. Raises Invalid."""
    if kind not in REQUESTS:
        raise Invalid([problem("kind", "Choose what they ask for.")])
    now = runtime.clock()
    with runtime.db.write() as session:
        contact = contact_rows.load(session, who, contact_id, lock=True)
        same = PersonRequest.contact_id == contact.id, PersonRequest.kind == kind
        standing = select(PersonRequest.id).where(*same, PersonRequest.done_at.is_(None))
        if (already := session.scalars(standing).first()) is not None:
            return already
        request = PersonRequest(
            id=new_id(), workspace_id=who.workspace_id, contact_id=contact.id, kind=kind, received_at=now,
            due_at=now + DUE,
        )  # fmt: skip
        session.add(request)
        audit.note(session, who, now, "contact.request_received", contact.id, kind=kind)
        return request.id


def finish(runtime: Runtime, who: Visitor, id: str) -> None:
    """It is done. Twice is harmless."""
    with runtime.db.write() as session:
        request = access.own(session, who, PersonRequest, id, lock=True)
        if request.done_at is None:
            request.done_at = runtime.clock()
            audit.note(
                session, who, runtime.clock(), "contact.request_done", request.contact_id, kind=request.kind
            )


def waiting(runtime: Runtime, who: Visitor) -> tuple[Request, ...]:
    """Those that are open, the one that is due first on top."""
    with runtime.db.read() as session:
        mine = PersonRequest.workspace_id == who.workspace_id
        query = select(PersonRequest, Contact).join(Contact, Contact.id == PersonRequest.contact_id)
        query = query.where(mine, PersonRequest.done_at.is_(None))
        rows = session.execute(query.order_by(PersonRequest.due_at, PersonRequest.id).limit(SHOWN)).all()
        return tuple(_request(*row) for row in rows)


def of(session: Session, contact: Contact) -> tuple[Request, ...]:
    """A step: every request of this person, the latest first."""
    query = select(PersonRequest).where(PersonRequest.contact_id == contact.id)
    rows = session.scalars(query.order_by(PersonRequest.received_at.desc(), PersonRequest.id))
    return tuple(_request(row, contact) for row in rows)


def done(session: Session, contact_id: str, now: datetime, *kinds: str) -> None:
    """A step: what they asked for was done just now; without kinds, all of it."""
    theirs = update(PersonRequest).where(
        PersonRequest.contact_id == contact_id,
        PersonRequest.done_at.is_(None),
        PersonRequest.kind.in_(kinds or REQUESTS),
    )
    session.execute(theirs.values(done_at=now))


def overdue(session: Session, now: datetime) -> int:
    """A step: how many wait longer than the law allows, in the whole installation."""
    late = PersonRequest.done_at.is_(None), PersonRequest.due_at < now
    return session.scalar(select(func.count()).select_from(PersonRequest).where(*late)) or 0


def _request(row: PersonRequest, contact: Contact) -> Request:
    return Request(row.id, row.contact_id, contact.label, row.kind, row.received_at, row.due_at, row.done_at)
