"""/pulses: e-NPS of a people workspace, sealed until it closes."""

from typing import Literal

from pydantic import Field

from app.services import pulse_closing, pulse_headlines, pulse_results, stopped_pulses
from app.services import pulses as verbs
from app.services.pulse_results import PulseView
from app.web.api.audiences import Audience
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Id, Moment, Paged, PageOf, Query, Resource, Word, absent

pulses = noun(
    "Pulses", "e-NPS: opened, answered in sealed boxes, counted only once closed. See also /metrics/enps."
)


class NewPulse(Body):
    """A published e-NPS survey, and when to close; by default in two weeks, asking all active employees."""

    survey: Id
    closes_at: Moment = absent("At most 90 days from now.")
    audience: Audience = absent("Who is meant; by default all active employees.")


class Pulse(Resource):
    """A pulse; its result stands at /metrics/enps, and only once it is closed."""

    id: str
    survey: str
    state: Literal["open", "closed", "void"] = Field(
        description="void: closed without its key, so without a result."
    )
    opened_at: Moment
    closes_at: Moment
    closed_at: Moment | None
    asked: int
    answered: int = Field(description="In steps of five.")


class Handing(Body):
    """Where the headline goes."""

    workspace: Word = Field(description="Id or slug of a customers workspace that an owner here belongs to.")


class Headline(Resource):
    """The customers workspaces that show this pulse's result."""

    pulse: str
    workspaces: list[str]


class HeadlineQuery(Query):
    """From where to take it back."""

    workspace: Word | None = Field(None, description="By default from everywhere.")


def _shown(view: PulseView) -> dict[str, object]:
    names = ("id", "state", "opened_at", "closes_at", "closed_at", "asked", "answered")
    return {name: getattr(view, name) for name in names} | {"survey": view.survey_id}


def one(call: Call, id: str) -> dict[str, object]:
    return _shown(pulse_results.view_pulse(call.runtime, call.who, id).pulse)


@pulses.post("/pulses", "pulses:write", one, Pulse)
def open_pulse(call: Call, body: NewPulse) -> Made:
    """Open a pulse: everybody of the audience is asked now. With nobody to ask, or unpublished: 409."""
    given = body.given()
    return Made(
        verbs.open_pulse(
            call.runtime, call.who, body.survey, closes_at=given.get("closes_at"),
            audience=given.get("audience"), once=call.once,
        )
    )  # fmt: skip


@pulses.get("/pulses", "pulses:read", PageOf[Pulse])
def list_pulses(call: Call, query: Paged) -> object:
    """Every pulse, the newest first."""
    page = pulse_results.listed(call.runtime, call.who, query.cursor, query.limit)
    return {"items": [_shown(view) for view in page.items], "next_cursor": page.next_cursor}


@pulses.get("/pulses/{id}", "pulses:read", Pulse)
def get_pulse(call: Call, id: str) -> object:
    """One pulse."""
    return one(call, id)


@pulses.post("/pulses/{id}/resumption", "pulses:write", one, Pulse)
def resume_pulse(call: Call, id: str) -> Made:
    """One that paused itself goes on; one of a schedule does with it. Twice is harmless."""
    stopped_pulses.resume(call.runtime, call.who, id)
    return Made(id)


@pulses.post("/pulses/{id}/closure", "pulses:write", one, Pulse)
def close_pulse(call: Call, id: str) -> Made:
    """Close it now, for good. One that is closed already: 409."""
    pulse_closing.close_pulse(call.runtime, call.who, id, call.once)
    return Made(id)


def headline(call: Call, id: str) -> dict[str, object]:
    detail = pulse_results.view_pulse(call.runtime, call.who, id)
    return {"pulse": id, "workspaces": [workspace for workspace, _ in detail.headlines]}


@pulses.post("/pulses/{id}/headline", "headline:write", headline, Headline)
def publish_headline(call: Call, id: str, body: Handing) -> Made:
    """Hand the result of the whole to a customers workspace. Only with an owner's key; twice is harmless."""
    pulse_headlines.publish_headline(call.runtime, call.who, id, body.workspace, call.once)
    return Made(id)


@pulses.delete("/pulses/{id}/headline", "headline:write")
def withdraw_headline(call: Call, id: str, query: HeadlineQuery) -> None:
    """Take the result back. Only with an owner's key."""
    pulse_headlines.withdraw_headline(call.runtime, call.who, id, query.workspace)
