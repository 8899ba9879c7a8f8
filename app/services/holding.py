"""Steps that hold people while something is written about them: an erasure comes before it, or after it.

Whoever reads a person without this may wait behind an erasure at the foreign key, and then write down what
it has just made everybody forget. The lock (PostgreSQL; SQLite has one writer) is that of a foreign key: it
waits for nothing but an erasure, an edit of the person by hand, and their chat being tied.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.errors import NotFound
from app.models import Contact
from app.services.contact_rows import AT_ONCE


def hold(session: Session, contact: Contact) -> Contact:
    """The person as they are now, and stay until the transaction ends. Raises NotFound for who was erased."""
    session.refresh(contact, with_for_update={"read": True, "key_share": True})
    if contact.erased_at is not None:
        raise NotFound
    return contact


def is_held(session: Session, contact_id: str | None) -> bool:
    """The same for who holds already what an erasure takes after the person: without waiting, or not at all.

    Whoever waited here would wait for somebody who waits for them.
    """
    if contact_id is None or not is_postgresql(session):
        return True
    query = select(Contact.id).where(Contact.id == contact_id)
    held = query.with_for_update(read=True, key_share=True, skip_locked=True)
    return session.scalar(held) is not None


def those_held(session: Session, ids: Collection[str]) -> Collection[str]:
    """Of people who were read in this transaction, those who are still there; they stay until it ends."""
    if not is_postgresql(session):
        return ids
    found: set[str] = set()
    in_order = sorted(ids)
    for place in range(0, len(in_order), AT_ONCE):
        among = Contact.id.in_(in_order[place : place + AT_ONCE])
        query = select(Contact.id).where(among, Contact.erased_at.is_(None)).order_by(Contact.id)
        found |= set(session.scalars(query.with_for_update(read=True, key_share=True)))
    return found
