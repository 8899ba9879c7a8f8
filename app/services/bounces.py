"""Bounces of a person's mailbox and number, and the word that it works again: nothing else lifts one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from app.domain.contacts import read_evidence
from app.errors import Invalid, problem
from app.models import Contact, OptOut
from app.runtime import Runtime
from app.services import audit, contact_rows, holding, journal
from app.services.access import Visitor

CHANNELS = ("email", "sms", "whatsapp")  # a chat that they blocked they open themselves
SHOWN = ("email", "sms")  # one for each address


def since(session: Session, contact: Contact) -> Mapping[str, datetime]:
    """A step: their addresses that bounce, by a channel that uses each, with the moment since when."""
    keys = {contact.key_on(channel): channel for channel in SHOWN if contact.key_on(channel)}
    rows = session.execute(
        select(OptOut.address_key, func.max(OptOut.created_at))
        .where(*_standing(contact), OptOut.address_key.in_(list(keys)))
        .group_by(OptOut.address_key)
    )
    return {keys[key]: at for key, at in rows}


def reachable_again(runtime: Runtime, who: Visitor, contact_id: str, channel: str, evidence: str) -> None:
    """Somebody knows that the address on this channel works, and how. Twice changes nothing.

    It holds for everybody in the workspace who has it. Raises NotFound; Invalid without evidence, or for a
    channel that has no bounces.
    """
    if channel not in CHANNELS:
        message = "%(channel)s has no bounces: only e-mail, SMS and WhatsApp do."
        raise Invalid([problem("channel", message, channel=channel[:40])])
    if not evidence.strip():
        raise Invalid([problem("evidence", "Say how you know that it works.")])
    proof = read_evidence(evidence)
    with runtime.db.write() as session:
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        now = runtime.clock()
        if _lift(session, contact, channel, now, proof):
            audit.note(session, who, now, "contact.reachable_again", contact.id, channel=channel)


def _lift(session: Session, contact: Contact, channel: str, now: datetime, proof: str) -> bool:
    """Was there any? The words stand with the person, whatever becomes of the address."""
    if (key := contact.key_on(channel)) is None:
        return False
    whose = func.coalesce(OptOut.contact_id, contact.id)
    lifting = (
        update(OptOut)
        .where(*_standing(contact), OptOut.address_key == key)
        .values(lifted_at=now, lifted_evidence=proof, contact_id=whose)
        .returning(OptOut.id)
    )
    ids = session.scalars(lifting).all()
    journal.lifted(session, ids, now)
    return bool(ids)


def _standing(contact: Contact) -> tuple[ColumnElement[bool], ...]:
    here = OptOut.workspace_id == contact.workspace_id
    return here, OptOut.kind == "bounce", OptOut.lifted_at.is_(None)
