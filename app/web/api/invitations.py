"""/invitations: asking one person now, and what became of everybody who was asked."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from app.rendering.look_words import now_words
from app.rendering.words import REASON_SENTENCES
from app.services import asking
from app.services import invitations as rows
from app.services.invitations import Wanted
from app.web.api.asks import reader
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Channel, Id, Moment, Paged, PageOf, Query, Resource, absent

invitations = noun("Invitations", "One contact asked one survey once: its state, or the reason why not.")

State = Literal[
    "planned", "queued", "sending", "sent", "delivered", "unknown",
    "answered", "expired", "failed", "skipped", "cancelled",
]  # fmt: skip
CONTACT_SCHEMA = {
    "oneOf": [
        {"type": "string", "description": "The contact's id."},
        {
            "type": "object",
            "properties": {"external_id": {"type": "string"}},
            "required": ["external_id"],
            "additionalProperties": False,
        },
    ]
}


def _read_contact(value: object) -> object:
    own_id = (
        isinstance(value, dict) and set(value) == {"external_id"} and isinstance(value["external_id"], str)
    )
    if not own_id and not isinstance(value, str):
        raise ValueError("Give the id of a contact, or an object with its external_id.")
    return value


ContactRef = Annotated[Any, BeforeValidator(_read_contact), WithJsonSchema(CONTACT_SCHEMA)]


class Ask(Body):
    """Whom to ask, and the channels to try, in their order."""

    contact: ContactRef
    channels: list[Channel] = absent("By default e-mail.")


class Invitation(Resource):
    """One contact asked one survey once. In people workspaces the state ends at sent or delivered."""

    id: str
    survey: str
    contact: str
    schedule: str | None
    state: State
    reason: str | None = Field(description=f"Why not. {', '.join(REASON_SENTENCES)}.")
    until: Moment | None = Field(description="When the reason passes, if it does by itself.")
    channel: str | None
    created_at: Moment
    sent_at: Moment | None
    expires_at: Moment


class InvitationsQuery(Paged):
    """Which invitations."""

    survey: Id | None = None
    schedule: Id | None = None
    contact: Id | None = None
    state: State | None = None


class Eligibility(Resource):
    """May this person be asked now; if not, why, and until when."""

    eligible: bool
    reason: str | None
    until: Moment | None
    explanation: str = Field(description="In the language of Accept-Language, else in the workspace's.")


class EligibilityQuery(Query):
    """Who is meant."""

    contact: Id


def one(call: Call, id: str) -> object:
    return rows.get(call.runtime, call.who, id)


@invitations.post("/surveys/{id}/invitations", "invitations:write", one, Invitation)
def ask_contact(call: Call, id: str, body: Ask) -> Made:
    """Ask one contact this survey now, if they may be asked; the state says what came of it.

    A survey that was never published: 409. e-NPS is asked in pulses: 422.
    """
    contact = body.contact
    if isinstance(contact, dict):
        contact = rows.contact_with(call.runtime, call.who, contact["external_id"])
    channels = body.given().get("channels", ("email",))
    return Made(asking.ask(call.runtime, call.who, id, contact, channels, once=call.once))


@invitations.get("/surveys/{id}/eligibility", "invitations:read", Eligibility)
def may_ask_contact(call: Call, id: str, query: EligibilityQuery) -> object:
    """May this contact be asked this survey now?"""
    told = asking.eligibility(call.runtime, call.who, id, query.contact)
    return {
        "eligible": told.reason is None,
        "reason": told.reason,
        "until": told.until,
        "explanation": now_words(reader(call.who), told, call.who.time_zone),
    }


@invitations.get("/invitations", "invitations:read", PageOf[Invitation])
def list_invitations(call: Call, query: InvitationsQuery) -> object:
    """Invitations, the latest first."""
    wanted = Wanted(query.survey, query.schedule, query.contact, query.state)
    return rows.listed(call.runtime, call.who, wanted, query.cursor, query.limit)


@invitations.get("/invitations/{id}", "invitations:read", Invitation)
def get_invitation(call: Call, id: str) -> object:
    """One invitation, as it stands now."""
    return one(call, id)
