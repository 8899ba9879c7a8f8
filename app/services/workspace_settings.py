"""A workspace's settings and its logo: read, changed by an owner, never overwritten unseen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.domain import workspace_settings as rules
from app.errors import Conflict, Invalid, NotFound
from app.models import Logo, Workspace, new_id
from app.rendering.assets import logo_path
from app.runtime import Runtime
from app.services import audit, coming_due, logos, looking_again, retiming
from app.services.access import Visitor, held_workspace

EDITABLE = (
    "name", "sender_name", "reply_to", "postal_address", "time_zone", "locale", "business_days", "opens_at",
    "closes_at", "holidays", "blackout_dates", "rest_days", "rest_days_by_metric", "quiet_hours",
    "quiet_days", "quiet_email", "daily_cap", "weekly_cap", "root_causes", "lawful_basis",
)  # fmt: skip
OF_THE_CALENDAR = {"business_days", "holidays", "blackout_dates"}  # they move the runs of schedules
OF_REST = {
    "time_zone",
    "quiet_hours",
    "quiet_days",
    "quiet_email",
    "daily_cap",
    "weekly_cap",
    "blackout_dates",
}  # they hold back


@dataclass(frozen=True)
class Settings:
    """Everything that the settings page and the API show; `values` has the names of EDITABLE."""

    slug: str
    kind: str
    revision: int
    logo_url: str | None
    values: Mapping[str, Any]


def read(runtime: Runtime, who: Visitor) -> Settings:
    """The settings of the visitor's workspace."""
    with runtime.db.read() as session:
        return _settings(session, session.get_one(Workspace, who.workspace_id))


def update(
    runtime: Runtime, who: Visitor, changes: Mapping[str, object], revision: int | None = None
) -> Settings:
    """Change what is named and leave the rest; with a revision, only if nobody else saved in between.

    Raises Invalid and Conflict.
    """
    clean = rules.checked(changes)
    with runtime.db.write() as session:
        workspace = held_workspace(session, who)
        if revision is not None and workspace.revision != revision:
            raise Conflict(
                "Somebody else has changed these settings since you opened them. Nothing of theirs was lost."
            )
        if "rest_days_by_metric" in clean:
            clean["rest_days_by_metric"] = {**workspace.rest_days_by_metric, **_mapping(clean)}
        for name, value in clean.items():
            setattr(workspace, name, value)
        if problems := rules.hours_problems(workspace.opens_at, workspace.closes_at):
            raise Invalid(problems)
        workspace.revision += 1
        if OF_THE_CALENDAR & set(clean):
            coming_due.retime_all(session, workspace.id)
            retiming.note(session, workspace.id)
        if OF_REST & set(clean):
            looking_again.note(session, workspace.id)
        audit.note(session, who, runtime.clock(), "workspace.edited", workspace.id, changes=clean)
        return _settings(session, workspace)


def set_logo(runtime: Runtime, who: Visitor, upload: bytes) -> None:
    """Re-encode an upload as the workspace's logo, under a new address. Raises Invalid."""
    png = logos.reencoded(upload)
    with runtime.db.write() as session:
        workspace = held_workspace(session, who)
        session.execute(delete(Logo).where(Logo.workspace_id == workspace.id))
        session.add(Logo(id=new_id(), workspace_id=workspace.id, png=png))
        audit.note(session, who, runtime.clock(), "workspace.logo_set", workspace.id)


def remove_logo(runtime: Runtime, who: Visitor) -> None:
    """Go without a logo; harmless when there is none."""
    with runtime.db.write() as session:
        session.execute(delete(Logo).where(Logo.workspace_id == who.workspace_id))
        audit.note(session, who, runtime.clock(), "workspace.logo_removed", who.workspace_id)


def logo(runtime: Runtime, logo_id: str) -> bytes:
    """The picture behind a logo's public address; raises NotFound. Ids are ours, random and never a path."""
    if not re.fullmatch(r"[a-z2-7]{26}", logo_id):
        raise NotFound
    with runtime.db.read() as session:
        png = session.scalar(select(Logo.png).where(Logo.id == logo_id))
    if png is None:
        raise NotFound
    return png


def _settings(session: Session, workspace: Workspace) -> Settings:
    logo_id = session.scalar(select(Logo.id).where(Logo.workspace_id == workspace.id))
    return Settings(
        slug=workspace.slug,
        kind=workspace.kind,
        revision=workspace.revision,
        logo_url=logo_path(logo_id),
        values={name: getattr(workspace, name) for name in EDITABLE},
    )


def _mapping(clean: Mapping[str, object]) -> dict[str, Any]:
    value = clean["rest_days_by_metric"]
    return dict(value) if isinstance(value, Mapping) else {}
