"""Agents' words that did not leave and were not made up for: nobody was heard by the person who waits."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import aliased

from app.models import Contact, FollowUp, FollowUpEvent, Message
from app.runtime import Runtime
from app.services.access import Visitor
from app.services.followup_rows import is_open

MOST = 5  # on the home page: whoever has more looks at the channel first
MADE_UP_FOR = ("replied", "contacted")  # what was done about it since


@dataclass(frozen=True)
class UnsentReply:
    """Whose words to whom failed, and why."""

    followup: str
    person: str
    by: str | None
    reason: str | None
    at: datetime


def unsent(runtime: Runtime, who: Visitor) -> tuple[UnsentReply, ...]:
    """The latest of the visitor's workspace, of follow-ups that are open."""
    event, later = aliased(FollowUpEvent), aliased(FollowUpEvent)
    since = select(later.id).where(
        later.followup_id == FollowUp.id, later.kind.in_(MADE_UP_FOR), later.at > event.at
    )
    query = (
        select(FollowUp.id, Contact, event.actor, Message.reason, event.at)
        .join(Contact, Contact.id == FollowUp.contact_id)
        .join(event, event.followup_id == FollowUp.id)
        .join(Message, Message.id == event.message_id)
        .where(FollowUp.workspace_id == who.workspace_id, is_open())
        .where(event.kind == "replied", Message.state == "failed", ~since.exists())
        .order_by(event.at.desc(), event.id)
        .limit(MOST)
    )
    with runtime.db.read() as session:
        return tuple(
            UnsentReply(id, contact.label, by, reason, at)
            for id, contact, by, reason, at in session.execute(query)
        )
