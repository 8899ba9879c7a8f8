"""WhatsApp takes free words within a day of the person's last message; else a template that it approved."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.channels.base import Template
from app.domain.delivery import ASKING
from app.models import Conversation, WhatsAppTemplate
from app.services.departing import Departing

WINDOW = timedelta(hours=24)
MARGIN = timedelta(minutes=5)  # what leaves now must still arrive within it


def is_open(session: Session, each: Departing, sender_id: str, now: datetime) -> bool:
    """Did this person write to this number of ours within the window?"""
    query = select(Conversation.heard_at).where(
        Conversation.sender_id == sender_id, Conversation.address_key == each.address_key
    )
    heard_at = session.scalars(query).one_or_none()
    return heard_at is not None and now < heard_at + WINDOW - MARGIN


def template(
    session: Session, each: Departing, variables: dict[str, str], *, within_window: bool = False
) -> Template | None:
    """The approved template of this survey in this language, filled; None where none is there or needed.

    Within the window words do as well, so it goes there only for its buttons.
    """
    if each.purpose not in ASKING or each.survey_id is None:
        return None
    query = select(WhatsAppTemplate).where(
        WhatsAppTemplate.survey_id == each.survey_id, WhatsAppTemplate.locale == each.locale
    )
    found = session.scalars(query).one_or_none()
    if found is None or (within_window and not found.has_buttons):
        return None
    return Template(found.content_sid, variables)
