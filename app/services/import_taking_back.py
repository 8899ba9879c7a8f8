"""The steps that undo an import: some people at a time, each forgotten by the import once it is done.

Whom it created and nobody has touched or asked since is put away; what it changed of others is put back
where it is still so. Opt-outs stay.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from app.domain.contacts import search_text
from app.domain.import_undoing import ATTRIBUTES, VALUES, WINDOW, put_back
from app.models import Contact, ContactImport, FollowUp, ImportPerson, Invitation
from app.services import access, contact_rows
from app.services.asking_terms import COUNTED
from app.services.consents import UNDONE

ENDED = ("done", "stopped", "failed")


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


def untouched() -> ColumnElement[bool]:
    """Of a contact that an import created: nobody has changed, asked or followed them up since."""
    asked = select(Invitation.id).where(Invitation.contact_id == Contact.id, Invitation.state.in_(COUNTED))
    followed = select(FollowUp.id).where(FollowUp.contact_id == Contact.id)
    return (
        (Contact.revision == 1)
        & (Contact.updated_at == Contact.created_at)
        & Contact.erased_at.is_(None)
        & ~or_(asked.exists(), followed.exists())
    )


def take_back(session: Session, each: ContactImport, most: int, now: datetime) -> int:
    """A step: some of its people, who are then forgotten by the import; how many, 0 at the end."""
    workspace = access.hold_workspace(session, each.workspace_id)  # who is meant has one decider
    query = select(ImportPerson).where(ImportPerson.import_id == each.id).order_by(ImportPerson.contact_id)
    met = session.scalars(query.limit(most)).all()
    ids = [person.contact_id for person in met]
    people = select(Contact).where(Contact.id.in_(ids), Contact.workspace_id == workspace.id)
    rows = {row.id: row for row in session.scalars(people.order_by(Contact.id).with_for_update())}
    fresh = set(session.scalars(select(Contact.id).where(Contact.id.in_(ids), untouched())))
    for person in met:
        row = rows.get(person.contact_id)
        if person.outcome == "created":
            if row is not None and row.id in fresh:
                _touch(row, {"active": False}, now)
                each.put_away += 1
            else:
                each.left_alone += 1
        elif person.outcome == "updated" and row is not None and row.erased_at is None:
            each.put_back += _restore(session, row, person.changes or {}, now)
    session.execute(
        delete(ImportPerson).where(ImportPerson.import_id == each.id, ImportPerson.contact_id.in_(ids))
    )
    return len(met)


def _restore(session: Session, row: Contact, changed: dict[str, object], now: datetime) -> bool:
    """What the import changed of them is as it was, where it still is as it became. Was there any?"""
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
    before = row.lawful_basis
    if values:
        _touch(row, values, now)
    if row.lawful_basis != before:
        contact_rows.log_basis(session, row, before, now, UNDONE)
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
