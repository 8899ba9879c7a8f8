"""The steps that undo an import: some people at a time, each forgotten by the import once it is done.

Whom it created and nobody has touched or asked since is put away; what it changed of others is put back
where it is still so. Opt-outs stay. Of whom was put away a mark is kept: the corrected file brings them back.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from app.domain.contacts import search_text
from app.domain.import_undoing import ATTRIBUTES, BASIS, BROUGHT_BACK, VALUES, WINDOW, put_back
from app.models import ConsentChange, Contact, ContactImport, FollowUp, ImportPerson, Invitation
from app.services import access, bases
from app.services.asking_terms import COUNTED
from app.services.many_rows import rows_with

ENDED = ("done", "stopped", "failed")
OVER = ("undoing", "undone")
DID = ("created", "updated", "unchanged")  # what became of whom an import met, until that is undone
PUT_AWAY = "put_away"  # the mark, instead of what became of them in the file


def until(session: Session, each: ContactImport, now: datetime) -> datetime | None:
    """Until when this import can be undone; None when it cannot be, or not any more.

    One that found everybody as they are as well: while it stands, it keeps whom an earlier file brought.
    """
    if each.ended_at is None or each.state not in ENDED or each.ended_at + WINDOW <= now:
        return None
    if not (each.created or each.updated or each.unchanged):
        return None
    did = select(ImportPerson.row).where(ImportPerson.import_id == each.id, ImportPerson.outcome.in_(DID))
    return each.ended_at + WINDOW if session.scalar(did.limit(1)) is not None else None


def later(session: Session, each: ContactImport) -> Sequence[str]:
    """A step: the other files of the workspace that were taken since, and stand."""
    others = select(ContactImport.id).where(
        ContactImport.workspace_id == each.workspace_id,
        ContactImport.id != each.id,
        ContactImport.state.not_in(OVER),
        or_(ContactImport.ended_at.is_(None), ContactImport.ended_at >= each.started_at),
    )
    return session.scalars(others).all()


def fresh(session: Session, each: ContactImport, others: Collection[str]) -> int:
    """A step: how many of whom it created nobody has touched since, nor named in one of these other files.

    Each file's people are read once, whatever their number: not each person in each file.
    """
    met = select(ImportPerson.contact_id)
    came = met.where(ImportPerson.import_id == each.id, ImportPerson.outcome == "created")
    theirs = came.except_(met.where(ImportPerson.import_id.in_(others))) if others else came
    count = select(func.count()).select_from(Contact).where(Contact.id.in_(theirs), *_untouched())
    return session.scalar(count) or 0


def _fresh_among(session: Session, each: ContactImport, ids: Collection[str]) -> set[str]:
    """The same of a few."""
    found = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), *_untouched())))
    named = select(ImportPerson.contact_id).where(
        ImportPerson.import_id.in_(later(session, each)), ImportPerson.contact_id.in_(found)
    )
    return found - set(session.scalars(named))


def _untouched() -> tuple[ColumnElement[bool], ...]:
    """Of a contact whom an import created: nobody has changed, asked or followed them up since."""
    asked = select(Invitation.id).where(Invitation.contact_id == Contact.id, Invitation.state.in_(COUNTED))
    followed = select(FollowUp.id).where(FollowUp.contact_id == Contact.id)
    return (
        Contact.revision == 1,
        Contact.updated_at == Contact.created_at,
        Contact.erased_at.is_(None),
        ~asked.exists(),
        ~followed.exists(),
    )


def put_away(session: Session, workspace_id: str, contacts: Iterable[Contact]) -> frozenset[str]:
    """A step: those of them who are inactive only because an import was undone; nobody touched them since."""
    revisions = {row.id: row.revision for row in contacts if not row.active}
    marks = select(ImportPerson.contact_id, ImportPerson.changes).where(*_marks(workspace_id))
    found = rows_with(session, marks, ImportPerson.contact_id, revisions)
    return frozenset(
        row.contact_id for row in found if row.changes["revision"][1] == revisions[row.contact_id]
    )


def forget_marks(session: Session, workspace_id: str, ids: Collection[str]) -> None:
    """A step: these people are inactive for another reason by now."""
    if ids:
        session.execute(delete(ImportPerson).where(*_marks(workspace_id), ImportPerson.contact_id.in_(ids)))


def _marks(workspace_id: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    undone = select(ContactImport.id).where(
        ContactImport.workspace_id == workspace_id, ContactImport.state.in_(OVER)
    )
    return ImportPerson.import_id.in_(undone), ImportPerson.outcome == PUT_AWAY


def take_back(session: Session, each: ContactImport, after: str, most: int, now: datetime) -> Sequence[str]:
    """A step: the next of its people after this one, in their order; nobody at the end.

    Only the marks of whom it puts away are kept: whoever knows how far it came walks past them no more.
    """
    workspace = access.hold_workspace(session, each.workspace_id)  # who is meant has one decider
    left = ImportPerson.import_id == each.id, ImportPerson.outcome.is_distinct_from(PUT_AWAY)
    query = (
        select(ImportPerson).where(*left, ImportPerson.contact_id > after).order_by(ImportPerson.contact_id)
    )
    met = session.scalars(query.limit(most)).all()
    ids = [person.contact_id for person in met]
    people = select(Contact).where(Contact.id.in_(ids), Contact.workspace_id == workspace.id)
    rows = {row.id: row for row in session.scalars(people.order_by(Contact.id).with_for_update())}
    had = {row.id: bases.keys_of(row) for row in rows.values()}
    untouched, proven = _fresh_among(session, each, ids), _proven_since(session, each, ids)
    without: list[Contact] = []
    gone: list[str] = []
    for person in met:
        row = rows.get(person.contact_id)
        if person.outcome == "created":
            if row is not None and row.id in untouched:
                _put_away(person, row, {"active": False}, now)
                each.put_away += 1
                gone.append(row.id)
            else:
                each.left_alone += 1
        elif person.outcome == "updated" and row is not None and row.erased_at is None:
            before = row.lawful_basis
            stays = BASIS if row.id in proven else ()
            each.put_back += _restore(session, person, row, now, stays)
            if row.lawful_basis != before:  # it was none before the file
                bases.log(session, row, before, now, bases.UNDONE)
                without.append(row)
    session.flush()
    bases.without(session, workspace.id, without, now)
    bases.given(session, workspace.id, gone, now, bases.UNDONE)  # what it said of them holds nobody
    bases.reach(session, workspace.id, rows.values(), had, now)
    session.execute(delete(ImportPerson).where(*left, ImportPerson.contact_id.in_(ids)))
    return ids


def _proven_since(session: Session, each: ContactImport, ids: Collection[str]) -> set[str]:
    """Those of them whose basis somebody recorded with its proof since: it is not the file's any more."""
    noted = select(ConsentChange.contact_id).where(
        ConsentChange.at > each.started_at,
        ConsentChange.evidence.is_not(None),
        ConsentChange.evidence != bases.UNDONE,
    )
    return {row.contact_id for row in rows_with(session, noted, ConsentChange.contact_id, ids)}


