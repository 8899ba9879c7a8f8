"""/complaints: who told their mail program or provider that what we sent is spam."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.services import complaints as verbs
from app.services.complained_about import Named
from app.services.complaints import Told
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Channel, Moment, Paged, PageOf, Resource, absent

complaints = noun(
    "Complaints", "People who called what they got spam: they are not asked there again, and it is counted."
)


class ComplaintBody(Body):
    """What a provider's feedback says. One of message_id, provider_id and address says which message."""

    channel: Channel = Field("email", description="Where it reached them.")
    message_id: str = absent("The Message-ID of our mail, as it stands in its headers.")
    provider_id: str = absent("The provider's own name for the message.")
    address: str = absent("The person's: it is about the newest that went there in 60 days.")
    complained_at: Moment = absent("By default now.")
    external_id: str = absent("Your own id of it, at most 200 characters: told twice, it is still one.")
    evidence: str = absent("How you know. Kept as proof with their opt-out.")


class Complaint(Resource):
    """One complaint. The ask stays asked: a complaint is no failure."""

    id: str
    contact: str | None
    channel: Channel
    invitation: str | None = Field(description="What they had been asked; null where nobody knows.")
    schedule: str | None = Field(description="Whose run asked them: too many complaints pause it.")
    source: Literal["api", "console", "report", "provider"]
    complained_at: Moment
    recorded_at: Moment


def one(call: Call, id: str) -> object:
    return verbs.get(call.runtime, call.who, id)


@complaints.post("/complaints", "contacts:write", one, Complaint, 200)
def tell_complaint(call: Call, body: ComplaintBody) -> Made:
    """Tell of a complaint: 201 when it is new, 200 when it is known.

    They are not asked on this channel any more, until their own word. What names no message or person of
    this workspace: 422.
    """
    given = body.given()
    named = Named(
        channel=body.channel,
        **{name: given[name] for name in ("message_id", "provider_id", "address") if name in given},
    )
    at: datetime | None = given.get("complained_at")
    told = Told(named, "api", at, given.get("external_id", ""), given.get("evidence", ""))
    id, is_new = verbs.record(call.runtime, call.who, told, call.once)
    return Made(id, 201 if is_new else 200)


@complaints.get("/complaints", "contacts:read", PageOf[Complaint])
def list_complaints(call: Call, query: Paged) -> object:
    """Every complaint, the latest first."""
    return verbs.listed(call.runtime, call.who, query.cursor, query.limit)
