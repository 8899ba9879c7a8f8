"""The steps of every door by which somebody's lawful basis changes: the log, and a no that outlives the row.

With no basis nobody asks them, under no other name either and after no restore: so it is a row of `opt_outs`,
by person and by address. What was recorded with its proof ends with a proof; what only came with their data
ends with their data, and for them alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select
from sqlalchemy.orm import Session

from app.models import ConsentChange, Contact, Message, OptOut, new_id
from app.services import contact_rows, journal, lifting, opt_outs
from app.services.contact_rows import Keyed
from app.services.import_opt_outs import Silenced, silence
from app.services.many_rows import insert_many, rows_with
from app.services.opt_outs import BASIS_TOLD, LEFT

PROVEN = "basis"  # the origin of what was recorded with its proof
ORIGINS = (PROVEN, BASIS_TOLD)
UNDONE = "an import was undone"  # the evidence of a basis that is again what it was before
GIVEN = "a basis came with their data"


def changed(session: Session, contact: Contact, before: str, now: datetime, evidence: str) -> None:
    """Another basis with its proof: it ends whatever a withdrawn one left of theirs, also at the address."""
    log(session, contact, before, now, evidence)
    if contact.lawful_basis == "none":
        opt_outs.record(
            session, contact.workspace_id, contact.id, keys_of(contact),
            kind="legal", origin=PROVEN, now=now, evidence=evidence,
        )  # fmt: skip
    else:
        left = lifting.theirs(contact), is_left_by_a_basis()
        lifting.lift(session, *left, now=now, evidence=evidence, of=contact.id)


def update(session: Session, contact: Contact, person: Keyed, now: datetime) -> None:
    """Take over what was said of somebody by hand, by API or with an event; a basis is recorded."""
    before, keys = contact.lawful_basis, keys_of(contact)
    contact_rows.update_row(contact, person, now)
    session.flush()
    if keys_of(contact) != keys:  # first: what is told again with another address only follows them there
        reach(session, contact.workspace_id, [contact], {contact.id: keys}, now)
    came(session, contact, person, now)
    if contact.lawful_basis != before:
        log(session, contact, before, now)
        if before == "none":
            given(session, contact.workspace_id, [contact.id], now, GIVEN)


def came(session: Session, contact: Contact, person: Keyed, now: datetime) -> None:
    """Of somebody new, or not: a workspace's own default says nothing of anybody, what was said does."""
    if person.values.get("lawful_basis") == "none":
        without(session, contact.workspace_id, [contact], now)


def without(session: Session, workspace_id: str, contacts: Iterable[Contact], now: datetime) -> None:
    """They have no basis, and nobody says how we know."""
    silent(session, workspace_id, [Silenced(each.id, keys_of(each)) for each in contacts], now)


def silent(session: Session, workspace_id: str, people: Sequence[Silenced], now: datetime) -> None:
    """The same of people whose rows are written in bulk."""
    silence(session, workspace_id, people, now, kind="legal", origin=BASIS_TOLD)


def given(session: Session, workspace_id: str, ids: Collection[str], now: datetime, evidence: str) -> None:
    """They have a basis again: what only came with their data ends, and nobody else's with it."""
    standing = select(OptOut.id).where(
        OptOut.workspace_id == workspace_id, OptOut.origin == BASIS_TOLD, OptOut.lifted_at.is_(None)
    )
    ended = [row.id for row in rows_with(session, standing, OptOut.contact_id, ids)]
    if ended:
        lifting.lift(session, OptOut.id.in_(ended), now=now, evidence=evidence)


def reach(
    session: Session,
    workspace_id: str,
    contacts: Iterable[Contact],
    had: Mapping[str, Collection[object]],
    now: datetime,
) -> None:
    """What the law says of these people holds for each address of theirs, whatever addresses they had before.

    Where it only followed them it ends as they leave that address, unless something left for them there: a
    slip of the pen silences nobody whose it is. What the journal brought to an address that this copy never
    knew of them stays. Of whom was erased meanwhile nothing ends: they left no address, we forgot it.
    """
    here = {each.id: each for each in contacts if each.erased_at is None}
    stands = follow(session, workspace_id, list(here.values()))
    left = [
        row
        for row in stands
        if row.followed
        and row.address_key in had[row.contact_id]
        and row.address_key not in keys_of(here[row.contact_id])
    ]
    _leave(session, left, now)


def follow(session: Session, workspace_id: str, contacts: Collection[Contact]) -> Sequence[Row[Any]]:
    """The part of it that ends nothing: the same no, as old, with the same proof. Gives what stood before."""
    said = OptOut.workspace_id, OptOut.contact_id, OptOut.origin, OptOut.evidence, OptOut.created_at
    legal = select(*said, OptOut.address_key, OptOut.id, OptOut.followed).where(
        OptOut.workspace_id == workspace_id, OptOut.kind == "legal", OptOut.lifted_at.is_(None)
    )
    stands = rows_with(session, legal, OptOut.contact_id, [each.id for each in contacts])
    known = {(row.contact_id, row.origin, row.address_key) for row in stands}
    keys = {each.id: [key for key in keys_of(each) if key] for each in contacts}
    rows = [
        {**one._mapping, "id": new_id(), "kind": "legal", "address_key": key, "followed": True}
        for one in {(row.contact_id, row.origin): row for row in stands}.values()
        for key in keys[one.contact_id]
        if (one.contact_id, one.origin, key) not in known
    ]
    insert_many(session, OptOut, rows)
    journal.opted_out(session, (OptOut(**row) for row in rows))
    return stands


def _leave(session: Session, rows: Sequence[Row[Any]], now: datetime) -> None:
    """End these, unless something was ever sent to their person there: then it was theirs."""
    sent = select(Message.contact_id, Message.address_key).where(Message.sent_at.is_not(None))
    found = rows_with(session, sent, Message.contact_id, {row.contact_id for row in rows})
    theirs = {(row.contact_id, row.address_key) for row in found}
    ended = [row.id for row in rows if (row.contact_id, row.address_key) not in theirs]
    if ended:
        lifting.lift(session, OptOut.id.in_(ended), now=now, evidence=LEFT)


def log(session: Session, row: Contact, before: str, now: datetime, evidence: str | None = None) -> None:
    """The basis is another one from now on. What it is at first stands with the person."""
    session.add(
        ConsentChange(
            id=new_id(), workspace_id=row.workspace_id, contact_id=row.id, at=now, before=before,
            lawful_basis=row.lawful_basis, source=row.source, evidence=evidence,
        )
    )  # fmt: skip


def is_left_by_a_basis() -> ColumnElement[bool]:
    """Of an opt-out: did a basis leave it that was withdrawn or never there?"""
    return and_(OptOut.kind == "legal", OptOut.origin.in_(ORIGINS))


def keys_of(contact: Contact) -> tuple[str | None, ...]:
    """Their keyed addresses on every channel."""
    return contact.email_key, contact.phone_key, contact.telegram_key
