"""/contacts: the people who may be asked."""

import dataclasses
from typing import Literal

from pydantic import Field

from app.domain.access import Role
from app.errors import Conflict, Forbidden
from app.services import connect_links, erasure, timeline
from app.services import contacts as people
from app.services.contact_rows import Card
from app.services.contact_search import Sought
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import (
    Body,
    Channel,
    Id,
    MetricName,
    Moment,
    Paged,
    PageOf,
    Resource,
    Scalar,
    Word,
    absent,
)

Kind = Literal["customer", "employee"]
Basis = Literal["consent", "contract", "legitimate_interest", "legal_obligation", "none"]
OptOutKind = Literal["own_wish", "bounce", "legal", "erasure", "complaint"]

contacts = noun("Contacts", "The people who may be asked: customers, or employees in a people workspace.")


class ContactBody(Body):
    """What is sent of a contact. Null or an empty text empties a field; an absent one stays."""

    external_id: str | None = Field(None, description="Your own id of this person.")
    name: str | None = None
    email: str | None = None
    phone: str | None = Field(
        None, description="With its country (+55…), else read by the workspace's time zone."
    )
    telegram_chat_id: str | None = None
    kind: Kind = absent("By default the workspace's.")
    locale: str | None = Field(None, description="A language tag, as pt-BR, en or es.")
    time_zone: str | None = Field(None, description="An IANA zone, as America/Sao_Paulo.")
    preferred_channel: Channel | None = Field(
        None, description="Comes first where a schedule’s terms say `their_channel_first`."
    )
    attributes: dict[str, Scalar] = absent("Facts by name; null takes one away.")
    tags: list[str] = absent("All of them, in small letters; what is not named goes.")
    active: bool = absent("Who is inactive is not asked.")
    lawful_basis: Basis = absent("By default the workspace's; with `none` never asked.")
    source: str | None = Field(None, description="Where you know this person from.")


class Contact(Resource):
    """A person who may be asked."""

    id: str
    external_id: str | None
    name: str
    email: str | None
    phone: str | None = Field(description="E.164.")
    telegram_chat_id: str | None
    kind: Kind
    locale: str | None
    time_zone: str | None
    preferred_channel: Channel | None
    attributes: dict[str, Scalar]
    tags: list[str]
    active: bool
    lawful_basis: Basis
    source: str | None
    created_at: Moment
    updated_at: Moment


class ContactsQuery(Paged):
    """Which contacts."""

    search: Word = Field("", description="Words that stand in name, addresses or external id.")
    show: Literal["active", "inactive", "opted_out", "all"] = "all"
    segment: Id | None = Field(None, description="Those whom this segment means.")
    tag: Word | None = Field(None, description="Those who carry it.")


class Line(Resource):
    """Something said in a chat, by them or by us."""

    at: Moment
    ours: bool
    text: str
    state: str


class Happening(Resource):
    """One moment of a person's timeline; which fields it has depends on its kind."""

    at: Moment
    id: str
    kind: Literal[
        "added",
        "asked",
        "held_back",
        "rerouted",
        "reminded",
        "talked",
        "answered",
        "changed",
        "followed_up",
        "opted_out",
        "opted_in",
    ]
    survey: str | None = Field(None, description="Its name.")
    metric: MetricName = absent()
    channel: str | None = None
    state: str = absent()
    reason: str | None = Field(None, description="Why not.")
    until: Moment | None = None
    address: str = absent("Where a message did not arrive.")
    instead: str = absent("The channel that was taken then.")
    score: int = absent()
    band: str = absent()
    comment: str | None = None
    contact_me: bool = absent()
    counted: bool = absent()
    followup: str = absent("The id of the follow-up.")
    step: str = absent()
    actor: str | None = None
    text: str | None = None
    cause: OptOutKind = absent()
    origin: str = absent()
    evidence: str | None = None
    lines: list[Line] = absent("What was said in a chat, in its order.")


def one(call: Call, id: str) -> Card:
    return people.one(call.runtime, call.who, id)


@contacts.post("/contacts", "contacts:write", one, Contact, 200)
def put_contact(call: Call, body: ContactBody) -> Made:
    """Create a contact, or update the one that is meant.

    Meant is who has the same `external_id`; else exactly one with the same e-mail, then the same phone.
    Several with the address: 409. Absent fields stay as they are. 201 created, 200 updated.
    """
    card, is_new = people.upsert(call.runtime, call.who, body.given(), call.once)
    return Made(card.id, 201 if is_new else 200)


@contacts.get("/contacts", "contacts:read", PageOf[Contact])
def list_contacts(call: Call, query: ContactsQuery) -> object:
    """Contacts, by name."""
    found = people.find(
        call.runtime,
        call.who,
        Sought(query.search, query.show, query.segment, query.tag),
        cursor=query.cursor,
        limit=query.limit,
    )
    return {"items": [line.contact for line in found.items], "next_cursor": found.next_cursor}


@contacts.get("/contacts/{id}", "contacts:read", Contact)
def get_contact(call: Call, id: str) -> Card:
    """One contact."""
    return one(call, id)


@contacts.patch("/contacts/{id}", "contacts:write", Contact)
def edit_contact(call: Call, id: str, body: ContactBody) -> Card:
    """Change what is sent of a contact; what is absent stays."""
    people.edit(call.runtime, call.who, id, body.given())
    return one(call, id)


@contacts.delete("/contacts/{id}", "contacts:write")
def erase_contact(call: Call, id: str) -> None:
    """Erase a person for good.

    Name, addresses, attributes and words go; counts stay, and that they must not be asked. A key made by an
    agent may not. What members got about them by mail, or typed in Telegram, is out of our reach.
    """
    if not call.who.role.reaches(Role.MANAGER):
        raise Forbidden
    erasure.erase(call.runtime, call.who, id)


class TelegramLink(Resource):
    """Where this person presses START; it works once."""

    url: str
    expires_at: Moment


def told_once(call: Call, id: str) -> object:
    raise Conflict("A one-time link is not shown twice. Ask for a new one.")


@contacts.post("/contacts/{id}/telegram-link", "contacts:write", told_once, TelegramLink)
def telegram_link(call: Call, id: str) -> Made:
    """A one-time link that connects this person's Telegram. 409 where no bot is set up."""
    link = connect_links.for_contact(call.runtime, call.who, id, call.once)
    return Made(id, shown={"url": link.url, "expires_at": link.expires_at})


@contacts.get("/contacts/{id}/timeline", "contacts:read", PageOf[Happening])
def contact_timeline(call: Call, id: str, query: Paged) -> object:
    """Everything that happened to a contact, the latest first.

    Every ask, message, answer and follow-up, and why they were not asked.
    """
    page = timeline.timeline(call.runtime, call.who, id, query.cursor, query.limit)
    items = [{**dataclasses.asdict(moment), "kind": moment.kind} for moment in page.items]
    return {"items": items, "next_cursor": page.next_cursor}
