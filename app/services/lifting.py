"""Whose an opt-out is, and the step that ends some of them: what is said of one person ends nobody else's."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, SQLColumnExpression, and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.db import is_postgresql
from app.models import Contact, OptOut, new_id
from app.services import holding, journal

SOMEBODY = ""  # whose word it is where nobody knows: none of the people there


def about(contact: Contact) -> ColumnElement[bool]:
    """Of this person, or of an address of theirs."""
    keys = [key for key in (contact.email_key, contact.phone_key, contact.telegram_key) if key]
    return and_(
        OptOut.workspace_id == contact.workspace_id,
        or_(OptOut.contact_id == contact.id, OptOut.address_key.in_(keys)),
    )


def theirs(contact: Contact) -> ColumnElement[bool]:
    """The same without what is another living person's at that address: the law protects each alone."""
    return and_(about(contact), ~is_anothers(OptOut, contact.id))


def is_anothers(row: type[OptOut], person: SQLColumnExpression[str] | str) -> ColumnElement[bool]:
    """Of an opt-out: is it a living person's, and not this one's?"""
    other = aliased(Contact)
    lives = other.id == row.contact_id, other.id != person, other.erased_at.is_(None)
    return select(other.id).where(*lives).correlate_except(other).exists()


def lift(
    session: Session, *which: ColumnElement[bool], now: datetime, evidence: str, of: str | None = None
) -> None:
    """A step. `of`: whose word it is, or whom it is about: what it ends is theirs from now on, and so are the
    words, whatever becomes of its address. What another living person said there goes on holding for them;
    of SOMEBODY, what any of them said.
    """
    standing = [*which, OptOut.lifted_at.is_(None)]
    ended: dict[str, object] = {"lifted_at": now, "lifted_evidence": evidence}
    if of is not None:
        standing.append(OptOut.id.in_(_left_to_others(session, standing, of)))
        ended["contact_id"] = of or None
    lifting = update(OptOut).where(*standing).values(ended).returning(OptOut.id)
    journal.lifted(session, session.scalars(lifting).all(), now)


def hold_others(session: Session, contact: Contact, *which: ColumnElement[bool]) -> None:
    """A step before `lift`, in the order of all who hold many: them, and whoever else said some of this."""
    holding.those_held(session, {contact.id, *_others(session, which, contact.id)})


def _left_to_others(session: Session, which: Sequence[ColumnElement[bool]], of: str) -> list[str]:
    """Those of these rows that may end: what others said at the address stays with them, as people."""
    there = holding.those_held(session, _others(session, which, of))
    ends: list[str] = []
    kept: dict[tuple[object, ...], OptOut] = {}
    for row, anothers in _held(session, which, of):
        if anothers and row.kind != "bounce":
            if row.contact_id not in there:
                continue  # said at this very moment
            kept.setdefault((row.contact_id, row.kind, row.channel), _without_address(row))
            row.evidence = None
        ends.append(row.id)
    session.add_all(kept.values())
    session.flush()
    journal.opted_out(session, kept.values())
    return ends


def _held(session: Session, which: Sequence[ColumnElement[bool]], of: str) -> Sequence[Row[OptOut, bool]]:
    """These rows, and whether they are another's; they stay until the transaction ends.

    Whoever waits here waits for another's yes, which ends what they wait for and leaves a row to them: it is
    looked for until nothing came meanwhile.
    """
    query = select(OptOut, is_anothers(OptOut, of)).where(*which).order_by(OptOut.created_at, OptOut.id)
    rows = session.execute(query.with_for_update(of=OptOut)).all()
    while is_postgresql(session):
        before = {row.id for row, _ in rows}
        rows = session.execute(query.with_for_update(of=OptOut)).all()
        if {row.id for row, _ in rows} == before:
            break
    return rows


def _others(session: Session, which: Sequence[ColumnElement[bool]], of: str) -> set[str]:
    standing = OptOut.lifted_at.is_(None), OptOut.kind != "bounce", is_anothers(OptOut, of)
    found = session.scalars(select(OptOut.contact_id).where(*which, *standing).distinct())
    return {id for id in found if id is not None}


def _without_address(row: OptOut) -> OptOut:
    same = ("workspace_id", "contact_id", "kind", "channel", "origin", "evidence", "created_at")
    return OptOut(id=new_id(), **{name: getattr(row, name) for name in same})
