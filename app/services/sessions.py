"""Signed-in browsers: a row each, read on every request, so that what ends one ends it at once."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from app.db import changed
from app.domain.access import Role
from app.errors import NotFound, Unauthenticated, Unavailable
from app.models import Member, User, UserSession, Workspace
from app.runtime import Runtime
from app.services import audit
from app.services.access import Visitor

IDLE = timedelta(days=14)  # without a visit: a machine that was left behind
WHOLE = timedelta(days=30)  # in all: a cookie that was copied
NOTED = timedelta(hours=6)  # a visit is written down this often at most, so that reading stays reading

# Put together once: every page of the console asks one of the two.
_ALIVE = (
    select(
        User.id, User.email, User.name, User.locale, User.shortcuts, User.totp_secret,
        User.last_workspace_id, UserSession.seen_at, UserSession.token_hash,
    )
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.token_hash == bindparam("hash"),
        UserSession.expires_at > bindparam("now"),
        UserSession.seen_at > bindparam("since"),
    )
)  # fmt: skip
_VISIT = (
    _ALIVE.add_columns(
        Member.id.label("member_id"), Member.role, Member.joined_at, Workspace.slug, Workspace.kind,
        Workspace.time_zone, Workspace.id.label("workspace_id"),
    )
    .outerjoin(Workspace, Workspace.slug == bindparam("slug"))
    .outerjoin(Member, (Member.workspace_id == Workspace.id) & (Member.user_id == User.id))
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Who is signed in, in no workspace in particular."""

    id: str
    email: str
    name: str
    locale: str
    shortcuts: bool
    has_second_factor: bool
    last_workspace_id: str | None


@dataclass(frozen=True)
class Device:
    """One signed-in browser as its owner sees it; `id` names it and opens nothing."""

    id: str
    name: str | None
    began: datetime
    seen: datetime
    is_this: bool


def token_hash(token: str) -> str:
    """What is stored of a token of at least 128 random bits: no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def user_of(runtime: Runtime, token: object) -> Person:
    """Who holds this token; raises Unauthenticated."""
    with runtime.db.read() as session:
        row = session.execute(_ALIVE, _alive(runtime.clock(), token)).one_or_none()
    if row is None:
        raise Unauthenticated
    _note_visit(runtime, row, row.last_workspace_id)
    return _person(row)


def visit(runtime: Runtime, token: object, slug: str) -> Visitor:
    """Who holds this token, as a member of the workspace with this slug: one statement.

    Raises Unauthenticated, and NotFound for a workspace that is unknown or that they are no member of.
    """
    which = _alive(runtime.clock(), token) | {"slug": slug.replace("\0", "?")}  # PostgreSQL takes no NUL
    with runtime.db.read() as session:
        row = session.execute(_VISIT, which).one_or_none()
    if row is None:
        raise Unauthenticated
    if row.member_id is None:
        raise NotFound
    _note_visit(runtime, row, row.workspace_id, None if row.joined_at else row.member_id)
    return Visitor(
        workspace_id=row.workspace_id, workspace_slug=row.slug, workspace_kind=row.kind, role=Role(row.role),
        name=row.name, locale=row.locale, time_zone=row.time_zone, user_id=row.id, member_id=row.member_id,
    )  # fmt: skip


def last_place(runtime: Runtime, person: Person) -> str | None:
    """The slug of the workspace used last, else of the first by name; none without any."""
    query = (
        select(Workspace.slug)
        .join(Member, Member.workspace_id == Workspace.id)
        .where(Member.user_id == person.id)
        .order_by((Workspace.id == person.last_workspace_id).desc(), Workspace.name)
        .limit(1)
    )
    with runtime.db.read() as session:
        return session.scalar(query)


def devices(runtime: Runtime, person: Person, token: object) -> list[Device]:
    """Where this person is signed in, the latest visit first."""
    mine = token_hash(str(token))
    query = (
        select(UserSession).where(_not_over(runtime.clock()), UserSession.user_id == person.id)
        .order_by(UserSession.seen_at.desc(), UserSession.token_hash)
    )  # fmt: skip
    with runtime.db.read() as session:
        return [
            Device(row.token_hash[:16], row.device, row.created_at, row.seen_at, row.token_hash == mine)
            for row in session.scalars(query)
        ]


def sign_out(runtime: Runtime, token: object) -> None:
    """End the session of this browser; harmless when it has ended already."""
    with runtime.db.write() as session:
        session.execute(delete(UserSession).where(UserSession.token_hash == token_hash(str(token))))


def sign_out_everywhere(runtime: Runtime, person: Person) -> None:
    """End every session of this person, this one included."""
    with runtime.db.write() as session:
        end_all(session, person.id)
        audit.note(session, person, runtime.clock(), "account.signed_out_everywhere", person.id)


def end_device(runtime: Runtime, person: Person, device_id: str) -> None:
    """End one of this person's own sessions; raises NotFound for anything else."""
    if not re.fullmatch(r"[0-9a-f]{16}", device_id):
        raise NotFound
    with runtime.db.write() as session:
        theirs = UserSession.user_id == person.id, UserSession.token_hash.startswith(device_id)
        if not changed(session, delete(UserSession).where(*theirs)):
            raise NotFound
        audit.note(session, person, runtime.clock(), "account.device_signed_out", person.id)


