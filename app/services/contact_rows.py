"""Steps on the rows of contacts: load, find who is meant, take over values. Verbs stand in contacts.py."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.domain.addresses import Address, default_region, written_phone
from app.domain.contacts import MAX_ATTRIBUTES, ContactValues, Scalar, search_text
from app.errors import Conflict, Invalid, NotFound, problem
from app.models import Contact, ImportPerson, Workspace, new_id
from app.services import access
from app.services.access import Visitor
from app.services.address_keys import address_key
from app.services.chat_addresses import telegram_form
from app.services.many_rows import few_with, rows_with

_PLAIN = ("name", "external_id", "kind", "locale", "time_zone", "preferred_channel", "active", "tags")
_ORIGIN = ("lawful_basis", "source")
AT_ONCE = 5_000  # looked up by their ids: a statement of PostgreSQL has at most 65,535 parameters


@dataclass(frozen=True)
class Card:
    """A contact as pages, the API and commands show it."""

    id: str
    external_id: str | None
    name: str
    label: str  # what to call somebody who may have no name
    email: str | None
    phone: str | None
    telegram_chat_id: str | None
    kind: str
    locale: str | None
    time_zone: str | None
    preferred_channel: str | None
    attributes: dict[str, Scalar]
    tags: list[str]
    active: bool
    lawful_basis: str
    source: str | None
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def phone_written(self) -> str | None:
        """The number in groups, to be read rather than dialled."""
        return written_phone(self.phone) if self.phone else None


class Marks(Protocol):
    """What somebody is recognised by."""

    @property
    def id(self) -> str: ...
    @property
    def external_id(self) -> str | None: ...
    @property
    def email_key(self) -> str | None: ...
    @property
    def phone_key(self) -> str | None: ...


Marked = TypeVar("Marked", bound=Marks)


@dataclass(frozen=True)
class Keyed:
    """What was given of a person, with the keys of their addresses."""

    values: ContactValues
    email_key: str | None
    phone_key: str | None
    telegram_key: str | None = None


def card(row: Contact) -> Card:
    """The row as a value that outlives its session."""
    return Card(**{name: getattr(row, name) for name in Card.__dataclass_fields__})


def load(session: Session, who: Visitor, id: str, *, lock: bool = False) -> Contact:
    """A contact of the visitor's workspace. Raises NotFound, also for somebody who was erased."""
    contact = access.own(session, who, Contact, id, lock=lock)
    if contact.erased_at is not None:
        raise NotFound
    return contact


def region_of(workspace: Workspace) -> str | None:
    """The country of phone numbers that do not carry one."""
    return default_region(workspace.time_zone)


def keyed(session: Session, values: ContactValues) -> Keyed:
    """The values with the keyed hashes of their addresses."""
    email, phone, chat = values.get("email"), values.get("phone"), values.get("telegram_chat_id")
    return Keyed(
        values,
        address_key(session, email.key) if email else None,
        address_key(session, phone.key) if phone else None,
        address_key(session, telegram_form(chat)) if chat else None,
    )


def candidates(
    session: Session,
    workspace_id: str,
    people: Iterable[Keyed],
    *,
    lock: bool = False,
    met_in: str | None = None,
    moved: int = 0,
) -> list[Contact]:
    """Every contact of the workspace that shares an external id or an address with one of these people.

    Of an address that very many share, as many as decide who is meant: those that were met in the import
    `met_in` among them. `moved`: so many of them are not what the database says any more. `lock` holds them,
    for whoever writes them: an erasure comes before, and they are not found, or after.
    """
    given = list(people)
    external_ids = {id for each in given if (id := each.values.get("external_id"))}
    here = select(Contact.id).where(Contact.workspace_id == workspace_id, Contact.erased_at.is_(None))
    ids = {row.id for row in rows_with(session, here, Contact.external_id, external_ids)}
    most = len(given) + moved + 2  # each of these rows may take one away; two that stay are a conflict
    for column, keys in (
        (Contact.email_key, {each.email_key for each in given if each.email_key}),
        (Contact.phone_key, {each.phone_key for each in given if each.phone_key}),
    ):
        ids |= _sharers(session, here, column, keys, most=most, met_in=met_in)
    found: list[Contact] = []
    in_order = sorted(ids)
    for place in range(0, len(in_order), AT_ONCE):
        among = Contact.id.in_(in_order[place : place + AT_ONCE])
        query = select(Contact).where(among, Contact.erased_at.is_(None)).order_by(Contact.id)
        if lock:  # in the order of all who lock many; whoever only refers to a contact passes by
            query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
        found += session.scalars(query)
    return sorted(found, key=lambda row: (row.created_at, row.id))


