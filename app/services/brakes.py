"""What a provider's refusal means beyond its message: a window that is shut, a run that should stop."""

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.models import Conversation, Invitation, Message, Schedule

log = structlog.get_logger("brakes")
THRESHOLD = 3  # of one run refused for what it says: the others would be as well


def shut_window(session: Session, address_key: str | None) -> None:
    """A step: WhatsApp says that the person wrote too long ago; from now on its template is used."""
    session.execute(update(Conversation).where(Conversation.address_key == address_key).values(heard_at=None))


def stop_run(session: Session, invitation_id: str | None, reason: str) -> None:
    """A step: where several of one run were refused for its words or our right to say them, it is paused.

    Nothing of it is lost: whoever looks after it sees why, mends it and resumes.
    """
    invitation = session.get(Invitation, invitation_id) if invitation_id else None
    if invitation is None or invitation.schedule_id is None:
        return
    refused = (
        select(func.count())
        .select_from(Message)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(
            Invitation.occurrence_id == invitation.occurrence_id,
            Message.state == "failed",
            Message.reason == reason,
        )
    )
    if (session.scalar(refused) or 0) < THRESHOLD:
        return
    paused = session.execute(
        update(Schedule)
        .where(Schedule.id == invitation.schedule_id, Schedule.state == "active")
        .values(state="paused", revision=Schedule.revision + 1)
        .returning(Schedule.id)
    ).first()
    if paused is not None:
        log.warning("run_stopped", schedule_id=invitation.schedule_id, reason=reason)
