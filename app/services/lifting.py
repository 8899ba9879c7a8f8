"""Whose an opt-out is, and the step that ends some of them: what is said of one person ends nobody else's."""

from datetime import datetime

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.models import Contact, OptOut
from app.services import journal


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
    """A step. `of`: words about this person stay with them, whatever becomes of a row's own address."""
    lifting = (
        update(OptOut)
        .where(*which, OptOut.lifted_at.is_(None))
        .values(lifted_at=now, lifted_evidence=evidence, contact_id=func.coalesce(OptOut.contact_id, of))
        .returning(OptOut.id)
    )
    journal.lifted(session, session.scalars(lifting).all(), now)