def _sharers(
    session: Session,
    here: Select[Any],
    column: InstrumentedAttribute[Any],
    keys: Collection[str],
    *,
    most: int,
    met_in: str | None,
) -> set[str]:
    """Who has these addresses: all, or of one that is shared by more than `most`, some of each sort.

    Whoever gives an external id is none of those that have another: so those without one are a sort. Whoever
    was met in an import stays as they are in it: one is enough.
    """
    few = few_with(session, here, column, keys, most)
    full = [key for key, found in few.items() if len(found) == most]
    sorts = [few]
    if full:
        nameless = here.where(Contact.external_id.is_(None))
        sorts.append(few_with(session, nameless, column, full, most))
        if met_in is not None:
            met = exists().where(ImportPerson.import_id == met_in, ImportPerson.contact_id == Contact.id)
            sorts += [few_with(session, each.where(met), column, full, 1) for each in (here, nameless)]
    return {id for sort in sorts for found in sort.values() for id in found}


def matching(person: Keyed, among: Iterable[Marked]) -> Marked | None:
    """Who is meant: by external id, else exactly one by e-mail, then by phone; None is somebody new.

    A contact with another external id is somebody else, whatever address they share.
    Raises Conflict when an address belongs to several.
    """
    external_id = person.values.get("external_id")
    rows = list(among)
    if external_id:
        same = [row for row in rows if row.external_id == external_id]
        if same:
            return same[0]
        rows = [row for row in rows if row.external_id is None]
    for column, key, message in (
        ("email_key", person.email_key, "Several contacts have this e-mail: give an external id."),
        ("phone_key", person.phone_key, "Several contacts have this phone: give an external id."),
    ):
        found = [row for row in rows if key and getattr(row, column) == key]
        if len(found) > 1:
            raise Conflict(message)
        if found:
            return found[0]
    return None


def new_values(id: str, person: Keyed, base: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns of a contact, for many at once; `base` holds what all of them share."""
    given = cast(dict[str, Any], person.values)
    email, phone = given.get("email"), given.get("phone")
    row = {
        **base,
        **{name: given[name] for name in (*_PLAIN, *_ORIGIN) if name in given},
        "id": id,
        "email": email.text if email else None,
        "email_key": person.email_key,
        "phone": phone.text if phone else None,
        "phone_key": person.phone_key,
        "attributes": given.get("attributes", {}),
        "created_at": now,
        "updated_at": now,
    }
    row["search_name"] = search_text(row["name"], row["email"], row["phone"], row.get("external_id"))
    return row


def new_row(person: Keyed, workspace: Workspace, now: datetime) -> Contact:
    """A contact with the workspace's defaults for what was not said. Not added to a session yet."""
    row = Contact(
        id=new_id(),
        workspace_id=workspace.id,
        name="",
        kind="employee" if workspace.kind == "people" else "customer",
        attributes={},
        tags=[],
        active=True,
        lawful_basis=workspace.lawful_basis,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    _take(row, person, (*_PLAIN, *_ORIGIN))
    return row


def update_row(row: Contact, person: Keyed, now: datetime, *, keep_origin: bool = False) -> bool:
    """Take over what was given; what is absent stays. Says whether anything changed.

    Another basis than before is for the caller to record (`bases`).

    `keep_origin` leaves lawful basis and source as they were.
    """
    origin = () if keep_origin else _ORIGIN
    if not _take(row, person, (*_PLAIN, *origin)):
        return False
    row.revision += 1
    row.updated_at = now
    return True


def _take(row: Contact, person: Keyed, names: Iterable[str]) -> bool:
    given = cast(dict[str, Any], person.values)
    changes: dict[str, Any] = {name: given[name] for name in names if name in given}
    if "email" in given:
        changes |= _address("email", given["email"], person.email_key)
    if "phone" in given:
        changes |= _address("phone", given["phone"], person.phone_key)
    if "telegram_chat_id" in given:
        changes |= {"telegram_chat_id": given["telegram_chat_id"], "telegram_key": person.telegram_key}
    if "attributes" in given:
        merged = {**(row.attributes or {}), **given["attributes"]}
        changes["attributes"] = {name: value for name, value in merged.items() if value is not None}
        if len(changes["attributes"]) > MAX_ATTRIBUTES:
            message = "A contact has at most %(most)s attributes."
            raise Invalid([problem("attributes", message, most=MAX_ATTRIBUTES)])
    changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.search_name = search_text(row.name, row.email, row.phone, row.external_id)
    return bool(changed)


def _address(name: str, address: Address | None, key: str | None) -> dict[str, str | None]:
    return {name: address.text if address else None, f"{name}_key": key}
