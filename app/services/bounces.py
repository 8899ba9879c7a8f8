"""Bounces of a person's mailbox, number and chat, and the word that it works again, which alone lifts one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.domain.contacts import read_evidence
from app.errors import Invalid, problem
from app.models import Contact, OptOut
from app.runtime import Runtime
from app.services import audit, contact_rows, holding, lifting, opt_outs
from app.services.access import Visitor

CHANNELS = ("email", "sms", "whatsapp")  # a chat that they blocked they open themselves
SHOWN = ("email", "sms")  # one for each address


def since(session: Session, contact: Contact) -> Mapping[str, datetime]:
    """A step: their addresses that bounce, by a channel that uses each, with the moment since when."""
    keys = {contact.key_on(channel): channel for channel in SHOWN if contact.key_on(channel)}
    rows = session.execute(
        select(OptOut.address_key, func.max(OptOut.created_at))
        .where(
            OptOut.workspace_id == contact.workspace_id,
            OptOut.address_key.in_(list(keys)),
            OptOut.kind == "bounce",
            OptOut.lifted_at.is_(None),
        )
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
        bounced = select(opt_outs.is_bounced(channel)).where(Contact.id == contact.id)
        key = contact.key_on(channel)
        if key is None or not session.scalar(bounced):
            return
        now, here = runtime.clock(), OptOut.workspace_id == who.workspace_id
        lifting.lift(session, here, *_of(key), now=now, evidence=proof, of=contact.id)
        audit.note(session, who, now, "contact.reachable_again", contact.id, channel=channel)


def open_again(session: Session, key: str, now: datetime) -> None:
    """A step: a chat that had shut us out pressed START, so it is open to whoever writes there."""
    lifting.lift(session, *_of(key), now=now, evidence="START in the chat")


def _of(key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OptOut.address_key == key, OptOut.kind == "bounce"
