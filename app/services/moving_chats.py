"""Telegram gives a chat another number: whoever was reached there is reached here, and asked no sooner."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import Contact
from app.services import bases
from app.services.address_keys import address_key
from app.services.chat_addresses import telegram_form


def move_chat(session: Session, before: str, after: str, now: datetime) -> None:
    """A step: what the law says of these people holds in the chat as it is called now."""
    had = address_key(session, telegram_form(before))
    moved = (
        update(Contact)
        .where(Contact.telegram_key == had)
        .values(telegram_chat_id=after, telegram_key=address_key(session, telegram_form(after)))
        .returning(Contact)
    )
    for contact in session.scalars(moved, execution_options={"populate_existing": True}).all():
        bases.reach(session, contact.workspace_id, [contact], {contact.id: (had,)}, now)
