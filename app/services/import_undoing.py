"""Undoing an import: what it would do in numbers, and its beginning; the steps: import_taking_back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.errors import Conflict, Unavailable
from app.models import ContactImport, ImportPerson
from app.runtime import Runtime
from app.services import access, audit, import_jobs, import_taking_back
from app.services.access import Visitor
from app.services.in_time import in_time
from app.services.once import Once

AT_ONCE = 300  # people: so few are taken back while somebody waits


@dataclass(frozen=True)
class Undoing:
    """What undoing would do now; None for `until`: it cannot be undone, or not any more."""

    id: str
    file_name: str
    until: datetime | None
    put_away: int | None  # created by it, touched and asked by nobody; None: to count them takes too long
    changed: int  # whose values are put back, where nobody has changed them since
    left_alone: int | None  # created by it, and touched, asked or named by another file since
    unchanged: int = 0  # whom it named as they were: it only lets go of them
    is_followed: bool = False  # were other files taken since, which keep whom they name?
    created: int = 0

    @property
    def is_possible(self) -> bool:
        return self.until is not None

    @property
    def is_only_known(self) -> bool:
        """Has it found everybody as they were? Undoing it lets earlier files be undone, and no more."""
        return self.unchanged > 0 and not (self.created or self.changed)


def foretell(runtime: Runtime, who: Visitor, id: str) -> Undoing:
    """What undoing this import would do. Raises NotFound."""
    with runtime.db.read() as session:
        return _foretold(session, access.own(session, who, ContactImport, id), runtime.clock())


def undo(runtime: Runtime, who: Visitor, id: str, put_away: int | None, once: Once | None = None) -> None:
    """Undo it; `put_away` is the number that was confirmed, or None as it was told. Twice changes nothing.

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
        if told.put_away is not None and told.put_away != put_away:
            raise Conflict("The people have changed meanwhile. Look at the numbers again.")
        each.state, each.ended_at, each.problem = "undoing", None, None
        each.failures, each.progressed_at = 0, now
        people = None if told.put_away is None else told.put_away + told.changed
        audit.note(session, who, now, "contact.import_undone", id, people=people)
        small = told.created + told.changed + told.unchanged <= AT_ONCE
    if small:
        import_jobs.finish(runtime, id)


def _foretold(session: Session, each: ContactImport, now: datetime) -> Undoing:
    until = import_taking_back.until(session, each, now)
    if until is None:
        return Undoing(each.id, each.file_name, None, 0, 0, 0)
    outcomes = select(ImportPerson.outcome, func.count()).where(ImportPerson.import_id == each.id)
    counted = dict(session.execute(outcomes.group_by(ImportPerson.outcome)).all())
    created, others = counted.get("created", 0), import_taking_back.later(session, each)
    put_away = _counted(session, each, others) if created else 0
    return Undoing(
        id=each.id,
        file_name=each.file_name,
        until=until,
        put_away=put_away,
        changed=counted.get("updated", 0),
        left_alone=None if put_away is None else created - put_away,
        unchanged=counted.get("unchanged", 0),
        is_followed=bool(others),
        created=created,
    )


def _counted(session: Session, each: ContactImport, others: Collection[str]) -> int | None:
    try:
        with in_time(session):
            return import_taking_back.fresh(session, each, others)
    except Unavailable:
        return None
