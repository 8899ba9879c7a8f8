"""Contacts: the people who may be asked. Create, edit, find, put away; forgetting stands in erasure.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.channel_choice import CHANNELS
from app.domain.contacts import read_contact
from app.domain.eligibility import may_ask
from app.domain.metrics import Metric, metrics_for
from app.domain.their_zone import TheirZone, their_zone
from app.errors import Conflict, Invalid, Unavailable, problem
from app.models import Contact, FollowUp, Workspace
from app.runtime import Runtime
from app.services import (
    asking_terms,
    audit,
    bases,
    bounces,
    contact_lists,
    contact_rows,
    eligible,
    opt_outs,
    timeline,
)
from app.services.access import Visitor, held_workspace
from app.services.contact_lists import Listed, Listing
from app.services.contact_rows import Card, Keyed, card
from app.services.contact_search import EVERYBODY, Sought, found_by, here
from app.services.once import Once
from app.services.opt_outs import Standing
from app.services.paging import PAGE, Page
from app.services.timeline_moments import Moment

NAMES_SOMEBODY = ("name", "email", "phone", "external_id")


@dataclass(frozen=True)
class Askable:
    """May they be asked this metric now, and if not, why not and until when."""

    metric: str
    reason: str | None
    until: datetime | None


@dataclass(frozen=True)
class Sayer:
    """Whose no it is: what another is called who has the same address; no name of somebody who was erased."""

    name: str | None
    is_legal: bool


@dataclass(frozen=True)
class Detail:
    """One contact with what decides whether they may be asked, and what happened so far."""

    contact: Card
    opt_outs: tuple[Standing, ...]
    bounces: Mapping[str, datetime]  # by channel: since when what goes there comes back
    askable: tuple[Askable, ...]
    moments: Page[Moment]
    open_followup: str | None
    clock: TheirZone
    now: datetime

    @property
    def is_opted_out(self) -> bool:
        return any(each.holds_everywhere for each in self.opt_outs)

    @property
    def said_by(self) -> tuple[Sayer, ...]:
        """Where nothing of what keeps them from being asked is their own: whose it is."""
        stands = [each for each in self.opt_outs if each.holds_everywhere]
        if any(each.is_theirs for each in stands):
            return ()
        return tuple(dict.fromkeys(Sayer(each.other, each.kind == "legal") for each in stands))

    @property
    def is_objected(self) -> bool:
        """Is it for a legal reason alone that they must not be asked, whatever they wish?"""
        stands = {each.kind for each in self.opt_outs if each.holds_everywhere}
        return stands == {"legal"}

    @property
    def wishes(self) -> bool | None:
        """Of somebody who may be asked: is it their own word? None for who never said anything."""
        said = [each for each in self.opt_outs if each.kind != "bounce" and each.is_theirs]
        return any(each.lifted_at and each.kind in opt_outs.WISHES for each in said) if said else None

    @property
    def may_opt_in(self) -> bool:
        """Is there anything that the person's own word would lift?"""
        return any(each.lifted_at is None and each.kind in opt_outs.WISHES for each in self.opt_outs)


def create(runtime: Runtime, who: Visitor, raw: Mapping[str, object]) -> str:
    """Add somebody by hand; gives their id.

    Raises Invalid: a wrong field, nothing that names them, or somebody here already has the address.
    """
    with runtime.db.write() as session:
        workspace = held_workspace(session, who)  # who is meant has one decider
        person = _read(session, workspace, raw)
        _refuse_nobody(person)
        _refuse_known(session, workspace.id, person)
        row = contact_rows.new_row(person, workspace, runtime.clock())
        session.add(row)
        bases.came(session, row, person, runtime.clock())
        audit.note(session, who, runtime.clock(), "contact.created", row.id)
        return row.id


def edit(
    runtime: Runtime, who: Visitor, id: str, raw: Mapping[str, object], revision: int | None = None
) -> int:
    """Change what is given; what is absent stays, None or an empty text empties. Gives the new revision.

    Raises Conflict when somebody saved since `revision` (None: whoever comes last wins).
    """
    with runtime.db.write() as session:
        workspace = held_workspace(session, who)  # who is meant has one decider
        row = contact_rows.load(session, who, id, lock=True)
        if revision is not None and revision != row.revision:
            raise Conflict(
                "Somebody else has changed this contact since you opened it. Nothing of theirs was lost."
            )
        person = _read(session, workspace, raw)
        _refuse_known(session, workspace.id, person, but=row)
        bases.update(session, row, person, runtime.clock())
        if not any(getattr(row, name) for name in NAMES_SOMEBODY):
            raise Invalid([problem("name", "Give a name, an e-mail, a phone or an external id.")])
        audit.note(session, who, runtime.clock(), "contact.edited", id, fields=sorted(person.values))
        return row.revision


def upsert(
    runtime: Runtime, who: Visitor, raw: Mapping[str, object], once: Once | None = None
) -> tuple[Card, bool]:
    """Create or update whoever is meant; gives the contact and whether they are new.

    Matched by external id, else exactly one by e-mail, then by phone. Raises Conflict when several have
    the address, Invalid for wrong fields.
    """
    with runtime.db.write() as session:
        person, is_new = put(session, who, raw, runtime.clock())
        deed = "contact.created" if is_new else "contact.edited"
        audit.note(session, who, runtime.clock(), deed, person.id, fields=sorted(raw))
        if once:
            once.keep(session, person.id, 201 if is_new else 200)
        return person, is_new


