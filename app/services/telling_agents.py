"""What we tell an agent in their chat, and the end of the event that they caused."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models import Contact, FollowUp, Message, new_id
from app.runtime import Runtime
from app.services import holding, inbound
from app.services.access import Visitor
from app.services.inbound import Stored
from app.services.outbox import FIRST


@dataclass(frozen=True)
class AgentChat:
    """A member's own chat with our bot."""

    workspace_id: str
    user_id: str
    chat_id: str
    locale: str


def finish(
    runtime: Runtime, stored: Stored, *, who: Visitor | None = None, text: str = "", followup_id: str = ""
) -> None:
    """Answer in the chat, if there is anything to say, and be done with the event: one transaction.

    What they wrote is in its place by now, and what we say is about the follow-up: whoever forgets its person
    finds both. Of somebody who was erased meanwhile nothing is said.
    """
    with runtime.db.write() as session:
        if inbound.take(session, stored.id) is None:
            return
        if who is not None and text and _is_there(session, followup_id):
            chat = AgentChat(who.workspace_id, who.user_id or "", stored.event.address, who.locale)
            tell(session, chat, text, runtime.clock(), followup_id=followup_id)
        if who is not None:
            inbound.forget_words(session, stored.id)
        inbound.done(session, stored.id, workspace_id=who.workspace_id if who else None)
    runtime.reach("inbound_handled")


def _is_there(session: Session, followup_id: str) -> bool:
    """Is its person still known to us? They stay so until this transaction ends."""
    contact = session.get_one(Contact, session.get_one(FollowUp, followup_id).contact_id)
    try:
        return holding.hold(session, contact) is not None
    except NotFound:
        return False


def tell(
    session: Session, chat: AgentChat, text: str, now: datetime, *, followup_id: str | None = None
) -> None:
    """A step: words to a member's chat; with a follow-up its buttons stand under them."""
    session.add(
        Message(
            id=new_id(), workspace_id=chat.workspace_id, purpose="dialogue", priority=FIRST,
            channel="telegram", user_id=chat.user_id, to_address=chat.chat_id, locale=chat.locale, body=text,
            followup_id=followup_id, state="queued", due_at=now, created_at=now,
        )
    )  # fmt: skip
