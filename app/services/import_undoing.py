"""Undoing an import: what it would do in numbers, and its beginning; the steps: import_taking_back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.models import Contact, ContactImport, ImportPerson
from app.runtime import Runtime
from app.services import access, audit, import_jobs, import_taking_back
from app.services.access import Visitor
from app.services.once import Once

AT_ONCE = 300  # people: so few are taken back while somebody waits


@dataclass(frozen=True)
class Undoing:
    """What undoing would do now; None for `until`: it cannot be undone, or not any more."""

    id: str
    file_name: str
    until: datetime | None
    put_away: int  # created by it, touched and asked by nobody
    changed: int  # whose values are put back, where nobody has changed them since
    left_alone: int  # created by it, and touched or asked since

    @property
    def is_possible(self) -> bool:
        return self.until is not None


def foretell(runtime: Runtime, who: Visitor, id: str) -> Undoing:
    """What undoing this import would do. Raises NotFound."""
    with runtime.db.read() as session:
        return _foretold(session, access.own(session, who, ContactImport, id), runtime.clock())


def undo(runtime: Runtime, who: Visitor, id: str, put_away: int, once: Once | None = None) -> None:
    """Undo it; `put_away` is the number that was confirmed. Twice changes nothing.

    Raises Conflict when it cannot be undone any more, or when the number is another one by now. They are
    counted before we write, for a million take a while: whoever is touched from then on is left alone.
    """
    now = runtime.clock()
    with runtime.db.read() as session:
        told = _foretold(session, access.own(session, who, ContactImport, id), now)
    with runtime.db.write() as session:
        each = access.own(session, who, ContactImport, id, lock=True)
        if once:
            once.keep(session, id)
        if each.state in ("undoing", "undone"):
            return
        if not told.is_possible or import_taking_back.until(session, each, now) is None:
            raise Conflict("This import cannot be undone any more.")
        if told.put_away != put_away:
            raise Conflict("The people have changed meanwhile. Look at the numbers again.")
        each.state, each.ended_at, each.problem = "undoing", None, None
        each.failures, each.progressed_at = 0, now
        audit.note(session, who, now, "contact.import_undone", id, people=told.put_away + told.changed)
        small = told.put_away + told.changed + told.left_alone <= AT_ONCE
    if small:
        import_jobs.finish(runtime, id)


def _foretold(session: Session, each: ContactImport, now: datetime) -> Undoing:
    until = import_taking_back.until(session, each, now)
    created = changed = put_away = 0
    if until is not None:
        theirs = ImportPerson.import_id == each.id
        outcomes = select(ImportPerson.outcome, func.count()).where(theirs).group_by(ImportPerson.outcome)
        counted = dict(session.execute(outcomes).all())
        created, changed = counted.get("created", 0), counted.get("updated", 0)
        untouched = (
            select(func.count())
            .select_from(ImportPerson)
            .join(Contact, Contact.id == ImportPerson.contact_id)
            .where(theirs, ImportPerson.outcome == "created", import_taking_back.untouched(each))
        )
        put_away = session.scalar(untouched) or 0
    return Undoing(
        id=each.id,
        file_name=each.file_name,
        until=until,
        put_away=put_away,
        changed=changed,
        left_alone=created - put_away,
    )
