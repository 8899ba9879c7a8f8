"""Opt-outs: rows of their own, by person and by keyed address; they win over everything and outlive all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, aliased

from app.domain.channel_choice import CHANNELS
from app.domain.contacts import read_evidence
from app.errors import Invalid, problem
from app.models import Contact, OptOut, new_id
from app.runtime import Runtime
from app.services import audit, contact_rows, holding, journal
from app.services.access import Visitor
from app.services.lifting import about, hold_others, is_anothers, lift
from app.services.once import Once

WISHES = ("own_wish", "erasure", "complaint")  # what the person's own opt-in lifts
BASIS_TOLD = "basis_told"  # the origin of what only came with somebody's data: no basis to ask them (`bases`)

LEFT = "it had only followed its person to an address that is not theirs any more"  # the end of a slip


@dataclass(frozen=True)
class Standing:
    """One opt-out as people read it. `by_person` is False for one that came with the address alone."""

    id: str
    kind: str
    origin: str
    since: datetime
    by_person: bool
    lifted_at: datetime | None = None
    evidence: str | None = None
    channel: str | None = None  # none: it holds on every one
    proof: str | None = None  # how we know that they said so
    place: str | None = None  # of a bounce: which of their addresses it is, if it is still one
    is_anothers: bool = False  # somebody else's who has this address too, and theirs alone to end
    other: str | None = None  # what they are called
    is_gone: bool = False  # of somebody who had this address, and was erased

    @property
    def is_theirs(self) -> bool:
        """Did they say it, or nobody else that we know of?"""
        return not (self.is_anothers or self.is_gone)

    @property
    def holds_everywhere(self) -> bool:
        """Does it keep them from being asked at all?"""
        return self.lifted_at is None and self.kind != "bounce" and self.channel is None


@cache  # putting it together takes longer than many a run that asks it
def is_opted_out(channel: str | None = None) -> ColumnElement[bool]:
    """For a statement over Contact: does an opt-out (no bounce) hold for them, everywhere or on this channel?

    A bounce counts for its own address only; everything else for the person and each of their addresses.
    """
    return or_(*(_holds(row, whose, _on(row, channel)) for row, whose in _looks()))


@cache
def says_no(channel: str | None = None) -> ColumnElement[bool]:
    """The same as a file of ours says it, which is read as their own wish: what came with their data is none,
    and what another living person says at their address is not theirs.
    """
    return or_(
        *(
            _holds(row, whose, _on(row, channel), row.origin != BASIS_TOLD, ~is_anothers(row, Contact.id))
            for row, whose in _looks()
        )
    )


def _looks() -> Iterator[tuple[type[OptOut], ColumnElement[bool]]]:
    """One look by person and one by address: together in one OR, SQLite would read every opt-out there is."""
    by_person, by_address = aliased(OptOut), aliased(OptOut)
    yield by_person, by_person.contact_id == Contact.id
    yield by_address, by_address.address_key.in_((Contact.email_key, Contact.phone_key, Contact.telegram_key))


def _on(row: type[OptOut], channel: str | None) -> ColumnElement[bool]:
    return row.channel.is_(None) if channel is None else row.channel == channel


def _holds(row: type[OptOut], *which: ColumnElement[bool]) -> ColumnElement[bool]:
    standing = row.workspace_id == Contact.workspace_id, row.lifted_at.is_(None), row.kind != "bounce"
    return select(row.id).where(*standing, *which).exists()


@cache
def is_bounced(channel: str = "email") -> ColumnElement[bool]:
    """For a statement over Contact: has this very mailbox bounced, is this number or chat closed to us?"""
    row = aliased(OptOut)
    return (
        select(row.id)
        .where(
            row.workspace_id == Contact.workspace_id,
            row.address_key == Contact.key_of(channel),
            row.kind == "bounce",
            row.lifted_at.is_(None),
        )
        .exists()
    )


def among(session: Session, workspace_id: str, address_keys: Iterable[str]) -> frozenset[str]:
    """Those of these addresses that an opt-out (no bounce) stands for."""
    standing = select(OptOut.address_key).where(
        OptOut.workspace_id == workspace_id,
        OptOut.lifted_at.is_(None),
        OptOut.kind != "bounce",
        OptOut.channel.is_(None),
        OptOut.address_key.in_(list(address_keys)),
    )
    return frozenset(key for key in session.scalars(standing) if key)


def of(runtime: Runtime, who: Visitor, contact_id: str) -> tuple[Standing, ...]:
    """Every opt-out of a contact, those that were lifted included, newest first. Raises NotFound."""
    with runtime.db.read() as session:
        return standings(session, contact_rows.load(session, who, contact_id))


def opt_out(
    runtime: Runtime,
    who: Visitor,
    contact_id: str,
    origin: str,
    once: Once | None = None,
    *,
    channel: str | None = None,
    evidence: str = "",
) -> None:
    """The person does not want to be asked any more, on no channel or not on this one. Twice changes nothing.

    Raises Invalid for what is no channel.
    """
    if channel is not None and channel not in CHANNELS:
        raise Invalid([problem("channel", "%(channel)s is not a channel.", channel=channel[:40])])
    proof = read_evidence(evidence) if evidence.strip() else None
    with runtime.db.write() as session:
        if once:
            once.keep(session, contact_id)
        contact = holding.hold(session, contact_rows.load(session, who, contact_id))
        record(
            session, contact.workspace_id, contact.id,
            (contact.email_key, contact.phone_key, contact.telegram_key),
            kind="own_wish", origin=origin, now=runtime.clock(), channel=channel, evidence=proof,
        )  # fmt: skip
        audit.note(session, who, runtime.clock(), "contact.opted_out", contact.id, channel=channel or "all")


def opt_in(runtime: Runtime, who: Visitor, contact_id: str, evidence: str) -> None:
    """The person's own word that they may be asked again, with how we know it.

    Lifts no bounce and no legal block. Raises Invalid without evidence.
    """
    proof = read_evidence(evidence)
    with runtime.db.write() as session:
        contact = contact_rows.load(session, who, contact_id)
        hold_others(session, contact, about(contact), OptOut.kind.in_(WISHES))
        contact = holding.hold(session, contact)
        wishes = about(contact), OptOut.kind.in_(WISHES)
        lift(session, *wishes, now=runtime.clock(), evidence=proof, of=contact.id)
        audit.note(session, who, runtime.clock(), "contact.opted_in", contact.id)


def record(
    session: Session,
    workspace_id: str,
    contact_id: str | None,
    address_keys: Iterable[str | None],
    *,
    kind: str,
    origin: str,
    now: datetime,
    channel: str | None = None,
    evidence: str | None = None,
) -> None:
    """A step: one row for each address, or one for the person alone; those that stand already are left."""
    keys: list[str | None] = [key for key in dict.fromkeys(address_keys) if key]
    whose: ColumnElement[bool] = OptOut.address_key.in_(keys)
    if contact_id is not None:  # else it would be every row that has no contact
        whose = or_(OptOut.contact_id == contact_id, whose)
    standing = select(OptOut.contact_id, OptOut.address_key).where(
        OptOut.workspace_id == workspace_id,
        OptOut.kind == kind,
        OptOut.channel.is_not_distinct_from(channel),
        OptOut.lifted_at.is_(None),
        whose,
        # Of the law's each ends without the other; and what only followed them there may end as they leave
        *([OptOut.origin == origin, ~OptOut.followed] if kind == "legal" else []),
    )
    known = {(row.contact_id, row.address_key) for row in session.execute(standing)}
    addresses = {key for _, key in known}
    rows = [
        OptOut(
            id=new_id(), workspace_id=workspace_id, contact_id=contact_id, address_key=key, kind=kind,
            origin=origin, channel=channel, evidence=evidence, created_at=now,
        )
        for key in keys or [None]
        if (contact_id, key) not in known and not (contact_id is None and key in addresses)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    journal.opted_out(session, rows)


def standings(session: Session, contact: Contact) -> tuple[Standing, ...]:
    """Every opt-out of this person or their addresses, those that were lifted included, newest first."""
    other = aliased(Contact)
    someone_else = and_(other.id == OptOut.contact_id, other.id != contact.id)
    found = select(OptOut, other).outerjoin(other, someone_else)
    found = found.where(about(contact), ~_was_a_slip(contact))
    places = {contact.email_key: "email", contact.phone_key: "phone", contact.telegram_key: "telegram"}
    seen: dict[tuple[object, ...], Standing] = {}
    for row, whose in session.execute(found.order_by(OptOut.created_at.desc(), OptOut.id)):
        lives = whose is not None and whose.erased_at is None
        standing = Standing(
            row.id, row.kind, row.origin, row.created_at, row.contact_id == contact.id, row.lifted_at,
            row.lifted_evidence, row.channel, row.evidence,
            place=places.get(row.address_key) if row.kind == "bounce" and row.address_key else None,
            is_anothers=lives, other=whose.label if lives else None, is_gone=whose is not None and not lives,
        )  # fmt: skip
        # One wish is a row for each address; people read it once.
        same = row.kind, row.origin, row.created_at, row.lifted_at, row.channel, standing.place
        seen.setdefault((*same, whose and whose.id), standing)
    return tuple(seen.values())


def _was_a_slip(contact: Contact) -> ColumnElement[bool]:
    """It ended as its person turned out to have another address, and says nothing of whoever has this one."""
    another = OptOut.contact_id.is_distinct_from(contact.id)
    slip = or_(another, OptOut.lifted_evidence.is_not_distinct_from(LEFT))
    return and_(OptOut.followed, OptOut.lifted_at.is_not(None), slip)
