"""/workspace and /members: the settings that people meet, and who works here."""

from typing import Literal

from pydantic import Field

from app.services import members as people
from app.services import workspace_settings
from app.services.workspace_settings import Settings
from app.web.api.routes import Call, noun
from app.web.api.schemas import Body, Locale, MetricName, Moment, Paged, PageOf, Resource, absent

workspace = noun("Workspace", "The settings of the key's workspace, and its members.")

Basis = Literal["consent", "contract", "legitimate_interest", "legal_obligation", "none"]


class WorkspaceChanges(Body):
    """What is absent stays."""

    name: str = absent()
    sender_name: str | None = None
    reply_to: str | None = None
    postal_address: str | None = None
    time_zone: str = absent("An IANA zone.")
    locale: Locale = absent()
    business_days: list[int] = absent("0 is Monday.")
    opens_at: str = absent("HH:MM, in the workspace's zone.")
    closes_at: str = absent()
    holidays: list[str] = absent("ISO dates.")
    blackout_dates: list[str] = absent(
        "ISO dates on which nobody is asked or reminded: runs move, and what waits leaves after."
    )
    rest_days: int = absent("Days between two asks of one person, across all surveys.")
    rest_days_by_metric: dict[MetricName, int] = absent("The same for one metric.")
    quiet_hours: dict[Literal["from", "to"], str] | None = absent(
        "HH:MM in the person's own zone: from when to when no text or chat asks anybody; null: never."
    )
    quiet_days: list[int] = absent("Days on which the same holds from midnight to midnight. 0 is Monday.")
    quiet_email: bool = absent("Does it hold for e-mail as well?")
    daily_cap: int | None = absent(
        "At most so many messages that ask, reminders included, to one person on one day; null: no cap."
    )
    weekly_cap: int | None = absent("The same in seven days: the day and the six before it.")
    root_causes: list[str] = absent("Suggested when a follow-up is closed.")
    lawful_basis: Basis = absent("Of contacts made by hand or by API.")
    revision: int = absent("The one that you read: 409 when somebody has saved since.")


class Workspace(Resource):
    """Everything belongs to one workspace; a key sees no other."""

    id: str
    slug: str
    kind: Literal["customers", "people"]
    name: str
    sender_name: str | None
    reply_to: str | None
    postal_address: str | None
    time_zone: str
    locale: Locale
    business_days: list[int]
    opens_at: str
    closes_at: str
    holidays: list[str]
    blackout_dates: list[str]
    rest_days: int
    rest_days_by_metric: dict[str, int]
    quiet_hours: dict[str, str] | None
    quiet_days: list[int]
    quiet_email: bool
    daily_cap: int | None
    weekly_cap: int | None
    root_causes: list[str]
    lawful_basis: Basis
    revision: int


class Member(Resource):
    """Somebody who works here."""

    id: str
    name: str
    email: str
    role: Literal["owner", "manager", "agent", "viewer"]
    joined_at: Moment | None = Field(description="Null until their first visit.")


def _shown(call: Call, settings: Settings) -> dict[str, object]:
    fixed = {"slug": settings.slug, "kind": settings.kind, "revision": settings.revision}
    return {"id": call.who.workspace_id, **fixed, **settings.values}


@workspace.get("/workspace", "workspace:read", Workspace)
def get_workspace(call: Call) -> object:
    """The key's workspace."""
    return _shown(call, workspace_settings.read(call.runtime, call.who))


@workspace.patch("/workspace", "workspace:write", Workspace)
def edit_workspace(call: Call, body: WorkspaceChanges) -> object:
    """Change settings; only with an owner's key."""
    changes = body.given()
    revision = changes.pop("revision", None)
    return _shown(call, workspace_settings.update(call.runtime, call.who, changes, revision))


@workspace.get("/members", "members:read", PageOf[Member])
def list_members(call: Call, query: Paged) -> object:
    """The members, in the order in which they came."""
    page = people.listed(call.runtime, call.who, query.cursor, query.limit)
    items = [
        {
            "id": each.id,
            "name": each.name,
            "email": each.email,
            "role": each.role.value,
            "joined_at": each.joined,
        }
        for each in page.items
    ]
    return {"items": items, "next_cursor": page.next_cursor}
