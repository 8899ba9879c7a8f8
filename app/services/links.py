"""One-time links: one person, one purpose, one use; only the hash is kept, bound to today's credentials."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.errors import NotFound
from app.models import Member, OneTimeLink, User, Workspace
from app.runtime import Runtime
from app.services.sessions import token_hash

LASTS = {
    "reset": timedelta(hours=1),  # somebody is waiting for it
    "invitation": timedelta(days=7),  # a colleague may be on holiday
    "welcome": timedelta(days=7),
    "first_owner": timedelta(days=1),  # every start of an unused installation prints a new one
}
KEPT = timedelta(days=30)  # used and expired ones, so that support can tell the two apart


@dataclass(frozen=True)
class LinkPage:
    """What the page behind a link may say."""

    purpose: str
    email: str
    workspace_name: str | None


def mint(
    session: Session, runtime: Runtime, user: User, purpose: str, workspace_id: str | None = None
) -> str:
    """A new link for this person; its address begins with PUBLIC_URL, whatever the request said."""
    token, now = secrets.token_urlsafe(32), runtime.clock()
    session.add(
        OneTimeLink(
            token_hash=token_hash(token), purpose=purpose, user_id=user.id, workspace_id=workspace_id,
            credential_state=credential_state(user), created_at=now, expires_at=now + LASTS[purpose],
        )
    )  # fmt: skip
    return f"{runtime.config.public_url}/link/{token}"


def look(runtime: Runtime, token: str) -> LinkPage:
    """What this link is for; raises NotFound unless it can be used now. Looking uses nothing up."""
    with runtime.db.read() as session:
        link, user = find(session, token, runtime.clock())
        workspace = session.get(Workspace, link.workspace_id) if link.workspace_id else None
        return LinkPage(link.purpose, user.email, workspace.name if workspace else None)


def find(session: Session, token: str, now: datetime) -> tuple[OneTimeLink, User]:
    """The link and its person; raises NotFound for an unknown, used, expired or outdated one alike."""
    if not token.strip():
        raise NotFound
    query = (
        select(OneTimeLink, User)
        .join(User, User.id == OneTimeLink.user_id)
        .where(
            OneTimeLink.token_hash == token_hash(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
    )
    found = session.execute(query).one_or_none()
    if found is None or found[0].credential_state != credential_state(found[1]):
        raise NotFound
    link, user = found
    if link.workspace_id is not None and not _is_member(session, user.id, link.workspace_id):
        raise NotFound  # invited, and removed again before coming
    return link, user


def use(session: Session, link: OneTimeLink, now: datetime) -> None:
    """Use it up; of two at once, the second one raises NotFound."""
    unused = OneTimeLink.token_hash == link.token_hash, OneTimeLink.used_at.is_(None)
    if not changed(session, update(OneTimeLink).where(*unused).values(used_at=now)):
        raise NotFound


def forget_old(runtime: Runtime) -> int:
    """Delete links that ended long ago; how many there were."""
    with runtime.db.write() as session:
        before = runtime.clock() - KEPT
        return changed(session, delete(OneTimeLink).where(OneTimeLink.expires_at < before))


def credential_state(user: User) -> str:
    """Changes with the address and the password, and so ends every link made before."""
    state = json.dumps([user.id, user.email, user.password_hash, user.totp_secret])
    return hashlib.sha256(state.encode()).hexdigest()


def _is_member(session: Session, user_id: str, workspace_id: str) -> bool:
    query = select(Member.id).where(Member.user_id == user_id, Member.workspace_id == workspace_id)
    return session.scalar(query) is not None
