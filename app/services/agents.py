"""Members behind a chat: who presses, in which workspace, with which role; and where their chat stands."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.access import Role
from app.domain.agent_chat import Awaits, Desk
from app.errors import NotFound
from app.models import FollowUp, Member, User, Workspace
from app.runtime import Runtime
from app.services import talks
from app.services.access import Visitor
from app.services.address_keys import address_key
from app.services.inbound import Stored

_DESK = Statement(
    "SELECT expects, about, pending FROM conversations WHERE sender_id = :sender_id AND address_key = :key"
)


def user_of(runtime: Runtime, chat_id: str) -> str | None:
    """The user whose chat this is."""
    with runtime.db.read() as session:
        return session.scalar(select(User.id).where(User.telegram_chat_id == chat_id))


def visitor(runtime: Runtime, chat_id: str, followup_id: str) -> Visitor:
    """Who presses, as a member of the follow-up's workspace with the right to work on it. Raises NotFound.

    Asked at every press: a member who left, or may only read, is told no more than a stranger.
    """
    query = (
        select(User, Member, Workspace)
        .join(Member, Member.user_id == User.id)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .join(FollowUp, FollowUp.workspace_id == Workspace.id)
        .where(User.telegram_chat_id == chat_id, FollowUp.id == followup_id)
    )
    with runtime.db.read() as session:
        row = session.execute(query).one_or_none()
    if row is None or not Role(row[1].role).reaches(Role.AGENT):
        raise NotFound
    user, member, workspace = row
    return Visitor(
        workspace_id=workspace.id, workspace_slug=workspace.slug, workspace_kind=workspace.kind,
        role=Role(member.role), name=user.name or user.email, locale=user.locale,
        time_zone=workspace.time_zone, user_id=user.id, member_id=member.id,
    )  # fmt: skip


def desk(runtime: Runtime, stored: Stored) -> Desk:
    """What the agent's next words are for."""
    with runtime.db.read() as session:
        which = {"sender_id": stored.sender_id, "key": _key(session, stored)}
        row = _DESK.run(session, which).fetchone()
    if row is None or row[0] not in set(Awaits):
        return Desk()
    return Desk(Awaits(row[0]), row[1], row[2])


def sit(runtime: Runtime, stored: Stored, at: Desk) -> None:
    """Where the agent's chat stands from now on."""
    with runtime.db.write() as session:
        row = talks.hold(session, stored.sender_id, _key(session, stored))
        row.expects, row.about, row.pending = at.awaits.value, at.followup_id, at.root_cause
        row.heard_at = runtime.clock()


def _key(session: Session, stored: Stored) -> str:
    """A row of its own: the same chat may also be a customer's."""
    return address_key(session, f"agent:{stored.event.address}")
