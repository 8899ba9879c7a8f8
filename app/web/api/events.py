"""/events: what happened elsewhere, so that a schedule may ask about it."""

from datetime import datetime
from typing import Any

from pydantic import Field

from app.services import events as verbs
from app.services.events import Told
from app.web.api.invitations import ContactRef
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Moment, Resource, Scalar, absent

events = noun("Events", "What happened to a contact elsewhere: schedules that wait for it ask about it.")


class EventBody(Body):
    """One event. Told again with the same id and body it changes nothing."""

    id: str = Field(description="Your own id of it, unique in the workspace.")
    name: str = Field(description="As ticket.solved.")
    contact: ContactRef
    occurred_at: Moment = absent("By default now.")
    properties: dict[str, Scalar] = absent("Facts by name, for the conditions of schedules.")


class AskedFor(Resource):
    """What it means for one schedule that waits for it."""

    schedule: str
    occurrence: str
    due_at: Moment
    state: str
    reason: str | None


class Event(Resource):
    """An event, and what came of it."""

    id: str
    name: str
    contact: str
    occurred_at: Moment
    received_at: Moment
    properties: dict[str, Any]
    occurrences: list[AskedFor] = Field(description="Empty when no schedule waits for such an event.")


def one(call: Call, id: str) -> object:
    return verbs.get(call.runtime, call.who, id)


@events.post("/events", "events:write", one, Event, 200)
def tell_event(call: Call, body: EventBody) -> Made:
    """Tell of an event: 201 when it is new, 200 when it was told before.

    The same id with another body: 409. A contact that is not here: 422. Late ones are kept, and say so.
    """
    given = body.given()
    at: datetime | None = given.get("occurred_at")
    told = Told(body.id, body.name, body.contact, at, given.get("properties", {}))
    id, is_new = verbs.tell(call.runtime, call.who, told, call.once)
    return Made(id, 201 if is_new else 200)
