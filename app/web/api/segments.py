"""/segments: audiences with a name; and whom an audience means, before it is used."""

from pydantic import Field

from app.errors import Conflict
from app.services import audiences
from app.services import segments as verbs
from app.services.segments import Sheet
from app.web.api.audiences import Filters, shown
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Moment, Paged, PageOf, Resource, absent

segments = noun("Segments", "Audiences that are kept under a name, for schedules, pulses and lists.")


class NewSegment(Body):
    """A name that no other has, and who is meant."""

    name: str
    audience: Filters


class SegmentChanges(Body):
    """What is absent stays; runs under way keep the audience that they began with."""

    name: str = absent()
    audience: Filters = absent()
    revision: int = absent("The one that you read: 409 when somebody has saved since.")


class Segment(Resource):
    """An audience with a name."""

    id: str
    name: str
    audience: Filters
    schedules: list[str] = Field(description="Those that go on and ask it.")
    revision: int
    created_at: Moment
    updated_at: Moment


class AudienceBody(Body):
    """Who is meant."""

    audience: Filters


class Meant(Resource):
    """Whom an audience means now, whether or not they may be asked."""

    people: int
    everybody: int = Field(description="How many are there at all.")
    sample: list[str] = Field(description="The ids of at most ten of them.")


def _shown(sheet: Sheet) -> dict[str, object]:
    names = ("id", "name", "revision", "created_at", "updated_at")
    used = [id for id, _ in sheet.used_by]
    return {name: getattr(sheet, name) for name in names} | {
        "audience": shown(sheet.audience),
        "schedules": used,
    }


def one(call: Call, id: str) -> dict[str, object]:
    return _shown(verbs.get(call.runtime, call.who, id))


@segments.post("/segments", "segments:write", one, Segment)
def create_segment(call: Call, body: NewSegment) -> Made:
    """Keep an audience under a name."""
    return Made(verbs.create(call.runtime, call.who, body.given(), call.once))


@segments.get("/segments", "segments:read", PageOf[Segment])
def list_segments(call: Call, query: Paged) -> object:
    """Every segment, by name."""
    page = verbs.list_segments(call.runtime, call.who, cursor=query.cursor, limit=query.limit)
    return {"items": [_shown(sheet) for sheet in page.items], "next_cursor": page.next_cursor}


@segments.get("/segments/{id}", "segments:read", Segment)
def get_segment(call: Call, id: str) -> object:
    """One segment."""
    return one(call, id)


@segments.patch("/segments/{id}", "segments:write", Segment)
def edit_segment(call: Call, id: str, body: SegmentChanges) -> object:
    """Change what is sent."""
    changes = body.given()
    revision = changes.pop("revision", None)
    verbs.edit(call.runtime, call.who, id, changes, revision)
    return one(call, id)


@segments.delete("/segments/{id}", "segments:write")
def delete_segment(call: Call, id: str) -> None:
    """Take it away. One that a schedule still asks: 409."""
    verbs.delete(call.runtime, call.who, id)


def not_kept(call: Call, id: str) -> object:
    raise Conflict("A preview is not kept. Ask for a new one.")


@segments.post("/audiences/preview", "segments:read", not_kept, Meant, 200)
def preview_audience(call: Call, body: AudienceBody) -> Made:
    """How many people an audience means now, and some of them. Nothing is kept."""
    found = audiences.preview(call.runtime, call.who, body.audience)
    told = {
        "people": found.number,
        "everybody": found.everybody,
        "sample": [each.id for each in found.sample],
    }
    return Made("", 200, shown=told)
