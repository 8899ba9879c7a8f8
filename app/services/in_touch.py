"""Somebody whom an agent of ours wrote to: what they write back belongs to that follow-up."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Statement
from app.domain.placeholders import first_name
from app.models import Contact, FollowUp, Member, Message, User
from app.rendering import agent_cards
from app.rendering.languages import language_of
from app.services import followup_opening, telling_agents
from app.services.telling_agents import AgentChat
from app.services.turns import Turn

_OF = Statement(
    "SELECT f.id, f.workspace_id, f.contact_id FROM followups f JOIN messages m ON m.followup_id = f.id"
    " WHERE m.sender_id = :sender_id AND m.address_key = :key AND m.channel <> 'email'"
    " AND m.purpose = 'reply' AND f.closed_at IS NULL ORDER BY m.created_at DESC LIMIT 1"
)


@dataclass(frozen=True)
class Touch:
    """An open follow-up in which we wrote to this address."""

    followup_id: str
    workspace_id: str
    contact_id: str


def of(session: Session, sender_id: str, key: str) -> Touch | None:
    """The follow-up whose agent last wrote to this address from this sender, while it is open."""
    row = _OF.run(session, {"sender_id": sender_id, "key": key}).fetchone()
    return Touch(row[0], row[1], row[2]) if row else None


def forward(turn: Turn, message_id: str, text: str) -> None:
    """A step: their words stand on the follow-up, and it is our turn again."""
    session = turn.session
    touch = of(session, turn.stored.sender_id, turn.key)
    if touch is None:
        return
    session.get_one(Message, message_id).followup_id = touch.followup_id
    followup = session.scalars(
        select(FollowUp).where(FollowUp.id == touch.followup_id).with_for_update()
    ).one()
    followup.replied_at = None
    followup.revision += 1
    followup_opening.leave_event(
        session, touch.workspace_id, touch.followup_id, turn.now, "heard", message_id=message_id, text=text
    )
    _tell_assignee(turn, followup, text)


def _tell_assignee(turn: Turn, followup: FollowUp, text: str) -> None:
    """What the customer wrote comes to the agent's chat as well, if they have tied one."""
    query = (
        select(User)
        .join(Member, Member.user_id == User.id)
        .where(Member.id == followup.assignee_id, User.telegram_chat_id.is_not(None))
    )
    agent = turn.session.scalars(query).one_or_none()
    if agent is None or "telegram" not in turn.runtime.channels:
        return
    contact = turn.session.get_one(Contact, followup.contact_id)
    said = agent_cards.heard(language_of(agent.locale), first_name(contact.name) or contact.label, text)
    chat = AgentChat(followup.workspace_id, agent.id, agent.telegram_chat_id or "", agent.locale)
    telling_agents.tell(turn.session, chat, said, turn.now, followup_id=followup.id)
