"""Who is erased while a file is being taken: a later row of it may name them, and brings nobody back.

Of an erasure that came before or after, their opt-out speaks, and files that wait are gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import Session

from app.errors import Problem
from app.models import Contact, ContactImport, ImportErasure, ImportPart, ImportReject, new_id
from app.services.address_keys import address_key, keyer
from app.services.contact_rows import Keyed, Marks


class Gone(NamedTuple):
    """What is left of somebody to recognise them by: keyed hashes."""

    external_key: str | None
    email_key: str | None
    phone_key: str | None


@dataclass(frozen=True)
class Erased:
    """The people who were erased since an import began."""

    people: Sequence[Gone]
    key_of: Callable[[str], str]

    def may_stand_in(self, person: Keyed, found: Marks | None) -> bool:
        """May a row be about one of them? `found` is whom it means of those who are here.

        With another external id it is somebody else, whatever address they share. Without one it may be
        them, also where somebody else has that address: nobody's row is given their name.
        """
        if not self.people:
            return False
        id = person.values.get("external_id")
        if id and found is not None and found.external_id == id:
            return False  # somebody who came with it since
        external_key = self.key_of(_form(id)) if id else None
        given = {person.email_key, person.phone_key} - {None}
        return any(
            external_key == each.external_key
            if external_key and each.external_key
            else not given.isdisjoint((each.email_key, each.phone_key))
            for each in self.people
        )


def gone(session: Session, contact: Contact) -> Gone:
    """What to keep of somebody who is about to be forgotten."""
    id = contact.external_id
    return Gone(address_key(session, _form(id)) if id else None, contact.email_key, contact.phone_key)


def note(session: Session, workspace_id: str, who: Gone) -> None:
    """A step of an erasure, once no file of theirs can begin any more without us."""
    running = select(ContactImport.id).where(
        ContactImport.workspace_id == workspace_id, ContactImport.state == "importing"
    )
    if any(who):
        here = session.scalars(running).all()
        session.add_all(ImportErasure(id=new_id(), import_id=id, **who._asdict()) for id in here)


def during(session: Session, import_id: str) -> Erased:
    """A step, once whom the next rows mean is held: an erasure of theirs has ended, or waits for us."""
    columns = ImportErasure.external_key, ImportErasure.email_key, ImportErasure.phone_key
    found = session.execute(select(*columns).where(ImportErasure.import_id == import_id))
    return Erased([Gone(*row) for row in found], keyer(session))


def forget(session: Session, import_id: str) -> int:
    """A step: the import is over. How many they were."""
    over = delete(ImportErasure).where(ImportErasure.import_id == import_id).returning(ImportErasure.id)
    return len(session.scalars(over).all())


def may_hold(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    """Of an import: is there something of it that may be about somebody erased then whom nobody here knows?

    A copy from before they came holds the file that brought them, perhaps in the middle of being taken.
    """
    id = ContactImport.id
    waits = ContactImport.ended_at.is_(None) & (ContactImport.state != "undoing")
    rows = (select(of.import_id).where(of.import_id == id).exists() for of in (ImportPart, ImportReject))
    came = ContactImport.workspace_id == workspace_id, ContactImport.created_at <= before
    return and_(*came, or_(waits, *rows))


def take_away(session: Session, which: ColumnElement[bool], why: Problem, now: datetime) -> int:
    """A step: these files go, and what is being taken of them ends here. How many they were."""
    found = session.scalars(select(ContactImport).where(which).order_by(ContactImport.id).with_for_update())
    files = found.all()
    for each in files:
        if each.ended_at is None and each.state != "undoing":
            each.state, each.ended_at = "stopped", now
            each.lease_token = each.lease_until = None
            each.problem = {"field": why.field, "message": why.message, "params": why.params}
    session.flush()
    ids = [each.id for each in files]
    for model in (ImportPart, ImportReject, ImportErasure):
        session.execute(delete(model).where(model.import_id.in_(ids)))
    return len(files)


def _form(external_id: str) -> str:
    """No address looks like this."""
    return f"external id {external_id}"
