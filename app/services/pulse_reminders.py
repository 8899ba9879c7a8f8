"""Reminding those who have not answered yet, once; and forgetting at closing who they were."""

import secrets

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from app.models import Attempt, Invitation, Message, Pulse, SandboxCopy, Token


def forget_reminders(session: Session, pulse: Pulse) -> None:
    """A step of closing: remove the reminders, which tell who had not answered by then.

    The way out in each of those mails must go on working, so its token moves to the invitation's own message.
    Everybody else gets a token that opens nothing: so nobody can tell whose were moved.
    """
    reminders = _messages(pulse, "reminder")
    if session.execute(reminders.limit(1)).first() is None:
        return
    ways_out = _ways_out(session, pulse)
    for table in (Token, Attempt, SandboxCopy):
        session.execute(delete(table).where(table.message_id.in_(reminders)))
    session.execute(delete(Message).where(Message.id.in_(reminders)))
    moved = sorted(
        (ways_out.get(invitation_id) or secrets.token_bytes(32), message_id, invitation_id)
        for message_id, invitation_id in _originals(session, pulse)
    )
    session.execute(
        insert(Token),
        [
            {
                "token_hash": token_hash,
                "purpose": "unsubscribe",
                "workspace_id": pulse.workspace_id,
                "message_id": message_id,
                "invitation_id": invitation_id,
                "created_at": pulse.opened_at,
            }
            for token_hash, message_id, invitation_id in moved
        ],
    )


def _messages(pulse: Pulse, purpose: str) -> Select[str]:
    invitations = select(Invitation.id).where(Invitation.occurrence_id == pulse.occurrence_id)
    return select(Message.id).where(Message.purpose == purpose, Message.invitation_id.in_(invitations))


def _ways_out(session: Session, pulse: Pulse) -> dict[str, bytes]:
    """The unsubscribe token of each reminder, by invitation; of several tries the last, which was sent."""
    rows = session.execute(
        select(Token.invitation_id, Token.token_hash)
        .where(Token.purpose == "unsubscribe", Token.message_id.in_(_messages(pulse, "reminder")))
        .order_by(Token.created_at)
    ).all()
    return {row.invitation_id: row.token_hash for row in rows}


def _originals(session: Session, pulse: Pulse) -> list[tuple[str, str]]:
    """The message of each invitation that has one, and the invitation."""
    rows = session.execute(
        select(Message.id, Invitation.id)
        .join(Invitation, Invitation.id == Message.invitation_id)
        .where(Message.id.in_(_messages(pulse, "invitation")))
    ).all()
    return [(message_id, invitation_id) for message_id, invitation_id in rows]
