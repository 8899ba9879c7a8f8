"""The questions that somebody was asked in one chat, over all workspaces that write from this sender."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.chat import Asked
from app.domain.dialogue import Standing
from app.domain.metrics import Metric
from app.models import Invitation, Message, Pulse
from app.runtime import Runtime
from app.services import standing
from app.services.inbound import Stored
from app.services.standing import Found

MOST = 9  # as many as there are letters to choose by
REMEMBERED = timedelta(days=60)  # after that a late answer is a stray message

_ASKED = Statement(
    "SELECT max(id) FROM messages WHERE sender_id = :sender_id AND address_key = :key"
    " AND channel <> 'email' AND purpose IN ('invitation', 'reminder')"
    " AND state IN ('attempting', 'unknown', 'sent', 'delivered')"
    " AND created_at > :since GROUP BY invitation_id ORDER BY max(created_at) DESC LIMIT :most"
)
_LAST_WRITER = Statement(
    "SELECT workspace_id, contact_id FROM messages WHERE sender_id = :sender_id AND address_key = :key"
    " AND channel <> 'email' AND purpose <> 'inbound' AND workspace_id IS NOT NULL AND contact_id IS NOT NULL"
    " ORDER BY created_at DESC LIMIT 1"
)


@dataclass(frozen=True)
class Question:
    """One of them: as the dialogue knows it, and all that recording needs."""

    asked: Asked
    found: Found


def of(session: Session, runtime: Runtime, stored: Stored, key: str, now: datetime) -> list[Question]:
    """Newest first: open, answered, or ended not long ago."""
    which = {"sender_id": stored.sender_id, "key": key, "since": now - REMEMBERED, "most": MOST}
    found = [standing.of_message(session, row[0]) for row in _ASKED.run(session, which).fetchall()]
    return [_question(session, runtime, each, now) for each in found if each is not None]


def _question(session: Session, runtime: Runtime, found: Found, now: datetime) -> Question:
    if found.metric is not Metric.ENPS:
        stands = found.standing(runtime.config.sandbox_on)
        return Question(Asked(found.invitation_id, found.metric, stands, found.locale, found.score), found)
    closes_at = session.scalar(
        select(Pulse.closes_at)
        .join(Invitation, Invitation.occurrence_id == Pulse.occurrence_id)
        .where(Invitation.id == found.invitation_id, Pulse.state == "open")
    )
    stands = Standing(is_open=closes_at is not None, expires_at=closes_at or now)
    return Question(Asked(found.invitation_id, found.metric, stands, found.locale, is_pulse=True), found)


def quoted(session: Session, stored: Stored) -> str | None:
    """The question of the message of ours that this one answers."""
    query = select(Message.invitation_id).where(
        Message.sender_id == stored.sender_id, Message.provider_id == stored.event.quotes
    )
    return session.scalars(query.limit(1)).first()


def last_writer(session: Session, sender_id: str, key: str) -> tuple[str, str] | None:
    """Workspace and contact of our last message to this address from this sender."""
    row = _LAST_WRITER.run(session, {"sender_id": sender_id, "key": key}).fetchone()
    return (str(row[0]), str(row[1])) if row else None
