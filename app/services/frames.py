"""What the shell around every console page shows: the workspace, the others, what is open, the big switch."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.models import FollowUp, Logo, Member, User, Workspace
from app.rendering.assets import logo_path
from app.runtime import Runtime
from app.services import switch
from app.services.access import Visitor


@dataclass(frozen=True)
class Place:
    """A workspace as the shell names it."""

    name: str
    slug: str
    kind: str
    logo_url: str | None = None


@dataclass(frozen=True)
class Frame:
    workspace: Place
    workspaces: tuple[Place, ...]
    open_followups: int
    sending_paused: bool
    shortcuts: bool


def frame(runtime: Runtime, who: Visitor) -> Frame:
    """Everything around the page, in one snapshot."""
    with runtime.db.read() as session:
        workspace = session.get_one(Workspace, who.workspace_id)
        logo = session.scalar(select(Logo.id).where(Logo.workspace_id == workspace.id))
        user = session.get(User, who.user_id)
        return Frame(
            workspace=Place(workspace.name, workspace.slug, workspace.kind, logo_path(logo)),
            workspaces=_places(session, who),
            open_followups=0 if who.is_people else _open_followups(session, who),
            sending_paused=switch.is_paused(session),
            shortcuts=user.shortcuts if user else True,
        )


def _places(session: Session, who: Visitor) -> tuple[Place, ...]:
    mine = (
        select(Workspace.name, Workspace.slug, Workspace.kind)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.user_id == who.user_id)
        .order_by(Workspace.name)
    )
    return tuple(Place(name, slug, kind) for name, slug, kind in session.execute(mine))


def _open_followups(session: Session, who: Visitor) -> int:
    query = select(func.count()).where(
        FollowUp.workspace_id == who.workspace_id, FollowUp.closed_at.is_(None)
    )
    return session.scalar(query) or 0
