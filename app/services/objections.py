"""Whom the law forbids to ask: they object, somebody orders it, or no lawful basis is left (in `opt_outs`).

By person and by address, so that no file under another name and no older copy asks them; START lifts none.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from app.models import Contact, OptOut
from app.services import opt_outs

BASIS = "basis"  # the origin of what a withdrawn basis leaves; another basis ends that, and no objection


def basis_is(session: Session, contact: Contact, now: datetime, evidence: str) -> None:
    """A step: this is their basis now. With none left nobody asks them, and with another one we may again."""
    if contact.lawful_basis == "none":
        _record(session, contact, BASIS, now, evidence)
    else:
        ended = _standing(contact), OptOut.origin == BASIS
        opt_outs.lift(session, *ended, now=now, evidence=evidence, of=contact.id)


def _record(session: Session, contact: Contact, origin: str, now: datetime, evidence: str) -> None:
    opt_outs.record(
        session, contact.workspace_id, contact.id,
        (contact.email_key, contact.phone_key, contact.telegram_key),
        kind="legal", origin=origin, now=now, evidence=evidence,
    )  # fmt: skip


def _standing(contact: Contact) -> ColumnElement[bool]:
    return and_(opt_outs.about(contact), OptOut.kind == "legal")