def forget_old(runtime: Runtime) -> int:
    """Delete sessions that have ended by themselves; how many there were."""
    with runtime.db.write() as session:
        return changed(session, delete(UserSession).where(~_not_over(runtime.clock())))


def begin(session: Session, user_id: str, now: datetime, device: str | None, address_key: str | None) -> str:
    """Start a session and return its token of 256 bits, which nobody has seen before."""
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + WHOLE,
            device=device,
            address_key=address_key,
        )
    )
    return token


def end_all(session: Session, user_id: str, *, but: str | None = None) -> None:
    """End every session of a user, except the one with the token `but`."""
    query = delete(UserSession).where(UserSession.user_id == user_id)
    session.execute(query if but is None else query.where(UserSession.token_hash != token_hash(but)))


def _alive(now: datetime, token: object) -> dict[str, Any]:
    """What stands in the place of the names in _ALIVE."""
    hashed = token_hash(token) if isinstance(token, str) and token else ""
    return {"hash": hashed, "now": now, "since": now - IDLE}


def _not_over(now: datetime) -> Any:
    return (UserSession.expires_at > now) & (UserSession.seen_at > now - IDLE)


def _person(row: Row[*tuple[Any, ...]]) -> Person:
    return Person(
        id=row.id, email=row.email, name=row.name, locale=row.locale, shortcuts=row.shortcuts,
        has_second_factor=row.totp_secret is not None, last_workspace_id=row.last_workspace_id,
    )  # fmt: skip


def _note_visit(
    runtime: Runtime, row: Row[*tuple[Any, ...]], workspace_id: str | None, joins: str | None = None
) -> None:
    """Book-keeping of the reader's own visit: when, in which workspace, and that they came at all."""
    now = runtime.clock()
    moved = workspace_id != row.last_workspace_id
    if now - row.seen_at < NOTED and not moved and joins is None:
        return
    try:
        with runtime.db.write() as session:
            _write_visit(session, row, workspace_id if moved else None, joins, now)
    except Unavailable:
        return  # a busy database: the page matters more than this note


def _write_visit(
    session: Session, row: Row[*tuple[Any, ...]], workspace_id: str | None, joins: str | None, now: datetime
) -> None:
    session.execute(update(UserSession).where(UserSession.token_hash == row.token_hash).values(seen_at=now))
    if workspace_id:
        session.execute(update(User).where(User.id == row.id).values(last_workspace_id=workspace_id))
    if joins:
        session.execute(update(Member).where(Member.id == joins).values(joined_at=now))
