"""The consent log: on which basis a person may be asked, since when, from which source, and how we know."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.contacts import read_evidence, read_lawful_basis, read_line
from app.models import ConsentChange, Contact
from app.runtime import Runtime
from app.services import audit, bases, contact_rows, objections, opt_outs, person_requests
from app.services.access import Visitor
from app.services.contact_rows import Card, card
from app.services.once import Once
from app.services.opt_outs import Standing
from app.services.person_requests import Request


@dataclass(frozen=True)
class Basis:
    """From this moment on they may be asked on this basis; the first one came with them."""

    since: datetime
    lawful_basis: str
    source: str | None
    evidence: str | None


@dataclass(frozen=True)
class Record:
    """What is owed to one person: why they may be asked, what they do not want, what they asked of us."""

    contact: Card
    bases: tuple[Basis, ...]  # the latest first
    opt_outs: tuple[Standing, ...]  # no bounces: nobody said those
    requests: tuple[Request, ...]

    @property
    def has_objection(self) -> bool:
        """Does one stand that an owner may lift?"""
        return any(objections.is_one(each) for each in self.opt_outs)


def record(runtime: Runtime, who: Visitor, contact_id: str) -> Record:
    """Raises NotFound."""
    with runtime.db.read() as session:
        contact = contact_rows.load(session, who, contact_id)
        said = tuple(each for each in opt_outs.standings(session, contact) if each.kind != "bounce")
        return Record(card(contact), _bases(session, contact), said, person_requests.of(session, contact))


def change(
    runtime: Runtime,
    who: Visitor,
    contact_id: str,
    lawful_basis: str,
    *,
    source: str,
    evidence: str,
    once: Once | None = None,
) -> None:
    """Another basis from now on, with how we know. Raises Invalid for no basis, or none of the evidence.

    None at all holds for their addresses as well, whatever a file says of them.
    """
    basis = read_lawful_basis("lawful_basis", lawful_basis)
    where, proof = read_line("source", source) or None, read_evidence(evidence)
    now = runtime.clock()
    with runtime.db.write() as session:
        contact = contact_rows.load(session, who, contact_id, lock=True)
        if once:
            once.keep(session, contact.id)
        before = contact.lawful_basis
        contact.lawful_basis, contact.source = basis, where or contact.source
        contact.revision += 1
        contact.updated_at = now
        bases.changed(session, contact, before, now, proof)
        audit.note(session, who, now, "contact.basis_changed", contact.id, before=before, basis=basis)


def _bases(session: Session, contact: Contact) -> tuple[Basis, ...]:
    query = select(ConsentChange).where(ConsentChange.contact_id == contact.id)
    rows = session.scalars(query.order_by(ConsentChange.at.desc(), ConsentChange.id)).all()
    first = rows[-1].before if rows else contact.lawful_basis
    source = contact.source if not rows else None
    return (
        *(Basis(row.at, row.lawful_basis, row.source, row.evidence) for row in rows),
        Basis(contact.created_at, first, source, None),
    )