def put(session: Session, who: Visitor, raw: Mapping[str, object], now: datetime) -> tuple[Card, bool]:
    """The step of `upsert`, for callers that commit something of their own with it."""
    workspace = held_workspace(session, who)  # who is meant has one decider
    person = _read(session, workspace, raw)
    among = contact_rows.candidates(session, workspace.id, [person], lock=True)
    found = contact_rows.matching(person, among)
    if found is not None:
        bases.update(session, found, person, now)
        return card(found), False
    _refuse_nobody(person)
    row = contact_rows.new_row(person, workspace, now)
    session.add(row)
    session.flush()
    bases.came(session, row, person, now)
    return card(row), True


def set_active(runtime: Runtime, who: Visitor, id: str, active: bool) -> None:
    """Put somebody away, or take them back; who is inactive is not asked. Twice changes nothing."""
    with runtime.db.write() as session:
        row = contact_rows.load(session, who, id, lock=True)
        if row.active != active:
            row.active = active
            row.revision += 1
            row.updated_at = runtime.clock()
            deed = "contact.taken_back" if active else "contact.put_away"
            audit.note(session, who, runtime.clock(), deed, id)


def one(runtime: Runtime, who: Visitor, id: str) -> Card:
    """A contact. Raises NotFound."""
    with runtime.db.read() as session:
        return card(contact_rows.load(session, who, id))


def detail(runtime: Runtime, who: Visitor, id: str, cursor: str | None = None) -> Detail:
    """The page of a contact, in one snapshot. Raises NotFound."""
    now = runtime.clock()
    with runtime.db.read() as session:
        row = contact_rows.load(session, who, id)
        return Detail(
            contact=card(row),
            opt_outs=opt_outs.standings(session, row),
            bounces=bounces.since(session, row),
            askable=tuple(
                _askable(session, runtime, row, metric) for metric in metrics_for(who.workspace_kind)
            ),
            moments=timeline.page(session, who, row, now, cursor=cursor),
            open_followup=_open_followup(session, row),
            clock=their_zone(row.time_zone, row.phone, who.time_zone, now),
            now=now,
        )


def _askable(session: Session, runtime: Runtime, row: Contact, metric: Metric) -> Askable:
    ask = asking_terms.asking(session, runtime, row.workspace_id, metric, channels=CHANNELS)
    verdict = may_ask(eligible.facts(session, ask, row.id), ask.rest, ask.now)
    return Askable(metric.value, verdict.reason, verdict.until)


def _open_followup(session: Session, row: Contact) -> str | None:
    """The one that has waited longest."""
    waiting = select(FollowUp.id).where(FollowUp.contact_id == row.id, FollowUp.closed_at.is_(None))
    return session.scalars(waiting.order_by(FollowUp.opened_at).limit(1)).first()


def find(
    runtime: Runtime,
    who: Visitor,
    sought: Sought = EVERYBODY,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Listed]:
    """Contacts by name. Raises NotFound for a segment that is not here; Unavailable if it takes too long."""
    with runtime.db.read() as session:
        found = found_by(session, runtime, who, sought)
        return contact_lists.page_of(session, who, found, sought.show, cursor=cursor, limit=limit)


def listing(
    runtime: Runtime, who: Visitor, sought: Sought = EVERYBODY, *, cursor: str | None = None
) -> Listing:
    """The list as a page: some contacts, and how many of each kind are found, if that is quick.

    Raises NotFound for a segment that is not here.
    """
    with runtime.db.read() as session:
        found = found_by(session, runtime, who, sought)
        counts = contact_lists.counts_of(session, who, found)
        somebody = select(Contact.id).where(*here(who)).limit(1)
        anybody = bool(counts and counts["all"]) or session.scalar(somebody) is not None
        try:
            number = counts[sought.show] if counts else None
            page = contact_lists.page_of(
                session, who, found, sought.show, cursor=cursor, limit=PAGE, number=number
            )
        except Unavailable:
            page = None
        return Listing(page, counts, anybody)


def _read(session: Session, workspace: Workspace, raw: Mapping[str, object]) -> Keyed:
    return contact_rows.keyed(session, read_contact(raw, contact_rows.region_of(workspace)))


def _refuse_nobody(person: Keyed) -> None:
    if not any(person.values.get(name) for name in NAMES_SOMEBODY):
        raise Invalid([problem("name", "Give a name, an e-mail, a phone or an external id.")])


def _refuse_known(session: Session, workspace_id: str, person: Keyed, but: Contact | None = None) -> None:
    """Nobody is here twice; two external ids make two people, even behind one address."""
    external_id = person.values.get("external_id", but.external_id if but else None)
    problems = []
    for row in contact_rows.candidates(session, workspace_id, [person]):
        if row is but:
            continue
        name = card(row).label
        if external_id and row.external_id == external_id:
            problems.append(problem("external_id", "%(name)s has this external id already.", name=name))
        elif not (external_id and row.external_id):
            if _newly_shares("email_key", person, row, but):
                problems.append(problem("email", "%(name)s has this e-mail already.", name=name))
            if _newly_shares("phone_key", person, row, but):
                problems.append(problem("phone", "%(name)s has this phone already.", name=name))
    if problems:
        raise Invalid(problems)


def _newly_shares(column: str, person: Keyed, row: Contact, but: Contact | None) -> bool:
    """An address that was shared before is only sent back by the form as it was given."""
    key = getattr(person, column)
    return bool(key) and getattr(row, column) == key and not (but and getattr(but, column) == key)
