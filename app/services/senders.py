"""Our mailboxes, numbers and bots: a row each, made the first time that one is used."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import insert_into
from app.models import Sender, new_id


def sender_id(session: Session, channel: str, identity: str, now: datetime) -> str:
    """The id of our sender with this identity on this channel."""
    query = select(Sender.id).where(Sender.channel == channel, Sender.identity == identity)
    found = session.scalar(query)
    if found is None:
        values = {"id": new_id(), "channel": channel, "identity": identity, "created_at": now}
        session.execute(insert_into(session, Sender).values(values).on_conflict_do_nothing())
        found = session.scalars(query).one()
    return found
