"""What follows from how a reminder ended, where it is the one message that asked them.

Not of a pulse: its reminders go to the silent, and no row of theirs is to tell so.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.domain.metrics import Metric
from app.models import Invitation, Message
from app.services import ask_messages, other_ways
from app.services.other_ways import ALONE


def lost(
    session: Session, invitation_id: str | None, reason: str, ready: Collection[str], now: datetime
) -> None:
    """A step: it did not arrive. Where nothing else asked them, the ask takes its next channel, or failed."""
    if _is_sealed(session, invitation_id):
        return
    ask_messages.hold_waiting(session, invitation_id, "reminder")
    if reason != "opted_out" and other_ways.take_next(session, invitation_id, ready, now):
        return
    invitation = session.get_one(Invitation, invitation_id, with_for_update=ALONE)
    told = ask_messages.told(session, invitation.id)
    if invitation.state == "sent" and all(each.is_lost or each.reminds_later for each in told):
        invitation.state, invitation.reason = "failed", reason
        session.flush()


def arrived(session: Session, reminder: Message) -> None:
    """A step: whoever got it was asked: a question that was lost, or waits on another channel, is over."""
    if _is_sealed(session, reminder.invitation_id):
        return
    ask_messages.hold_waiting(session, reminder.invitation_id, "invitation")
    invitation = session.get_one(Invitation, reminder.invitation_id, with_for_update=ALONE)
    if invitation.state not in ("queued", "planned", "failed"):
        return
    if other_ways.take_back(session, invitation, reminder.channel) or invitation.state == "failed":
        other_ways.go_on(invitation, reminder.channel, reminder.address_key, "delivered")
        invitation.sent_at = invitation.sent_at or reminder.sent_at


def _is_sealed(session: Session, invitation_id: str | None) -> bool:
    """Of a pulse? Looked up without holding it."""
    metric = session.scalar(select(Invitation.metric).where(Invitation.id == invitation_id))
    return metric is None or metric == Metric.ENPS
