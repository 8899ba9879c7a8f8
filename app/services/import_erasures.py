"""Who is erased while a file is being taken: a later row of it may name them, and brings nobody back.

Of an erasure that came before or after, their opt-out speaks, and files that wait are gone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import Contact, ContactImport, ImportErasure, new_id
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


def _form(external_id: str) -> str:
    """No address looks like this."""
    return f"external id {external_id}"