def _put_away(person: ImportPerson, row: Contact, values: dict[str, object], now: datetime) -> None:
    before = row.revision
    _touch(row, values, now)
    person.outcome, person.changes = PUT_AWAY, {"revision": [before, row.revision]}


def _restore(
    session: Session, person: ImportPerson, row: Contact, now: datetime, stays: Collection[str]
) -> bool:
    """What the import changed of them is as it was, where it still is as it became. Was there any?"""
    changed: dict[str, object] = person.changes or {}
    values = put_back(changed, {name: getattr(row, name) for name in (*VALUES, ATTRIBUTES)}, stays)
    wanted = values.get("external_id")
    if wanted is not None and session.scalar(
        select(Contact.id).where(Contact.workspace_id == row.workspace_id, Contact.external_id == wanted)
    ):
        del values["external_id"]  # somebody else has it by now
    for name, column in (("email", Contact.email_key), ("phone", Contact.phone_key)):
        key = values.get(column.key)
        if key is not None and _is_somebodys(session, row, column == key, values):
            del values[name], values[column.key]
    if BROUGHT_BACK in changed and values.get("active") is False:
        _put_away(person, row, values, now)
    elif values:
        _touch(row, values, now)
    return bool(values)


def _is_somebodys(
    session: Session, row: Contact, has_address: ColumnElement[bool], values: dict[str, object]
) -> bool:
    """Has somebody else that address by now? Two external ids make two people, even behind one address."""
    others = select(Contact.id).where(
        Contact.workspace_id == row.workspace_id, Contact.id != row.id, has_address
    )
    if values.get("external_id", row.external_id):
        others = others.where(Contact.external_id.is_(None))
    return session.scalar(others.limit(1)) is not None


def _touch(row: Contact, values: dict[str, object], now: datetime) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.search_name = search_text(row.name, row.email, row.phone, row.external_id)
    row.revision += 1
    row.updated_at = now
