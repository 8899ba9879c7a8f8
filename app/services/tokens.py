"""The tokens in links: random, for one message and one purpose; only their SHA-256 is kept."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Statement
from app.models import new_id

_KEEP = Statement(
    "INSERT INTO tokens (token_hash, purpose, workspace_id, message_id, invitation_id, created_at)"
    " VALUES (:token_hash, :purpose, :workspace_id, :message_id, :invitation_id, :created_at)"
)


@dataclass(frozen=True)
class Minted:
    """A token that is about to leave in a message; its text exists nowhere else."""

    token: str
    purpose: str
    workspace_id: str
    message_id: str
    invitation_id: str


def token_hash(token: str) -> bytes:
    """What the table knows of a token."""
    return hashlib.sha256(token.encode()).digest()


def mint(purpose: str, workspace_id: str, message_id: str, invitation_id: str) -> Minted:
    """A new token of 128 random bits."""
    return Minted(new_id(), purpose, workspace_id, message_id, invitation_id)


def keep(session: Session, minted: Iterable[Minted], now: datetime) -> None:
    """Store the hashes, in the transaction that commits the attempt."""
    rows = [
        {
            "token_hash": token_hash(each.token),
            "purpose": each.purpose,
            "workspace_id": each.workspace_id,
            "message_id": each.message_id,
            "invitation_id": each.invitation_id,
            "created_at": now,
        }
        for each in minted
    ]
    _KEEP.run_many(session, rows)


def unsubscribe_token(token: str) -> str:
    """The unsubscribe token beside an answer's: a one-way street, so that each opens one thing only.

    Whoever holds the answer link may also say no more; whoever holds this one cannot answer.
    """
    digest = hashlib.sha256(b"unsubscribe:" + token.encode()).digest()
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()
