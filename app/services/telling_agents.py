"""What we tell an agent in their chat, and the end of the event that they caused."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.models import Message, new_id
from app.runtime import Runtime
from app.services import inbound
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


def finish(runtime: Runtime, stored: Stored, *, who: Visitor | None = None, text: str = "") -> None:
    """Answer in the chat, if there is anything to say, and be done with the event: one transaction."""
    with runtime.db.write() as session:
        if inbound.take(session, stored.id) is None:
            return
        if who is not None and text:
            chat = AgentChat(who.workspace_id, who.user_id or "", stored.event.address, who.locale)
            tell(session, chat, text, runtime.clock())
        inbound.done(session, stored.id, workspace_id=who.workspace_id if who else None)
    runtime.reach("inbound_handled")


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
