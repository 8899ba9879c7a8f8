"""Our mailboxes, numbers and bots: a row each, made the first time that one is used."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.db import Statement, insert_into
from app.models import Sender, new_id
from app.runtime import Runtime

_FIND = Statement("SELECT id FROM senders WHERE channel = :channel AND identity = :identity")


SANDBOX_ADDRESS = "retorno@sandbox.invalid"  # who writes while no mailbox is ours


def identity(runtime: Runtime, channel: str) -> str:
    """Which mailbox, number or bot of ours writes on this channel."""
    if channel == "email":
        return runtime.config.mail_from or SANDBOX_ADDRESS
    return runtime.channels[channel].identity


def sender_id(session: Session, channel: str, identity: str, now: datetime) -> str:
    """The id of our sender with this identity on this channel."""
    ours = {"channel": channel, "identity": identity}
    found = _FIND.run(session, ours).fetchone()
    if found is None:
        values = {"id": new_id(), "created_at": now, **ours}
        session.execute(insert_into(session, Sender).values(values).on_conflict_do_nothing())
        found = _FIND.run(session, ours).fetchone()
    return str(found[0])
