"""On which channel an agent's words reach somebody: where they answered, else by e-mail."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Answer, Contact
from app.runtime import Runtime


@dataclass(frozen=True)
class Way:
    """A channel of ours and their address on it."""

    channel: str
    address: str
    key: str | None


def way_to(session: Session, runtime: Runtime, contact: Contact, answer_id: str | None) -> Way | None:
    """The first that is open: the answer's own channel, then e-mail; None where neither is."""
    answered = session.scalar(select(Answer.channel).where(Answer.id == answer_id)) if answer_id else None
    for channel in dict.fromkeys((answered or "email", "email")):
        address = contact.address_on(channel)
        if address and (channel == "email" or channel in runtime.channels):
            return Way(channel, address, contact.key_on(channel))
    return None
