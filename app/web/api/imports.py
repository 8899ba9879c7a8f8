"""/imports: what became of a file of people, and undoing it."""

from typing import Literal

from pydantic import Field

from app.domain.access import Role
from app.errors import Forbidden
from app.services import import_pages, import_undoing
from app.web.api.routes import Call, Made, noun
from app.web.api.schemas import Body, Moment, Resource

imports = noun("Imports", "Files of people that members have imported. One that was wrong can be undone.")

State = Literal[
    "arriving", "reading", "mapping", "checking", "checked", "importing", "done", "stopped", "failed",
    "undoing", "undone",
]  # fmt: skip


class Undoing(Resource):
    """What undoing would do now."""

    until: Moment | None = Field(description="Null: it cannot be undone, or not any more.")
    put_away: int | None = Field(
        description="People who came with it, changed and asked by nobody since: inactive. Null: too many to"
        " count just now."
    )
    changed: int = Field(description="People whom it changed: put back in what nobody has changed since.")
    left_alone: int | None = Field(
        description="People who came with it and were changed, asked or named by another file since. While"
        " that one stands they stay: of two wrong files the later is undone first."
    )
    unchanged: int = Field(description="People whom it named as they were: it only lets go of them.")


class Import(Resource):
    """One import: its rows, what became of them, and what undoing it would do or did."""

    id: str
    file_name: str
    state: State
    total: int
    created: int
    updated: int
    unchanged: int
    created_at: Moment
    ended_at: Moment | None
    undoing: Undoing
    put_away: int = Field(description="By undoing it, as the next two.")
    put_back: int
    left_alone: int


class UndoBody(Body):
    """The confirmation."""

    put_away: int | None = Field(
        description="The number that `undoing` says, or null as it does; 409 when it is another one by now."
    )


def one(call: Call, id: str) -> dict[str, object]:
    page = import_pages.page(call.runtime, call.who, id)
    told = import_undoing.foretell(call.runtime, call.who, id)
    return {
        **{name: getattr(page, name) for name in ("id", "file_name", "state", "total")},
        **{name: page.counts[name] for name in ("created", "updated", "unchanged")},
        "created_at": page.created_at,
        "ended_at": page.ended_at,
        "undoing": told,
        **page.undone,
    }


@imports.get("/imports/{id}", "contacts:read", Import)
def get_import(call: Call, id: str) -> object:
    """One import; its id stands in the address of its page."""
    return one(call, id)


@imports.post("/imports/{id}/undoing", "contacts:write", one, Import)
def undo_import(call: Call, id: str, body: UndoBody) -> Made:
    """Undo an import, within 30 days. Twice is harmless; opt-outs stay.

    It may take a while: `state` is `undoing`, then `undone`. A key made by an agent may not.
    """
    if not call.who.role.reaches(Role.MANAGER):
        raise Forbidden
    import_undoing.undo(call.runtime, call.who, id, body.put_away, call.once)
    return Made(id)
