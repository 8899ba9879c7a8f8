"""API keys: shown once, stored hashed, with scopes from one list; of a workspace, not of a person."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.domain import access
from app.domain.access import Role
from app.errors import Conflict, Invalid, NotFound, Problem, Unauthenticated, Unavailable, problem
from app.models import ApiKey, Workspace, new_id
from app.runtime import Runtime
from app.services import audit
from app.services.access import Visitor, own
from app.services.operators import workspace_called
from app.services.sessions import token_hash

MARK = "rtn_"  # so that a key which went astray is recognised, by people and by secret scanners
SHOWN = len(MARK) + 6  # what the list shows: enough to tell two keys apart
LONGEST_NAME = 120
MOST = 100  # keys in force in one workspace
NOTED = timedelta(minutes=10)  # `last_used_at` is written this often at most


@dataclass(frozen=True)
class NewKey:
    """A key and, this one time, its secret."""

    id: str
    secret: str


def create(runtime: Runtime, who: Visitor, name: str, scopes: Sequence[str] | None) -> NewKey:
    """Make a key that may at most what its maker may; without a list of scopes, all of that.

    Raises Invalid and Conflict.
    """
    with runtime.db.write() as session:
        return _add(session, runtime, who, who.workspace_id, (name, scopes))


def create_for(runtime: Runtime, slug: str, name: str, scopes: Sequence[str] | None) -> NewKey:
    """The operator makes a key with an owner's rights. Raises NotFound (workspace), Invalid, Conflict."""
    with runtime.db.write() as session:
        workspace = workspace_called(session, slug)
        return _add(session, runtime, None, workspace.id, (name, scopes))


def list_keys(runtime: Runtime, who: Visitor) -> list[ApiKey]:
    """The keys of the workspace, the newest first; no secret is in them."""
    query = select(ApiKey).where(ApiKey.workspace_id == who.workspace_id)
    with runtime.db.read() as session:
        return list(session.scalars(query.order_by(ApiKey.created_at.desc(), ApiKey.id)))


def list_all(runtime: Runtime) -> list[tuple[ApiKey, str]]:
    """Every key with its workspace's slug, for the operator."""
    query = select(ApiKey, Workspace.slug).join(Workspace, Workspace.id == ApiKey.workspace_id)
    with runtime.db.read() as session:
        rows = session.execute(query.order_by(Workspace.slug, ApiKey.created_at, ApiKey.id))
        return [(key, slug) for key, slug in rows]


def revoke(runtime: Runtime, who: Visitor, key_id: str) -> None:
    """End a key of this workspace at once; harmless when it has ended. Raises NotFound."""
    with runtime.db.write() as session:
        _end(session, runtime, who, own(session, who, ApiKey, key_id))


def revoke_by_id(runtime: Runtime, key_id: str) -> None:
    """The operator ends a key, of whatever workspace. Raises NotFound."""
    with runtime.db.write() as session:
        key = session.get(ApiKey, key_id.replace("\0", "?"))  # PostgreSQL takes no NUL
        if key is None:
            raise NotFound
        _end(session, runtime, None, key)


def authenticate(runtime: Runtime, secret: str) -> Visitor:
    """Who speaks with this key; raises Unauthenticated for an unknown or revoked one."""
    if not secret.startswith(MARK):
        raise Unauthenticated
    query = (
        select(
            ApiKey.id, ApiKey.name, ApiKey.scopes, ApiKey.role, ApiKey.last_used_at, ApiKey.workspace_id,
            Workspace.slug, Workspace.kind, Workspace.locale, Workspace.time_zone,
        )
        .join(Workspace, Workspace.id == ApiKey.workspace_id)
        .where(ApiKey.key_hash == token_hash(secret), ApiKey.revoked_at.is_(None))
    )  # fmt: skip
    with runtime.db.read() as session:
        row = session.execute(query).one_or_none()
    if row is None:
        raise Unauthenticated
    _note_use(runtime, row.id, row.last_used_at)
    return Visitor(
        workspace_id=row.workspace_id, workspace_slug=row.slug, workspace_kind=row.kind, role=Role(row.role),
        name=row.name, locale=row.locale, time_zone=row.time_zone, key_id=row.id,
        scopes=frozenset(row.scopes),
    )  # fmt: skip


def _add(
    session: Session,
    runtime: Runtime,
    who: Visitor | None,
    workspace_id: str,
    wanted: tuple[str, Sequence[str] | None],
) -> NewKey:
    name, scopes = _checked(*wanted)
    role = who.role if who else Role.OWNER
    in_force = select(ApiKey.id).where(ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None))
    if len(session.scalars(in_force).all()) >= MOST:
        raise Conflict("There are %(most)s keys already. Revoke one first.", most=MOST)
    secret = MARK + secrets.token_urlsafe(32)
    key = ApiKey(
        id=new_id(), workspace_id=workspace_id, name=name, prefix=secret[:SHOWN], key_hash=token_hash(secret),
        scopes=scopes, role=role.value, created_at=runtime.clock(),
    )  # fmt: skip
    session.add(key)
    noted = "key.created", key.id
    audit.note(session, who, key.created_at, *noted, workspace_id=workspace_id, name=name, scopes=scopes)
    return NewKey(key.id, secret)


def _checked(name: str, scopes: Sequence[str] | None) -> tuple[str, list[str]]:
    problems: list[Problem] = []
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        problems.append(problem("name", "Say in a few words what this key is for."))
    wanted = tuple(access.SCOPES if scopes is None else scopes)
    if not wanted:
        problems.append(problem("scopes", "Choose what this key may do."))
    for unknown in access.unknown_scopes(wanted):
        problems.append(problem("scopes", "There is no scope %(scope)s.", scope=unknown[:40]))
    if problems:
        raise Invalid(problems)
    return name, [scope for scope in access.SCOPES if scope in wanted]


def _end(session: Session, runtime: Runtime, who: Visitor | None, key: ApiKey) -> None:
    if key.revoked_at is None:
        key.revoked_at = runtime.clock()
        audit.note(session, who, key.revoked_at, "key.revoked", key.id, workspace_id=key.workspace_id)


def _note_use(runtime: Runtime, key_id: str, last: datetime | None) -> None:
    now = runtime.clock()
    if last is not None and now - last < NOTED:
        return
    try:
        with runtime.db.write() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))
    except Unavailable:
        return  # a busy database: the request matters more than this note
