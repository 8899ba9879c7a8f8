"""The wall: who is asking, and the one place where rows are loaded through their workspace."""

from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.access import Role
from app.errors import NotFound
from app.models import Workspace
from app.models.base import ID_LENGTH

Row = TypeVar("Row")


@dataclass(frozen=True)
class Visitor:
    """Who acts in which workspace: a member in the console, or a key of the API."""

    workspace_id: str
    workspace_slug: str
    workspace_kind: str
    role: Role
    name: str
    locale: str
    time_zone: str
    user_id: str | None = None
    member_id: str | None = None
    key_id: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_people(self) -> bool:
        return self.workspace_kind == "people"


def own(session: Session, who: Visitor, model: type[Row], id: str, *, lock: bool = False) -> Row:
    """The row with this id in the visitor's workspace.

    Raises NotFound for an unknown id and for another workspace's alike. `lock` holds the row
    until the transaction ends (PostgreSQL; SQLite has one writer anyway).
    """
    if not id or len(id) > ID_LENGTH or "\0" in id:
        raise NotFound
    query = select(model).where(
        model.id == id,  # type: ignore[attr-defined]  # every model here has both columns
        model.workspace_id == who.workspace_id,  # type: ignore[attr-defined]
    )
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound
    return row


def held_workspace(session: Session, who: Visitor) -> Workspace:
    """The visitor's workspace, held until the transaction ends: what concerns all of it has one writer.

    The lock is NO KEY UPDATE: answers and messages, which only refer to the workspace, pass by it.
    """
    return hold_workspace(session, who.workspace_id)


def hold_workspace(session: Session, workspace_id: str) -> Workspace:
    """The same for a job, which acts for nobody in particular."""
    query = select(Workspace).where(Workspace.id == workspace_id).with_for_update(key_share=True)
    return session.scalars(query).one()
