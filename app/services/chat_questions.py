"""The questions that somebody was asked in one chat, over all workspaces that write from this sender."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

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


@dataclass(frozen=True)
class Question:
    """One of them: as the dialogue knows it, and all that recording needs."""

    asked: Asked
    found: Found


def of(session: Session, runtime: Runtime, stored: Stored, key: str, now: datetime) -> list[Question]:
    """Newest first: open, answered, or ended not long ago."""
    latest = func.max(Message.created_at).label("latest")
    query = (
        select(func.max(Message.id), latest)
        .where(
            Message.sender_id == stored.sender_id,
            Message.address_key == key,
            Message.purpose.in_(("invitation", "reminder")),
            Message.state.in_(("attempting", "unknown", "sent", "delivered")),
            Message.created_at > now - REMEMBERED,
        )
        .group_by(Message.invitation_id)
        .order_by(latest.desc())
        .limit(MOST)
    )
    found = [standing.of_message(session, row[0]) for row in session.execute(query)]
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
    query = (
        select(Message.workspace_id, Message.contact_id)
        .where(
            Message.sender_id == sender_id,
            Message.address_key == key,
            Message.purpose != "inbound",
            Message.workspace_id.is_not(None),
            Message.contact_id.is_not(None),
        )
        .order_by(Message.created_at.desc())
        .limit(1)
    )
    row = session.execute(query).first()
    return (str(row[0]), str(row[1])) if row else None
