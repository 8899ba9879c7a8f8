"""The audit's one step: `note` inside the verb's transaction. What cannot be noted does not happen.

Rows are chained last, just before the commit: a chain's end is held for an instant, always in the same order.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import BEFORE, insert_into, when
from app.models import AuditChain, AuditRow, Member
from app.services.access import Visitor

INSTALLATION = "installation"  # the chain of what belongs to no workspace
BEGINNING = "0" * 64
LONGEST = 200  # characters of one value: a payload says what changed, it is no copy of it


class Account(Protocol):
    """Somebody who is signed in, in no workspace in particular."""

    @property
    def id(self) -> str: ...


Who = Visitor | Account | None  # none: whoever runs a command on this machine


@dataclass(frozen=True)
class _Noted:
    chain: str
    at: datetime
    actor: tuple[str, str | None]
    action: str
    subject_id: str | None
    payload: Mapping[str, Any] | None


def note(
    session: Session,
    who: Who,
    now: datetime,
    action: str,
    subject_id: str | None = None,
    /,
    *,
    workspace_id: str | None = None,
    **facts: Any,
) -> None:
    """This is done with this transaction. `facts` name fields, roles, counts: never a person or their words.

    What people do to their own account is noted in every workspace that they belong to.
    """
    chains = [workspace_id] if workspace_id else _chains(session, who)
    _note(session, chains, _Noted("", now, _actor(who), action, subject_id, _plain(facts) or None))


def note_of_account(session: Session, now: datetime, action: str, user_id: str, /, **facts: Any) -> None:
    """The same for what somebody did to their own account, when only its id is at hand."""
    noted = _Noted("", now, ("member", user_id), action, user_id, _plain(facts) or None)
    _note(session, _of_account(session, user_id), noted)


def note_by_operator(session: Session, now: datetime, action: str, user_id: str) -> None:
    """The same for what a command did to an account."""
    _note(session, _of_account(session, user_id), _Noted("", now, ("operator", None), action, user_id, None))


def forget(session: Session, subject_id: str) -> None:
    """What was said about this subject goes; that it was said stays, and the chain holds."""
    session.execute(update(AuditRow).where(AuditRow.subject_id == subject_id).values(payload=None, salt=None))


def digest_of(salt: str, payload: Any) -> str:
    """What the chain keeps of a payload: without its salt nobody can tell what it was."""
    return _sha(salt, payload)


def hash_of(row: AuditRow) -> str:
    """What the next row carries of this one."""
    return _sha(
        row.chain, row.number, row.at.astimezone(UTC).isoformat(), row.actor_kind, row.actor_id, row.action,
        row.subject_id, row.digest, row.previous,
    )  # fmt: skip


def _note(session: Session, chains: Sequence[str], noted: _Noted) -> None:
    session.info.setdefault("audit", []).extend(replace(noted, chain=chain) for chain in chains)
    when(session, BEFORE, _chain)


def _chains(session: Session, who: Who) -> list[str]:
    if isinstance(who, Visitor):
        return [who.workspace_id]
    if who is None:
        return [INSTALLATION]
    return _of_account(session, who.id)


def _of_account(session: Session, user_id: str) -> list[str]:
    """Every workspace that they belong to: its owners answer for who comes in there, and how."""
    theirs = session.scalars(select(Member.workspace_id).where(Member.user_id == user_id)).all()
    return sorted(theirs) or [INSTALLATION]


def _actor(who: Who) -> tuple[str, str | None]:
    if who is None:
        return "operator", None
    if not isinstance(who, Visitor):
        return "member", who.id
    if who.user_id is None and who.key_id is None:
        return "operator", None
    return ("key", who.key_id) if who.key_id else ("member", who.user_id)


def _chain(session: Session) -> None:
    noted: list[_Noted] = session.info.pop("audit")
    for chain in sorted({each.chain for each in noted}):
        adding = insert_into(session, AuditChain).values(chain=chain, length=0, hash=BEGINNING)
        session.execute(adding.on_conflict_do_nothing())
        end = session.scalars(select(AuditChain).where(AuditChain.chain == chain).with_for_update()).one()
        for each in noted:
            if each.chain == chain:
                _append(session, end, each)
    session.flush()


def _append(session: Session, end: AuditChain, each: _Noted) -> None:
    salt = secrets.token_hex(16)
    row = AuditRow(
        chain=each.chain, number=end.length + 1, at=each.at, actor_kind=each.actor[0],
        actor_id=each.actor[1], action=each.action, subject_id=each.subject_id, payload=each.payload,
        salt=salt, digest=digest_of(salt, each.payload), previous=end.hash,
    )  # fmt: skip
    row.hash = hash_of(row)
    session.add(row)
    end.length, end.hash = row.number, row.hash


def _sha(*parts: Any) -> str:
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON without a line end, an escape or a NUL in it, whatever somebody typed (N08)."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        visible = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in value)
        return visible.encode("utf-8", "replace").decode()[:LONGEST]
    return value if isinstance(value, int | float | bool | None) else str(value)
