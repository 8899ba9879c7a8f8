"""The steps that undo an import: some people at a time, each forgotten by the import once it is done.

Whom it created and nobody has touched or asked since is put away; what it changed of others is put back
where it is still so. Opt-outs stay. Of whom was put away a mark is kept: the corrected file brings them back.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.contacts import search_text
from app.domain.import_undoing import ATTRIBUTES, BROUGHT_BACK, VALUES, WINDOW, put_back
from app.models import Contact, ContactImport, FollowUp, ImportPerson, Invitation
from app.services import access, bases
from app.services.asking_terms import COUNTED
from app.services.many_rows import rows_with

ENDED = ("done", "stopped", "failed")
OVER = ("undoing", "undone")
PUT_AWAY = "put_away"  # the mark, instead of what became of them in the file


def until(session: Session, each: ContactImport, now: datetime) -> datetime | None:
    """Until when this import can be undone; None when it cannot be, or not any more."""
    if each.ended_at is None or each.state not in ENDED or each.ended_at + WINDOW <= now:
        return None
    if not each.created and not each.updated:
        return None
    did = select(ImportPerson.row).where(
        ImportPerson.import_id == each.id, ImportPerson.outcome.in_(("created", "updated"))
    )
    return each.ended_at + WINDOW if session.scalar(did.limit(1)) is not None else None


def untouched(each: ContactImport) -> ColumnElement[bool]:
    """Of a contact whom this import created: nobody has changed, asked or followed them up since.

    Nor was another file taken that names them, and stands.
    """
    met, other = aliased(ImportPerson), aliased(ContactImport)
    named = (
        select(met.row)
        .join(other, other.id == met.import_id)
        .where(
            met.contact_id == Contact.id,
            other.workspace_id == each.workspace_id,
            other.id != each.id,
            other.state.not_in(OVER),
            or_(other.ended_at.is_(None), other.ended_at >= each.started_at),  # the others came before
        )
    )
    asked = select(Invitation.id).where(Invitation.contact_id == Contact.id, Invitation.state.in_(COUNTED))
    followed = select(FollowUp.id).where(FollowUp.contact_id == Contact.id)
    return (
        (Contact.revision == 1)
        & (Contact.updated_at == Contact.created_at)
        & Contact.erased_at.is_(None)
        & ~or_(asked.exists(), followed.exists(), named.exists())
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


def take_back(session: Session, each: ContactImport, most: int, now: datetime) -> int:
    """A step: some of its people; how many, 0 at the end. Only the marks of whom it puts away are kept."""
    workspace = access.hold_workspace(session, each.workspace_id)  # who is meant has one decider
    left = ImportPerson.import_id == each.id, ImportPerson.outcome.is_distinct_from(PUT_AWAY)
    query = select(ImportPerson).where(*left).order_by(ImportPerson.contact_id)
    met = session.scalars(query.limit(most)).all()
    ids = [person.contact_id for person in met]
    people = select(Contact).where(Contact.id.in_(ids), Contact.workspace_id == workspace.id)
    rows = {row.id: row for row in session.scalars(people.order_by(Contact.id).with_for_update())}
    fresh = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), untouched(each))))
    without: list[Contact] = []
    gone: list[str] = []
    for person in met:
        row = rows.get(person.contact_id)
        if person.outcome == "created":
            if row is not None and row.id in fresh:
                _put_away(person, row, {"active": False}, now)
                each.put_away += 1
                gone.append(row.id)
            else:
                each.left_alone += 1
        elif person.outcome == "updated" and row is not None and row.erased_at is None:
            before = row.lawful_basis
            each.put_back += _restore(session, person, row, now)
            if row.lawful_basis != before:  # it was none before the file
                bases.log(session, row, before, now, bases.UNDONE)
                without.append(row)
    session.flush()
    bases.without(session, workspace.id, without, now)
    bases.given(
        session, workspace.id, gone, now, bases.UNDONE
    )  # what it said of whom it brought holds nobody
    session.execute(delete(ImportPerson).where(*left, ImportPerson.contact_id.in_(ids)))
    return len(met)


def _put_away(person: ImportPerson, row: Contact, values: dict[str, object], now: datetime) -> None:
    before = row.revision
    _touch(row, values, now)
    person.outcome, person.changes = PUT_AWAY, {"revision": [before, row.revision]}


def _restore(session: Session, person: ImportPerson, row: Contact, now: datetime) -> bool:
    """What the import changed of them is as it was, where it still is as it became. Was there any?"""
    changed: dict[str, object] = person.changes or {}
    values = put_back(changed, {name: getattr(row, name) for name in (*VALUES, ATTRIBUTES)})
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
