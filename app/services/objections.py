"""Whom the law forbids to ask: they object, somebody orders it, or no lawful basis is left (in `opt_outs`).

By person and by address, so that no file under another name and no older copy asks them; START lifts none.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from app.domain.contacts import read_evidence
from app.errors import Invalid, problem
from app.models import Contact, OptOut
from app.runtime import Runtime
from app.services import audit, bases, contact_rows, holding, lifting, opt_outs
from app.services.access import Visitor
from app.services.once import Once
from app.services.opt_outs import Standing


def object_to(
    runtime: Runtime,
    who: Visitor,
    contact_id: str,
    *,
    origin: str,
    evidence: str,
    once: Once | None = None,
) -> None:
    """They must not be asked, on no channel, whatever they say in a chat. Twice changes nothing.

    Raises Invalid where nobody says how we know.
    """
    if not evidence.strip():
        raise Invalid([problem("evidence", "Say who objects or forbids it, when, and on which ground.")])
    proof = read_evidence(evidence)
    with runtime.db.write() as session:
        if once:
            once.keep(session, contact_id)
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        _record(session, contact, origin, runtime.clock(), proof)
        audit.note(session, who, runtime.clock(), "contact.objected", contact.id)


def lift(runtime: Runtime, who: Visitor, contact_id: str, evidence: str) -> None:
    """What was objected holds no more, and how we know. A basis that was withdrawn stays so.

    Twice changes nothing. Raises Invalid without evidence.
    """
    if not evidence.strip():
        raise Invalid([problem("evidence", "Say why it does not hold any more, and since when.")])
    proof, now = read_evidence(evidence), runtime.clock()
    with runtime.db.write() as session:
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        objections = lifting.theirs(contact), OptOut.kind == "legal", ~bases.is_left_by_a_basis()
        lifting.lift(session, *objections, now=now, evidence=proof, of=contact.id)
        audit.note(session, who, now, "contact.objection_lifted", contact.id)


def is_one(each: Standing) -> bool:
    """Does this stand, is it theirs to end, and is it more than what a withdrawn basis leaves?"""
    is_basis = each.origin in bases.ORIGINS
    return each.lifted_at is None and each.kind == "legal" and not is_basis and not each.is_anothers


def _record(session: Session, contact: Contact, origin: str, now: datetime, evidence: str) -> None:
    opt_outs.record(
        session, contact.workspace_id, contact.id, bases.keys_of(contact),
        kind="legal", origin=origin, now=now, evidence=evidence,
    )  # fmt: skip
