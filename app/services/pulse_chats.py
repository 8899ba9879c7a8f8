"""Is a pulse open for somebody in a chat? While it is, what they type there is nobody's to keep."""

from datetime import datetime

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.models import Invitation, Message, Pulse
from app.services import chat_addresses

TEMPLATES = ("whatsapp",)  # channels whose buttons are written by whoever made the template


def is_open(session: Session, channel: str, sender_id: str, address: str, now: datetime) -> bool:
    """Was a pulse that still runs sent to this address from this sender?"""
    key = chat_addresses.key_of(session, channel, address)
    if key is None:
        return False
    query = (
        select(Message.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .join(Pulse, Pulse.occurrence_id == Invitation.occurrence_id)
        .where(
            Message.sender_id == sender_id,
            Message.address_key == key,
            Message.channel != literal_column("'email'"),  # as the index says it
            Pulse.state == "open",
            Pulse.closes_at > now,
        )
    )
    return session.execute(query.limit(1)).first() is not None


def may_keep_press(session: Session, channel: str, sender_id: str, quotes: str) -> bool:
    """Is it a token of ours, or about another question? What a template's button carries may be a score."""
    if channel not in TEMPLATES:
        return True
    query = (
        select(Invitation.metric)
        .join(Message, Message.invitation_id == Invitation.id)
        .where(Message.sender_id == sender_id, Message.provider_id == quotes)
    )
    metric = session.scalars(query.limit(1)).first() if quotes else None
    return metric is not None and metric != Metric.ENPS
