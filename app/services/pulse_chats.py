"""Is a pulse open for somebody in a chat? While it is, what they type there is nobody's to keep."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Invitation, Message, Pulse
from app.services import chat_addresses


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
            Pulse.state == "open",
            Pulse.closes_at > now,
        )
    )
    return session.execute(query.limit(1)).first() is not None
