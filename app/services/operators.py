"""Whoever runs a command on this machine acts in a workspace as an owner, and is no member of it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.errors import NotFound
from app.models import Workspace
from app.runtime import Runtime
from app.services.access import Visitor


def operator(runtime: Runtime, slug: str) -> Visitor:
    """The operator in the workspace with this slug. Raises NotFound."""
    with runtime.db.read() as session:
        row = workspace_called(session, slug)
        return Visitor(
            workspace_id=row.id,
            workspace_slug=row.slug,
            workspace_kind=row.kind,
            role=Role.OWNER,
            name="Command line",
            locale="en",
            time_zone=row.time_zone,
        )


def workspace_called(session: Session, slug: str) -> Workspace:
    """A step: the workspace with this slug, whoever asks. Raises NotFound."""
    found = session.scalar(select(Workspace).where(Workspace.slug == slug))
    if found is None:
        raise NotFound
    return found
