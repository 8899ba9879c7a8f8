"""The messages of one ask, its questions and reminders, and whether one of them has asked anybody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db import is_postgresql
from app.domain.delivery import ASKING
from app.models import Message
from app.services.caps_sql import LEFT, WAITING
from app.services.unsent import HELD

LOST = ("failed", "cancelled")


@dataclass(frozen=True)
class Told:
    """A message of an ask: its question on one channel, or a reminder."""

    purpose: str
    channel: str
    key: str | None
    state: str
    reason: str | None

    @property
    def asks(self) -> bool:
        """Is it the question itself?"""
        return self.purpose == "invitation"

    @property
    def is_lost(self) -> bool:
        """Did it end without reaching anybody? What a pause holds has not ended."""
        return self.state in LOST and self.reason != HELD

    @property
    def reminds_later(self) -> bool:
        """Is it a reminder that waits?"""
        return not self.asks and self.state in WAITING


def hold_waiting(session: Session, invitation_id: str | None, purpose: str) -> None:
    """A step, before their invitation is held: its questions or reminders that wait stay as they are.

    Whoever sends a message holds it first and its invitation then: so does whoever writes about both.
    """
    if not is_postgresql(session):
        return
    its = Message.invitation_id == invitation_id, Message.purpose == purpose, Message.state.in_(WAITING)
    session.execute(select(Message.id).where(*its).order_by(Message.id).with_for_update()).all()


def told(session: Session, invitation_id: str) -> list[Told]:
    """A step: its messages in their order. No reminder that waits is sent while we look."""
    its = Message.invitation_id == invitation_id, Message.purpose.in_(ASKING)
    waiting = select(Message.id).where(*its, Message.purpose == "reminder", Message.state.in_(WAITING))
    session.execute(waiting.with_for_update()).all()
    columns = Message.purpose, Message.channel, Message.address_key, Message.state, Message.reason
    rows = session.execute(select(*columns).where(*its).order_by(Message.created_at, Message.id))
    return [Told(*row) for row in rows]


def reminder_that_asked(messages: Sequence[Told]) -> Told | None:
    """The reminder that has asked them, or may have. One that waits reminds of nothing.

    On a channel that has lost the question, one that only left is as good as lost.
    """
    lost_on = {each.channel for each in messages if each.asks}
    found = [
        each
        for each in messages
        if not each.asks and each.state in LEFT and (each.state != "sent" or each.channel not in lost_on)
    ]
    return next((each for each in found if each.state == "delivered"), found[-1] if found else None)


def take_back_reminders(session: Session, invitation_id: str) -> None:
    """A step: the question is asked anew, so none that waits leaves in the same minute."""
    waiting = update(Message).where(
        Message.invitation_id == invitation_id, Message.purpose == "reminder", Message.state.in_(WAITING)
    )
    ended = waiting.values(state="cancelled", reason="duplicate")
    session.execute(ended.execution_options(synchronize_session=False))
