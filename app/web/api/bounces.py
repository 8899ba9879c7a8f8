"""/bounces: which of our mail came back, as a relay's webhook tells."""

from pydantic import Field

from app.services import returned_mail as verbs
from app.services.returned_mail import Told
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Channel, Moment, Paged, PageOf, Resource, absent

bounces = noun("Bounces", "Mail that was taken by a relay and came back: it failed, and it is counted.")


class BounceBody(Body):
    """What a relay's webhook says. One of message_id and provider_id says which message."""

    message_id: str = absent("The Message-ID of our mail, as it stands in its headers.")
    provider_id: str = absent("The relay's own name for the message.")
    status: str = absent("Enhanced status (RFC 3463), such as 5.1.1. Only an address that is none is closed.")
    diagnostic: str = absent("What the server said.")


class Bounce(Resource):
    """A message that came back."""

    id: str = Field(description="Ours, as in its Message-ID.")
    contact: str | None
    channel: Channel
    invitation: str | None
    reason: str | None
    closes_address: bool = Field(description="Nothing is tried there any more, until somebody says it works.")
    asked_at: Moment


def one(call: Call, id: str) -> object:
    return verbs.get(call.runtime, call.who, id)


@bounces.post("/bounces", "contacts:write", one, Bounce, 200)
def tell_bounce(call: Call, body: BounceBody) -> Made:
    """Tell of a mail that came back for good: 201 when it is new, 200 when it is known.

    Its next channel is tried once. Not for one that is only late. No message of this workspace: 422.
    """
    given = body.given()
    told = Told(*(given.get(name, "") for name in ("message_id", "provider_id", "status", "diagnostic")))
    id, is_new = verbs.record(call.runtime, call.who, told, call.once)
    return Made(id, 201 if is_new else 200)


@bounces.get("/bounces", "contacts:read", PageOf[Bounce])
def list_bounces(call: Call, query: Paged) -> object:
    """Messages that came back and closed their address, the latest asked first."""
    return verbs.listed(call.runtime, call.who, query.cursor, query.limit)
