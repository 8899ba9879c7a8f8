"""/followups: the tasks that close the loop."""

from typing import Literal

from pydantic import Field

from app.domain.followups import State
from app.errors import NotFound
from app.services import followup_inbox
from app.services import followups as verbs
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Id, Moment, Paged, PageOf, Resource

followups = noun("Follow-ups", "Somebody should return to this person: who does, by when, and how it ended.")

StateName = Literal["open", "claimed", "waiting", "closed"]


class NewFollowUp(Body):
    """One that no score opened: somebody called, or wrote."""

    contact: Id
    answer: Id | None = Field(None, description="The answer that it is about, if there is one.")


class Assignment(Body):
    """Who works on it."""

    assignee: Id | None = Field(description="A member's id; null for nobody.")


class Note(Body):
    """What somebody wants to remember."""

    text: str
    contacted: bool = Field(False, description="We spoke to them: the clock of first contact stops.")


class Reply(Body):
    """What the person reads."""

    text: str


class Closing(Body):
    """What was done, and why it came to this."""

    summary: str
    root_cause: str = Field(description="Free text; the workspace suggests some.")
    ask_again: bool = Field(True, description="Ask the same question once more after a week.")


class FollowUp(Resource):
    """A follow-up; `waiting` means that we replied last."""

    id: str
    state: StateName
    reason: Literal["detractor", "dissatisfied", "high_effort", "asked"]
    answer: str | None
    contact: str
    assignee: str | None
    opened_at: Moment
    first_contact_due_at: Moment
    first_contact_at: Moment | None
    close_due_at: Moment
    closed_at: Moment | None
    root_cause: str | None


class FollowUpsQuery(Paged):
    """Which follow-ups."""

    state: StateName | None = None
    assignee: Id | None = None
    contact: Id | None = None


def one(call: Call, id: str) -> dict[str, object]:
    return followup_inbox.get(call.runtime, call.who, id).to_json()


@followups.get("/followups", "followups:read", PageOf[FollowUp])
def list_followups(call: Call, query: FollowUpsQuery) -> object:
    """Follow-ups, the oldest first."""
    page = followup_inbox.listed(
        call.runtime, call.who, state=State(query.state) if query.state else None, assignee=query.assignee,
        contact=query.contact, cursor=query.cursor, limit=query.limit,
    )  # fmt: skip
    return {"items": [record.to_json() for record in page.items], "next_cursor": page.next_cursor}


@followups.post("/followups", "followups:write", one, FollowUp)
def open_followup(call: Call, body: NewFollowUp) -> Made:
    """Open one by hand; an answer has one at most, so that its own is given back."""
    if call.who.is_people:
        raise NotFound  # whoever answers a pulse is never followed up
    return Made(verbs.open_by_hand(call.runtime, call.who, body.contact, body.answer, call.once))


@followups.get("/followups/{id}", "followups:read", FollowUp)
def get_followup(call: Call, id: str) -> object:
    """One follow-up."""
    return one(call, id)


@followups.patch("/followups/{id}", "followups:write", FollowUp)
def assign_followup(call: Call, id: str, body: Assignment) -> object:
    """Give it to a member, or to nobody. A closed one: 409."""
    verbs.assign(call.runtime, call.who, id, body.assignee)
    return one(call, id)


@followups.post("/followups/{id}/notes", "followups:write", one, FollowUp)
def note_followup(call: Call, id: str, body: Note) -> Made:
    """Write something down; the key is its author."""
    verbs.note(call.runtime, call.who, id, body.text, body.contacted, once=call.once)
    return Made(id)


@followups.post("/followups/{id}/replies", "followups:write", one, FollowUp)
def reply_to_followup(call: Call, id: str, body: Reply) -> Made:
    """Write to the person by e-mail; when it has left, the clock of first contact stops. Closed: 409."""
    verbs.reply(call.runtime, call.who, id, body.text, call.once)
    return Made(id)


@followups.post("/followups/{id}/closure", "followups:write", one, FollowUp)
def close_followup(call: Call, id: str, body: Closing) -> Made:
    """Close it with a record. Closed with other words meanwhile: 409."""
    verbs.close(
        call.runtime, call.who, id, summary=body.summary, root_cause=body.root_cause,
        ask_again=body.ask_again, once=call.once,
    )  # fmt: skip
    return Made(id)


@followups.delete("/followups/{id}/closure", "followups:write")
def reopen_followup(call: Call, id: str) -> None:
    """Open it again; the closure stays in its history."""
    verbs.reopen(call.runtime, call.who, id)
